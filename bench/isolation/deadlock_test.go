package isolation

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
	"github.com/shaledb/shale/txn"
)

// deadlockWithin is how soon one of those who wait for each other must have been told on a
// machine that others use, too. The simulator holds it to a second, of its own clock.
const deadlockWithin = stepTimeout / 2

// testDeadlock has sessions claim keys in a circle: each holds one and wants the next one's.
// Exactly one is told so, with the whole circle; the others go on and commit.
//
//	T1 holds x, wants y        T1 ──y──▶ T2
//	T2 holds y, wants x         ▲────x───┘
func testDeadlock(t *testing.T, w *world) {
	for _, l := range w.lanes {
		if l.mode != pessimistic {
			continue // claims are theirs alone
		}
		l = l.of("deadlock")
		t.Run("two/"+l.place.String(), func(t *testing.T) { testCircle(t, l, []string{"x", "y"}) })
		t.Run("three/"+l.place.String(), func(t *testing.T) { testCircle(t, l, []string{"w", "x", "y"}) })
	}
}

// claimed is how a session's second claim ended.
type claimed struct {
	session int
	err     error
	after   time.Duration // since the circle was closed
}

func testCircle(t *testing.T, l *lane, names []string) {
	ctx, cancel := context.WithTimeout(t.Context(), stepTimeout)
	defer cancel()
	sessions := make([]*txn.Txn, len(names))
	for i, name := range names {
		tx, err := l.w.db(i).Begin(ctx, txn.Pessimistic())
		require.NoError(t, err)
		_, err = tx.GetForUpdate(ctx, l.key(name))
		require.NoError(t, err)
		require.NoError(t, tx.Put(l.key(name), []byte(tx.ID().String())))
		sessions[i] = tx
	}
	l.moveUnder(t, ctx, "y")
	got := make(chan claimed, len(names))
	began := time.Now()
	for i, tx := range sessions {
		next := l.key(names[(i+1)%len(names)])
		go func() {
			_, err := tx.GetForUpdate(ctx, next)
			after := time.Since(began)
			if err == nil { // it goes on, and lets the one before it go on
				err = errors.Join(tx.Put(next, []byte("last")), tx.Commit(ctx))
			}
			got <- claimed{i, err, after}
		}()
	}
	victims := 0
	for range names {
		c := <-got
		if c.err == nil {
			continue
		}
		victims++
		var deadlock *mvcc.DeadlockError
		require.ErrorAs(t, c.err, &deadlock)
		requireCircle(t, l, names, sessions, c.session, deadlock)
		require.Less(t, c.after, deadlockWithin)
		require.Error(t, sessions[c.session].Commit(ctx))
		t.Logf("session %d of %d was told after %s: %v", c.session+1, len(names), c.after.Round(time.Millisecond), c.err)
	}
	require.Equal(t, 1, victims)
	requireFree(t, ctx, l, names)
}

// requireCircle looks for every wait in what the victim was told, its own first.
func requireCircle(t *testing.T, l *lane, names []string, sessions []*txn.Txn, victim int, told *mvcc.DeadlockError) {
	t.Helper()
	var want []mvcc.WaitEdge
	ids := func(i int) timestamp.Timestamp { return sessions[i%len(names)].ID() }
	for i := range names {
		at := victim + i
		want = append(want, mvcc.WaitEdge{Waiter: ids(at), Holder: ids(at + 1), Key: l.key(names[(at+1)%len(names)])})
	}
	require.Equal(t, want, told.Cycle)
	require.Equal(t, ids(victim), told.StartTS)
	for _, e := range want {
		require.ErrorContains(t, told, fmt.Sprintf("%s waits for %s, which %s holds", e.Waiter, mvcc.FormatKey(e.Key), e.Holder))
	}
}

// requireFree claims all keys anew: nothing was left behind.
func requireFree(t *testing.T, ctx context.Context, l *lane, names []string) {
	t.Helper()
	tx, err := l.w.db(0).Begin(ctx, txn.Pessimistic())
	require.NoError(t, err)
	var keys []mvcc.Key
	for _, name := range names {
		keys = append(keys, l.key(name))
	}
	_, err = tx.MultiGetForUpdate(ctx, keys...)
	require.NoError(t, err)
	require.NoError(t, tx.Rollback(ctx))
}
