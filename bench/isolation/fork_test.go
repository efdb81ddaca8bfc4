package isolation

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// forkReads is how many snapshots each reader takes.
const forkReads = 40

// testFork searches for long forks: x and y are counted up by independent writers while readers
// of different processes take snapshots of both. Of any two snapshots one must be the older:
// (3, 5) and (4, 4) would be a fork.
func testFork(t *testing.T, w *world) {
	w.onEach(t, "fork", func(t *testing.T, l *lane) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*stepTimeout)
		defer cancel()
		var done atomic.Bool
		var writers, readers sync.WaitGroup
		for i, name := range []string{"x", "y"} {
			writers.Go(func() {
				for n := 1; !done.Load(); n++ {
					if err := settled(ctx, w.db(i), func() error { return countUp(ctx, l, i, name, n) }); err != nil {
						t.Errorf("write %s: %v", name, err)
						return
					}
				}
			})
		}
		snapshots := make([][][2]int, processes)
		for i := range snapshots {
			readers.Go(func() { snapshots[i] = takeSnapshots(ctx, t, l, i) })
		}
		l.moveUnder(t, ctx, "y")
		readers.Wait()
		done.Store(true)
		writers.Wait()
		t.Logf("%d different snapshots", requireOrdered(t, slices.Concat(snapshots...)))
	})
}

func countUp(ctx context.Context, l *lane, process int, name string, n int) error {
	tx, err := l.w.db(process).Begin(ctx, l.options()...)
	if err != nil {
		return err
	}
	if err := tx.Put(l.key(name), strconv.AppendInt(nil, int64(n), 10)); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// takeSnapshots reads both keys again and again. One reader's never go back.
func takeSnapshots(ctx context.Context, t *testing.T, l *lane, process int) [][2]int {
	var out [][2]int
	for range forkReads {
		pair, err := readPair(ctx, l.w.db(process), l, l.options()...)
		if err != nil {
			t.Errorf("reader %d: %v", process, err)
			break
		}
		if n := len(out); n > 0 && (pair[0] < out[n-1][0] || pair[1] < out[n-1][1]) {
			t.Errorf("reader %d saw %v after %v", process, pair, out[n-1])
		}
		out = append(out, pair)
	}
	return out
}

// requireOrdered sorts the snapshots by x, then y: then y must not fall. It says how many
// different ones there are.
func requireOrdered(t *testing.T, all [][2]int) int {
	t.Helper()
	slices.SortFunc(all, func(a, b [2]int) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	all = slices.Compact(all)
	for i := 1; i < len(all); i++ {
		if all[i][1] < all[i-1][1] {
			t.Errorf("a long fork: %v and %v", all[i-1], all[i])
		}
	}
	return len(all)
}
