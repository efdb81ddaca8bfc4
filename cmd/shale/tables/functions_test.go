package tables

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// Keys and values are TEXT where people could have typed them.
func TestKeysInSQL(t *testing.T) {
	for _, c := range []struct {
		key  mvcc.Key
		want any
	}{
		{"city/Tokyo", "city/Tokyo"}, {"日本", "日本"}, {"a\tb\nc", "a\tb\nc"}, {`"\`, `"\`}, {"\uFFFD", "\uFFFD"},
		{"\x01", []byte("\x01")}, {"a\x00b", []byte("a\x00b")}, {"\xff", []byte("\xff")}, {"a\x1b[1m", []byte("a\x1b[1m")},
		{"a\u202e", []byte("a\u202e")}, // turns text round
	} {
		require.Equal(t, c.want, keyValue(c.key))
	}
	require.Equal(t, "", putValue(&mvcc.Version{Op: mvcc.OpPut}), "an empty value is one")
	require.Nil(t, putValue(&mvcc.Version{Op: mvcc.OpDelete}))
}

// state is what each key holds as of a timestamp, by the versions themselves.
func (w *world) state(at timestamp.Timestamp) map[string]string {
	out := map[string]string{}
	for _, v := range slices.Backward(w.versions) { // from old to new
		switch {
		case v.CommitTS > at:
		case v.Op == mvcc.OpPut:
			out[string(v.Key)] = string(v.Value)
		default:
			delete(out, string(v.Key))
		}
	}
	return out
}

// diff is what turns one state into the other, both ways, whatever the pages and splits.
func TestDiff(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	for range 60 {
		w := &world{shards: shardsAt("c", "f"), clock: 1000, pageMax: 1 + rng.IntN(4)}
		for ts := timestamp.Timestamp(10); ts < 60; ts++ {
			op := mvcc.OpPut
			if rng.IntN(3) == 0 {
				op = mvcc.OpDelete
			}
			w.write(mvcc.Key('a'+rune(rng.IntN(8))), ts, ts-1, op, fmt.Sprint(rng.IntN(3)))
		}
		ts1, ts2 := timestamp.Timestamp(5+rng.IntN(60)), timestamp.Timestamp(5+rng.IntN(60))
		was, is := w.state(ts1), w.state(ts2)
		rows := mustScan(t, t.Context(), named(t, w.cluster().Tables(), "diff"), equals("ts1", int64(ts1), "ts2", int64(ts2)))
		for _, row := range rows {
			key := row[0].(string)
			before, had := was[key]
			after, has := is[key]
			require.Equal(t, []any{had, has}, []any{row[2] != nil, row[3] != nil}, "seed %d: %v", seed, row)
			require.Equal(t, map[[2]bool]string{{true, true}: "update", {false, true}: "insert", {true, false}: "delete"}[[2]bool{had, has}], row[1])
			if had {
				require.Equal(t, before, row[2])
				delete(was, key)
			}
			if has {
				require.Equal(t, after, row[3])
				was[key] = after
			}
		}
		require.Equal(t, is, was, "seed %d: diff(%d, %d)", seed, ts1, ts2)
	}
}

// A lock is seen without a wait for it: versions are read below it.
func TestHistory(t *testing.T) {
	w := &world{shards: shardsAt("m"), clock: 100}
	w.put("k", 50, "old")
	w.write("k", 60, 59, mvcc.OpDelete, "")
	w.locked = []mvcc.Lock{{Key: "k", StartTS: 70, Kind: mvcc.LockPut, MinCommitTS: 71, Primary: "k"}}
	rows := mustScan(t, t.Context(), named(t, w.cluster().Tables(), "history"), equals("key", "k"))
	require.Equal(t, []string{
		"<nil> 70 put <nil> undecided k",
		"60 59 delete <nil> committed k",
		"50 49 put old committed k",
	}, texts(rows, 0, 1, 2, 3, 4, 5))
	require.EqualValues(t, 70, w.asked[0].ReadTS)
	_, err := scan(t.Context(), named(t, w.cluster().Tables(), "history"), equals("key", ""))
	require.ErrorContains(t, err, "history(key)")
}

func TestBlame(t *testing.T) {
	w := &world{shards: shardsAt("b"), clock: 100}
	for i, k := range []mvcc.Key{"a", "b", "c", "d"} {
		w.put(k, timestamp.Timestamp(50+i), "v")
		w.write(k, timestamp.Timestamp(60+i), 55, mvcc.OpPut, "w")
	}
	w.write("b", 70, 69, mvcc.OpDelete, "")
	blame := named(t, w.cluster().Tables(), "blame")
	require.Equal(t, []string{"a w 55", "c w 55", "d w 55"}, texts(mustScan(t, t.Context(), blame, equals()), 0, 1, 4))
	require.Equal(t, []string{"c"}, texts(mustScan(t, t.Context(), blame, equals("start", "b", "end", "d")), 0))
	require.Equal(t, []string{"a", "c"}, texts(mustScan(t, t.Context(), blame, equals("start", nil, "end", []byte("d"))), 0))
	require.Empty(t, mustScan(t, t.Context(), blame, equals("start", "d", "end", "b")))
}

// txn(id) says of every key what stands: a version, a lock, a record.
func TestTransaction(t *testing.T) {
	w := &world{shards: shardsAt("m"), clock: 100, pageMax: 1}
	w.write("a", 61, 60, mvcc.OpPut, "1")
	w.write("p", 61, 60, mvcc.OpDelete, "")
	w.write("b", 61, 58, mvcc.OpPut, "another's")
	w.locked = []mvcc.Lock{{Key: "q", StartTS: 60, Kind: mvcc.LockPut, Primary: "a"}, {Key: "r", StartTS: 58, Primary: "b"}}
	w.recorded = []mvcc.Record{{Key: "a", StartTS: 60, Decision: mvcc.Committed, CommitTS: 61},
		{Key: "z", StartTS: 60, Decision: mvcc.Fenced}, {Key: "b", StartTS: 58, Decision: mvcc.Aborted}}
	rows := mustScan(t, t.Context(), named(t, w.cluster().Tables(), "txn"), equals("id", int64(60)))
	require.Equal(t, []string{
		"2 a put 1 committed 61 a",
		"3 p delete <nil> committed 61 <nil>",
		"3 q put <nil> locked <nil> a",
		"3 z <nil> <nil> fenced <nil> <nil>",
	}, texts(rows, 0, 1, 2, 3, 4, 5, 6))
}

func TestMetricsText(t *testing.T) {
	rows, err := metricRows(3, `# TYPE calls_total counter
calls_total{code="ok",b="x"} 7
# TYPE took_seconds histogram
took_seconds_bucket{le="0.5"} 1
took_seconds_bucket{le="+Inf"} 2
took_seconds_sum 3.5
took_seconds_count 2
`)
	require.NoError(t, err)
	require.Equal(t, []string{
		`3 calls_total {"b":"x","code":"ok"} 7`,
		`3 took_seconds_bucket {"le":"0.5"} 1`, `3 took_seconds_bucket {"le":"+Inf"} 2`,
		`3 took_seconds_sum {} 3.5`, `3 took_seconds_count {} 2`,
	}, texts(rows, 0, 1, 2, 3))
	_, err = metricRows(3, "nonsense{")
	require.Error(t, err)
}
