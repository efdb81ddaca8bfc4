package isolation

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/txn"
)

// leaderMoves is how often the leader moves under the readers, and writesBetween how many
// writes there are at least between two moves.
const (
	leaderMoves   = 6
	writesBetween = 10
)

// testLeaders moves the leader under a writer that counts up and readers of every process. Who
// asks after an acknowledgement gets that value or a later one, with a transaction and
// without: the old leader's lease has ended before the new one writes (S11, P18).
func testLeaders(t *testing.T, w *world) {
	l := w.lanes[0].of("leaders")
	ctx, cancel := context.WithTimeout(t.Context(), 3*stepTimeout)
	defer cancel()
	var acknowledged, reads atomic.Int64
	var done atomic.Bool
	written := make(chan struct{}, writesBetween)
	var clients sync.WaitGroup
	clients.Go(func() {
		defer close(written)
		for n := int64(1); !done.Load(); n++ {
			put := func() error { return w.db(0).Put(ctx, l.key("x"), strconv.AppendInt(nil, n, 10)) }
			if err := settled(ctx, w.db(0), put); err != nil {
				t.Errorf("write %d: %v", n, err)
				return
			}
			acknowledged.Store(n)
			select {
			case written <- struct{}{}:
			default:
			}
		}
	})
	for i := range processes {
		for _, read := range []func(context.Context, *txn.DB, *lane) (int64, error){readNewest, readWithin} {
			clients.Go(func() {
				for !done.Load() {
					least := acknowledged.Load()
					got, err := read(ctx, w.db(i), l)
					if err != nil || got < least {
						t.Errorf("process %d: %d after %d was acknowledged, error %v", i, got, least, err)
						return
					}
					reads.Add(1)
				}
			})
		}
	}
	leaders := map[string]int{}
	for range leaderMoves {
		for range writesBetween {
			<-written
		}
		to, err := w.move(ctx, l.key("x"))
		if err != nil {
			t.Errorf("move: %v", err)
			break
		}
		leaders[fmt.Sprint("node ", to)]++
	}
	done.Store(true)
	clients.Wait()
	require.Len(t, leaders, 3)
	t.Logf("%d writes, %d reads, leaders %v", acknowledged.Load(), reads.Load(), leaders)
}

// readNewest reads without a transaction, and so without the oracle.
func readNewest(ctx context.Context, db *txn.DB, l *lane) (int64, error) {
	e, err := db.Get(ctx, l.key("x"))
	if err != nil || !e.Found {
		return 0, err
	}
	return strconv.ParseInt(string(e.Value), 10, 64)
}

func readWithin(ctx context.Context, db *txn.DB, l *lane) (n int64, err error) {
	err = db.View(ctx, func(tx *txn.Txn) error {
		value, err := tx.Get(ctx, l.key("x"))
		if err != nil || value == nil {
			return err
		}
		n, err = strconv.ParseInt(string(value), 10, 64)
		return err
	})
	return n, err
}
