package txn

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// What leaders say of waits goes to the detector, cycles to their victims, and the lock that
// is waited for is resolved (S8, S23).
func TestWaits(t *testing.T) {
	w := newWorld(t, "m")
	c := w.coordinator()
	_, dead := laid(t, w, puts("a", "1", "z", "1"), "az")
	w.tasks = nil
	lock := w.locks()[0]
	cycle := []mvcc.WaitEdge{{Waiter: 7, Holder: dead.tx.Start, Key: "a"}, {Waiter: dead.tx.Start, Holder: 7, Key: "z"}}
	var told []mvcc.WaitEdge
	var victim *routing.VictimArgs
	w.system = func(req routing.Request) (routing.Response, error) {
		switch a := req.(type) {
		case *routing.WaitArgs:
			told = a.Edges
			return &routing.WaitResult{Cycles: [][]mvcc.WaitEdge{cycle}}, nil
		case *routing.VictimArgs:
			victim = a
			return &routing.VictimResult{Ended: true}, nil
		}
		return nil, nil
	}
	waits := []mvcc.Wait{{Waiter: 7, Primary: "k", Lock: lock}, {Waiter: 9, Primary: "k", Lock: lock}}
	c.Waits(waits)
	require.Len(t, w.tasks, 2, "the detector is told, and one task resolves the lock for all who wait")
	c.Waits(waits[:1])
	require.Len(t, w.tasks, 3, "told again: it is being resolved")
	w.settle()
	require.Equal(t, []mvcc.WaitEdge{{Waiter: 7, Holder: dead.tx.Start, Key: "a"}}, told)
	require.Equal(t, timestamp.Timestamp(7), victim.Start)
	require.Equal(t, mvcc.Key("a"), victim.Key)
	require.Equal(t, cycle, victim.Cycle)
	_, stands := w.shards[0].e.Lock("a")
	require.False(t, stands, "all of its locks stood: it is committed, and out of the way")
	require.Equal(t, []string{"1", "1"}, w.values("a", "z"))
}

func TestReadTimestamps(t *testing.T) {
	w := newWorld(t)
	c := w.coordinator()
	ctx := t.Context()
	first, err := c.ReadTimestamp(ctx, 0, 0)
	require.NoError(t, err)
	w.clock += 3 * time.Second
	draws := w.draws
	stale, err := c.ReadTimestamp(ctx, 0, 5*time.Second)
	require.NoError(t, err)
	require.Equal(t, first, stale, "heard within that time")
	require.Equal(t, draws, w.draws, "the oracle is spared")
	fresh, err := c.ReadTimestamp(ctx, 0, 2*time.Second)
	require.NoError(t, err)
	require.Greater(t, fresh, first)
	w.clock += time.Hour
	_, err = c.ReadTimestamp(ctx, fresh, 0)
	require.NoError(t, err, "just within the retention")
	var below *mvcc.BelowSafepointError
	_, err = c.ReadTimestamp(ctx, first, 0)
	require.ErrorAs(t, err, &below)
	var future *mvcc.FutureError
	_, err = c.ReadTimestamp(ctx, w.issued.Add(time.Second), 0)
	require.ErrorAs(t, err, &future)

	db := New(c)
	put(t, w, "k", "1")
	then := begin(t, c)
	put(t, w, "k", "2")
	tx, err := db.Begin(ctx, AsOf(then))
	require.NoError(t, err)
	v, err := tx.Get(ctx, "k")
	require.NoError(t, err)
	require.Equal(t, "1", string(v))
	require.ErrorIs(t, tx.Put("k", nil), ErrReadOnly)
	_, err = db.Begin(ctx, AsOf(then), Pessimistic())
	require.Error(t, err)
}
