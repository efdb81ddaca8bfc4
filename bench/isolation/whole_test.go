package isolation

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// wholeReads is how many snapshots each reader takes.
const wholeReads = 40

// testWhole searches for half of a commit: one writer puts the same number under x and y, again
// and again, and readers of every process, begun right after an acknowledgement, must see it or
// a later one, whole. An acknowledged commit's locks may still stand then: a read that passes
// them by sees the old value (P3, S13).
func testWhole(t *testing.T, w *world) {
	w.onEach(t, "whole", func(t *testing.T, l *lane) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*stepTimeout)
		defer cancel()
		var acknowledged atomic.Int64
		var done atomic.Bool
		var writer, readers sync.WaitGroup
		writer.Go(func() {
			for n := 1; !done.Load(); n++ {
				if err := settled(ctx, w.db(0), func() error { return putBoth(ctx, l, n) }); err != nil {
					t.Errorf("write %d: %v", n, err)
					return
				}
				acknowledged.Store(int64(n))
			}
		})
		for i := range processes {
			readers.Go(func() {
				for range wholeReads {
					least := int(acknowledged.Load())
					pair, err := readPair(ctx, w.db(i), l, l.options()...)
					if err != nil || pair[0] != pair[1] || pair[0] < least {
						t.Errorf("process %d: %v after %d was acknowledged, error %v", i, pair, least, err)
						return
					}
				}
			})
		}
		l.moveUnder(t, ctx, "x")
		readers.Wait()
		done.Store(true)
		writer.Wait()
		t.Logf("%d writes", acknowledged.Load())
	})
}

func putBoth(ctx context.Context, l *lane, n int) error {
	tx, err := l.w.db(0).Begin(ctx, l.options()...)
	if err != nil {
		return err
	}
	for _, name := range []string{"x", "y"} {
		if err := tx.Put(l.key(name), strconv.AppendInt(nil, int64(n), 10)); err != nil {
			return err
		}
	}
	return tx.Commit(ctx)
}
