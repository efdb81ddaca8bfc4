package shell

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/cmd/shale/output"
)

// runs runs texts, each as one of -e.
func runs(t *testing.T, cfg Config, texts ...string) *ran {
	t.Helper()
	r := newRan(cfg)
	var scripts []Script
	for _, text := range texts {
		scripts = append(scripts, Script{Text: text})
	}
	r.err = r.shell.RunAll(t.Context(), scripts)
	return r
}

// A script runs up to its first error, and gives that back.
func TestScript(t *testing.T) {
	r := runs(t, Config{Format: output.CSV}, "SELECT 1; SELECT 2", ".headers off", "SELECT 3")
	require.NoError(t, r.err)
	require.Equal(t, []string{"SELECT 1", "SELECT 2", "SELECT 3"}, r.asked)
	require.Equal(t, "answer\n1\nanswer\n2\n3\n", r.out.String())
	require.Empty(t, r.say.String())

	r = runs(t, Config{}, "SELEC 1; SELECT 2", "SELECT 3")
	require.EqualError(t, r.err, `near "SELEC": syntax error`)
	require.Equal(t, "SELEC 1\n^", Caret(r.err))
	require.Equal(t, []string{"SELEC 1"}, r.asked)
	require.Empty(t, r.out.String())

	require.ErrorIs(t, runs(t, Config{}, " ; -- nothing").err, ErrNoStatement)
	require.ErrorIs(t, runs(t, Config{}).err, ErrNoStatement)
	r = runs(t, Config{}, ".exit", "SELECT 1")
	require.NoError(t, r.err)
	require.Empty(t, r.asked)

	r = newRan(Config{})
	err := r.shell.RunAll(t.Context(), []Script{{Name: "s.sql", Text: "SELECT 1;\n\nFAIL here;"}})
	require.EqualError(t, err, "s.sql:3: here")
}

// A pipe is a script, too, whose statements run as they come.
func TestPipe(t *testing.T) {
	r := newRan(Config{Format: output.JSONL, In: strings.NewReader("SELECT\n1;\n.timer on\nMANY 2; SELECT 3;\nSELECT 4")})
	require.NoError(t, r.shell.Run(t.Context()))
	require.Equal(t, []string{"SELECT\n1", "MANY 2", "SELECT 3", "SELECT 4"}, r.asked)
	require.Regexp(t, `^2 rows, \S+s\n1 row, \S+s\n1 row, \S+s\n$`, r.say.String())

	r = newRan(Config{In: strings.NewReader("SELECT 1;\nFAIL gone; SELECT 2;\nSELECT 3;\n")})
	require.EqualError(t, r.shell.Run(t.Context()), "gone")
	require.Equal(t, []string{"SELECT 1", "FAIL gone"}, r.asked)

	r = newRan(Config{In: strings.NewReader("")})
	require.NoError(t, r.shell.Run(t.Context()))

	r = newRan(Config{In: strings.NewReader("SELECT '" + strings.Repeat("x", statementMax))})
	require.ErrorContains(t, r.shell.Run(t.Context()), "more than 16 MiB")
}

// A part of an answer is not passed off as the whole.
func TestHalf(t *testing.T) {
	r := runs(t, Config{Format: output.CSV}, "HALF")
	require.EqualError(t, r.err, "shard 3 is gone")
	require.Equal(t, "the 2 rows above are not the whole answer\n", r.say.String())
	r = runs(t, Config{}, "HALF")
	require.Error(t, r.err)
	require.Empty(t, r.out.String())
}

// The statement's time limit ends it; so does the context, and nothing runs behind it.
func TestEnds(t *testing.T) {
	r := runs(t, Config{Timeout: time.Millisecond}, "SLEEP")
	require.ErrorIs(t, r.err, ErrTimeout)
	require.ErrorIs(t, r.err, context.DeadlineExceeded)

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(ErrInterrupted)
	r = newRan(Config{In: strings.NewReader("SELECT 1;")})
	require.ErrorIs(t, r.shell.RunAll(ctx, []Script{{Text: "SELECT 1"}}), ErrInterrupted)
	require.ErrorIs(t, r.shell.Run(ctx), ErrInterrupted)
	require.Empty(t, r.asked)
}

