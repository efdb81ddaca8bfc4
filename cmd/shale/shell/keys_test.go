package shell

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/cmd/shale/output"
)

// Words about keys alone, and inside of a transaction.
func TestKeys(t *testing.T) {
	r := runs(t, Config{}, ".write on", "put a 1", "BEGIN; PUT b 2; DEL a; GET a b; SCAN; COMMIT;", "GET b; SCAN")
	require.NoError(t, r.err)
	require.Equal(t, `committed at 1001
key  value
a    NULL
b    2
key  value  commit_ts
b    2      NULL
committed at 1002
key  value
b    2
key  value  commit_ts
b    2           1000
`, r.out.String())
	require.Equal(t, "no such key: a\n", r.say.String())
	require.Equal(t, map[string]string{"b": "2"}, r.store)
}

// A value without quotes is the rest of the line.
func TestPut(t *testing.T) {
	for line, want := range map[string]string{
		`PUT k {"a": "x; y", "b": [1, 2]};`: `{"a": "x; y", "b": [1, 2]}`,
		"PUT k two  words ; ":               "two  words",
		"PUT k 'it is; so '":                "it is; so ",
		`PUT k "\x00\n"`:                    "\x00\n",
		`PUT k ''`:                          "",
		`PUT k a\b`:                         `a\b`,
		`put k it's`:                        "it's",
	} {
		r := runs(t, Config{}, ".write on", line)
		require.NoError(t, r.err, line)
		require.Equal(t, map[string]string{"k": want}, r.store, line)
	}
	r := runs(t, Config{}, ".write on", `PUT \x01\xff v`, `PUT "a b" v`, `PUT 'c\d' v`)
	require.NoError(t, r.err)
	require.Equal(t, map[string]string{"\x01\xff": "v", "a b": "v", `c\d`: "v"}, r.store)
}

// Nothing is written before .write on.
func TestKeysReadOnly(t *testing.T) {
	for _, line := range []string{"PUT a 1", "DEL a", "BEGIN; PUT a 1; COMMIT;"} {
		r := runs(t, Config{}, line)
		var refused *ReadOnlyError
		require.ErrorAs(t, r.err, &refused, line)
		require.ErrorContains(t, r.err, ".write on")
		require.Zero(t, r.commits)
	}
}

func TestKeysScan(t *testing.T) {
	r := newRan(Config{Format: output.CSV})
	r.store = map[string]string{"a": "1", "b": "2", "c": "3", "d\x00": "\xff"}
	for line, want := range map[string]string{
		"SCAN b d":       "b,2,1000\nc,3,1000\n",
		"scan b limit 1": "b,2,1000\n",
		"SCAN '' b":      "a,1,1000\n",
		`SCAN "d" ""`:    "d\\x00,\\xff,1000\n",
		"SCAN limit b":   "",
	} {
		r.out.Reset()
		r.say.Reset()
		err := r.shell.RunAll(t.Context(), []Script{{Text: line}})
		if line == "SCAN limit b" {
			require.ErrorContains(t, err, "LIMIT is a number")
			continue
		}
		require.NoError(t, err, line)
		require.Equal(t, "key,value,commit_ts\n"+want, r.out.String(), line)
		if line == "scan b limit 1" {
			require.Equal(t, "there is more: SCAN \"c\" goes on; LIMIT allows more rows at once\n", r.say.String())
		}
	}
}

// A read that meets a conflict and runs again is printed once.
func TestKeysRetried(t *testing.T) {
	r := newRan(Config{Format: output.CSV})
	r.retries, r.store = 2, map[string]string{"a": "1"}
	require.NoError(t, r.shell.RunAll(t.Context(), []Script{{Text: "SCAN; GET a"}}))
	require.Equal(t, "key,value,commit_ts\na,1,1000\nkey,value\na,1\n", r.out.String())
	r.fake.failing = errors.New("conflict")
	require.EqualError(t, r.shell.RunAll(t.Context(), []Script{{Text: "GET a"}}), "conflict")
}

// Machines read rows, also of a commit; an engine without keys says so.
func TestKeysFormats(t *testing.T) {
	r := runs(t, Config{Format: output.JSONL}, ".write on", `PUT a "\xff"`, "GET a b")
	require.NoError(t, r.err)
	require.Equal(t, "{\"committed_at\":1001}\n{\"key\":\"a\",\"value\":\"/w==\"}\n{\"key\":\"b\",\"value\":null}\n", r.out.String())
	r = newRan(Config{Engine: struct{ Engine }{newFake()}})
	require.ErrorContains(t, r.shell.RunAll(t.Context(), []Script{{Text: "GET a"}}), "GET needs a cluster")
}
