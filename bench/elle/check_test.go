package elle

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/bench/history"
	"github.com/shaledb/shale/mvcc"
)

// execute makes a history of n transactions as a serializable store with as many clients
// would give it: with a hundred lists at a time, each of which gets 30 appends.
func execute(n, clients int) []history.Txn {
	rng := rand.New(rand.NewPCG(1, 2))
	lists := map[mvcc.Key][]int64{}
	txns := make([]history.Txn, n)
	next, value := 100, int64(0)
	var keys []mvcc.Key
	for i := range 100 {
		keys = append(keys, mvcc.Key(fmt.Sprintf("k%d", i)))
	}
	for i := range txns {
		t := &txns[i]
		// Each is committed in the middle of its time, and overlaps some of its neighbours.
		t.Process, t.Outcome = i%clients, history.OK
		t.Begin, t.End = time.Duration(10*i-rng.IntN(5*clients)), time.Duration(10*i+1+rng.IntN(5*clients))
		for range 2 + rng.IntN(4) {
			slot := rng.IntN(len(keys))
			k := keys[slot]
			t.Ops = append(t.Ops, history.Op{Do: history.Read, Key: k, List: lists[k]})
			if rng.IntN(2) == 0 {
				value++
				t.Ops = append(t.Ops, history.Op{Do: history.Append, Key: k, Value: value})
				lists[k] = append(lists[k], value)
			}
			if len(lists[k]) > 30 {
				keys[slot] = mvcc.Key(fmt.Sprintf("k%d", next))
				next++
			}
		}
	}
	return txns
}

// A large right history is right, and one read that is a little too old is found in it.
func TestOneMistakeAmongMany(t *testing.T) {
	txns := execute(20_000, 30)
	for _, level := range []history.Level{history.SnapshotIsolation, history.Serializable} {
		r := Check(txns, level)
		require.True(t, r.OK(), "%s", explain(r))
		require.Equal(t, len(txns), r.Committed)
	}
	for i := 10_000; ; i++ {
		ops := txns[i].Ops
		if n := len(ops[0].List); n > 10 && ops[1].Do == history.Read && len(ops[1].List) > 10 {
			ops[0].List = ops[0].List[:n-8]
			break
		}
	}
	for _, level := range []history.Level{history.SnapshotIsolation, history.Serializable} {
		r := Check(txns, level)
		require.False(t, r.OK(), "%s", level)
	}
}

// A store that forgets every hundredth append is a knot of nearly everything. That, too,
// ends soon, with cycles that a person can read.
func TestManyMistakes(t *testing.T) {
	txns := execute(8_000, 30)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range txns {
		for at := range txns[i].Ops {
			op := &txns[i].Ops[at]
			if op.Do == history.Read && len(op.List) > 3 && rng.IntN(100) == 0 {
				op.List = op.List[:len(op.List)-3]
			}
		}
	}
	begun := time.Now()
	r := Check(txns, history.Serializable)
	t.Logf("%s after %s", r.Counts(), time.Since(begun))
	require.False(t, r.OK())
	require.Less(t, len(r.Anomalies[len(r.Anomalies)-1].Text), 5000)
}

// 100,000 transactions are to take less than two seconds.
func BenchmarkCheck(b *testing.B) {
	txns := execute(100_000, 30)
	for _, level := range []history.Level{history.SnapshotIsolation, history.Serializable} {
		b.Run(string(level), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if r := Check(txns, level); !r.OK() {
					b.Fatal(explain(r))
				}
			}
			b.ReportMetric(float64(len(txns))*float64(b.N)/b.Elapsed().Seconds(), "txns/s")
		})
	}
}