func TestSettings(t *testing.T) {
	r := runs(t, Config{}, ".mode json", ".mode", ".write", ".write on", ".write", ".asof", ".asof 42", ".asof", ".asof now", ".asof",
		".asof '2026-11-23 10:00'", ".asof")
	require.NoError(t, r.err)
	require.Equal(t, "json\nwriting is off\nwriting is on\nnow\n42\nnow\n467000\n", r.say.String())
	require.Equal(t, []string{"SELECT ts('2026-11-23 10:00')"}, r.asked)
	require.Equal(t, "shale@> ", r.shell.prompt())
	require.EqualValues(t, 467000, r.asOf)
}

func TestMistakes(t *testing.T) {
	for text, says := range map[string]string{
		".tabels":              "did you mean .tables?",
		".vresions k":          "did you mean .versions?",
		".xyzzy":               ".help lists them",
		".mode xml":            "a format is one of",
		".headers maybe":       ".headers on, or .headers off",
		".write maybe":         ".write on, or .write off",
		".shards all":          ".shards takes nothing behind it",
		".asof 0":              "above zero",
		".asof yesterday":      "is no time",
		".use":                 ".use cluster",
		".use shard":           ".use cluster",
		".use shard x":         "no number",
		".use shard 1 shard 2": ".use cluster",
		".use shard 2":         "needs a cluster",
		".leader two":          "not \"two\"",
		".versions":            ".versions KEY",
		".versions \\q":        "bad escape",
		".explain a b":         ".explain takes",
		".schema versoins":     "did you mean versions?",
		".schema xyzzy":        "no table xyzzy",
		".tables xyzzy":        "no table or function fits",
		".watch":               "one statement",
		".watch 0.1 SELECT 1":  "every 0.2 seconds at most",
		".watch NaN SELECT 1":  "every 0.2 seconds at most",
		".watch .watch":        "does not repeat .watch",
		".read":                ".read FILE",
		".read a b":            "takes one word",
		"GET":                  "GET KEY…",
		"PUT k":                "PUT KEY VALUE",
		"PUT k 'a' b":          "PUT KEY VALUE",
		"GET 'k":               "is not closed",
		"GET ''":               "the key is empty",
		"SCAN a b c":           "SCAN [START [END]]",
		"SCAN LIMIT 0":         "LIMIT is a number",
		"DEL":                  "DEL KEY…",
	} {
		r := runs(t, Config{}, text)
		require.ErrorContains(t, r.err, says, text)
		require.Empty(t, r.out.String(), text)
	}
	var m *MistakeError
	require.ErrorAs(t, runs(t, Config{}, ".tabels").err, &m)
}

// Commands are questions to the engine, to the letter.
func TestCommands(t *testing.T) {
	for text, asks := range map[string]string{
		".shards":                "SELECT * FROM shards",
		".NODES":                 "SELECT * FROM nodes",
		".locks;":                "SELECT * FROM locks",
		".waits":                 "SELECT * FROM waits",
		".hot":                   "SELECT * FROM hot() ORDER BY reads + writes DESC LIMIT 20",
		".leader":                "SELECT shard, leader FROM (SELECT * FROM shards)",
		".leader 3":              "SELECT shard, leader FROM (SELECT * FROM shards WHERE shard = 3)",
		".versions city/Zürich":  "SELECT * FROM history('city/Zürich')",
		".versions it's":         "SELECT * FROM history('it''s')",
		".versions \\x01\\xff":   "SELECT * FROM history(X'01ff')",
		`.versions "a b"`:        "SELECT * FROM history('a b')",
		".explain":               "SELECT * FROM explain()",
		".explain 467":           "SELECT * FROM explain(467)",
		".explain ab'c":          "SELECT * FROM explain('ab''c')",
		"explain  txn\n467 ;":    "SELECT * FROM explain(467)",
		"EXPLAIN QUERY PLAN a b": "EXPLAIN QUERY PLAN a b",
	} {
		r := runs(t, Config{}, text)
		require.NoError(t, r.err, text)
		require.Equal(t, []string{asks}, r.asked, text)
	}
}

func TestTables(t *testing.T) {
	r := runs(t, Config{}, ".tables *s")
	require.NoError(t, r.err)
	require.Equal(t, "name      kind   what it holds\nversions  table  every version\nlocks     table  undecided writes\n", r.out.String())
	r = runs(t, Config{}, ".tables is")
	require.Contains(t, r.out.String(), "history(key [, limit])  table function")
	r = runs(t, Config{Format: output.CSV}, ".schema HISTORY")
	require.Equal(t, "table,column,type,what it is\nhistory,op,TEXT,\nhistory,key,TEXT,argument: whose\nhistory,limit,INTEGER,\"argument, may be left out\"\n", r.out.String())
	r = runs(t, Config{}, ".help watch")
	require.Equal(t, ".watch [SECONDS] STATEMENT      repeat a statement until Ctrl-C, every 2 seconds or so many\n", r.say.String())
	r = runs(t, Config{Extra: []Command{{Name: ".bank", Doc: "the total"}}}, ".help")
	for _, c := range r.shell.commands {
		require.Contains(t, r.say.String(), c.name)
	}
	require.Contains(t, r.say.String(), "the total")
}

// .output writes into a file, and what cannot be written there is an error.
func TestOutput(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a file.csv")
	r := runs(t, Config{Format: output.CSV}, ".output '"+name+"'", "SELECT 1", ".output", "SELECT 2", ".output "+filepath.Dir(name))
	require.Error(t, r.err)
	raw, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, "answer\n1\n", string(raw))
	require.Equal(t, "answer\n2\n", r.out.String())
	if _, err := os.Stat("/dev/full"); err == nil {
		require.ErrorContains(t, runs(t, Config{}, ".output /dev/full", "SELECT 1").err, "no space")
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		return name
	}
	inner := write("inner.sql", "SELECT 2;\n\n.exit\nSELECT 3;")
	outer := write("outer.sql", "SELECT 1;\n.read "+inner+"\nFAIL late;\nSELECT 4")
	r := runs(t, Config{}, ".read "+outer)
	require.EqualError(t, r.err, outer+":3: late")
	require.Equal(t, []string{"SELECT 1", "SELECT 2", "FAIL late"}, r.asked)
	self := filepath.Join(dir, "self.sql")
	write("self.sql", ".read "+self)
	require.ErrorContains(t, runs(t, Config{}, ".read "+self).err, "does one read itself?")
	require.ErrorIs(t, runs(t, Config{}, ".read "+dir+"/none").err, os.ErrNotExist)
}

// .use changes what statements run on, and never with a transaction open.
func TestUse(t *testing.T) {
	other := newFake()
	var asked []Target
	cfg := Config{Use: func(_ context.Context, target Target) (Engine, error) {
		asked = append(asked, target)
		if target.Node == 9 {
			return nil, errors.New("there is no node 9")
		}
		return other, nil
	}}
	r := runs(t, cfg, "SELECT 1", ".use shard 2 replica 3", "SELECT 2")
	require.NoError(t, r.err)
	require.Equal(t, []string{"SELECT 1"}, r.asked)
	require.Equal(t, []string{"SELECT 2"}, other.asked)
	require.Equal(t, "shale[shard 2 at 3]> ", r.shell.prompt())
	r = runs(t, cfg, "BEGIN", ".use cluster")
	require.ErrorContains(t, r.err, "COMMIT or ROLLBACK it first")
	r = runs(t, cfg, ".use replica 9")
	require.EqualError(t, r.err, "there is no node 9")
	require.Equal(t, "shale> ", r.shell.prompt())
	require.Equal(t, []Target{{Shard: 2, Node: 3}, {Node: 9}}, asked)
}

// .watch repeats in blocks, until it is interrupted or the statement fails.
func TestWatch(t *testing.T) {
	r := newRan(Config{Format: output.CSV})
	ctx, cancel := context.WithCancelCause(t.Context())
	var waited []time.Duration
	r.shell.clock.after = func(d time.Duration) <-chan time.Time {
		if waited = append(waited, d); len(waited) == 3 {
			cancel(ErrInterrupted)
			return nil
		}
		c := make(chan time.Time, 1)
		c <- time.Time{}
		return c
	}
	err := r.shell.RunAll(ctx, []Script{{Text: ".watch 0.5 SELECT 1"}})
	require.ErrorIs(t, err, ErrInterrupted)
	require.Equal(t, "answer\n1\n\nanswer\n2\n\nanswer\n3\n", r.out.String())
	require.Equal(t, []time.Duration{500 * time.Millisecond, 500 * time.Millisecond, 500 * time.Millisecond}, waited)
	require.EqualError(t, runs(t, Config{}, ".watch FAIL now").err, "now")
}

func TestNearest(t *testing.T) {
	require.Equal(t, 0, changes("abc", "abc"))
	require.Equal(t, 1, changes("abc", "acb"))
	require.Equal(t, 2, changes("abc", "b"))
	require.Equal(t, 3, changes("", "abc"))
	require.Empty(t, nearest(".xyzzy", []string{".tables"}))
}
