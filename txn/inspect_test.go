package txn

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// browse answers those who look inside, as a leader would.
func (s *fakeShard) browse(req routing.Request) (routing.Response, error) {
	switch a := req.(type) {
	case *mvcc.VersionsArgs:
		s.maxRead = max(s.maxRead, a.ReadTS)
		covered := s.d.Span.Clip(a.Span)
		covered.Start = max(covered.Start, a.After.Key)
		for _, l := range s.e.Locks() {
			if covered.Contains(l.Key) && l.BlocksRead(a.ReadTS, 0) {
				return nil, &mvcc.LockedError{Lock: l}
			}
		}
		res, err := mvcc.VersionsPage(func(after mvcc.VersionName) iter.Seq2[mvcc.Version, error] {
			return s.e.Versions(covered, after, timestamp.Max, a.KeysOnly)
		}, a, covered)
		return &res, err
	case *mvcc.LocksArgs:
		covered := s.d.Span.Clip(a.Span)
		covered.Start = max(covered.Start, a.After)
		locks := slices.DeleteFunc(s.e.Locks(), func(l mvcc.Lock) bool { return !covered.Contains(l.Key) || l.Key == a.After })
		res := mvcc.LocksPage(slices.Values(locks), a, covered)
		return &res, nil
	case *mvcc.RecordsArgs:
		covered := s.d.Span.Clip(a.Span)
		res, err := mvcc.RecordsPage(s.e.Records(mvcc.Span{}, a.After, a.StartTS), a, covered)
		return &res, err
	case *routing.QueueArgs:
		return &routing.QueueResult{Waits: []routing.Waiting{{Holder: timestamp.Timestamp(s.d.ID)}}}, nil
	case *routing.HotArgs:
		return &routing.HotResult{Reads: uint64(s.d.ID)}, nil
	}
	return nil, fmt.Errorf("no such request: %T", req)
}

// everyVersion reads on as the comment of Versions tells; between is called after each page.
func everyVersion(ctx context.Context, c *Coordinator, a mvcc.VersionsArgs, between func()) (out []mvcc.Version, err error) {
	for {
		res, _, err := c.Versions(ctx, a)
		if err != nil {
			return nil, err
		}
		out = append(out, res.Versions...)
		end := res.Covered.End
		switch {
		case res.More:
			a.After = res.Resume
		case end == "" || (a.Span.End != "" && end >= a.Span.End):
			return out, nil
		default:
			a.Span.Start, a.After = end, mvcc.VersionName{}
		}
		between()
	}
}

// stored is what the engines hold of the span at or below a timestamp.
func (w *world) stored(span mvcc.Span, at timestamp.Timestamp) (out []mvcc.Version) {
	for _, s := range w.shards {
		for v, err := range s.e.Versions(s.d.Span.Clip(span), mvcc.VersionName{}, at, false) {
			require.NoError(w.t, err)
			out = append(out, v)
		}
	}
	return out
}

// Pages of one timestamp are one cut of all shards, whatever is committed, left locked by dead
// coordinators, resolved and split between them: nothing above it, nothing missing, nothing
// twice. (P3, P5)
func TestVersionsAreOneCut(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t, "k10", "k20")
		key := rapid.Custom(func(r *rapid.T) mvcc.Key { return mvcc.Key(fmt.Sprintf("k%02d", rapid.IntRange(0, 30).Draw(r, "n"))) })
		write := func(i int) {
			content := puts(string(key.Draw(r, "key")), fmt.Sprint(i), string(key.Draw(r, "other")), fmt.Sprint(i))
			prewrites, dies := 0, rapid.IntRange(0, 3).Draw(r, "dies") == 0
			w.fault = func(call *routing.Call) fault {
				if _, ok := call.Req.(*mvcc.PrewriteArgs); ok {
					prewrites++
				}
				w.dead = w.dead || dies && prewrites == 2
				return none
			}
			_ = New(w.coordinator()).Update(t.Context(), func(tx *Txn) error {
				for _, m := range content.Mutations {
					if err := tx.Put(m.Key, m.Value); err != nil {
						return err
					}
				}
				return nil
			})
			w.fault, w.dead = nil, false // an asynchronous commit's locks stand until they are met
		}
		n := rapid.IntRange(0, 8).Draw(r, "writes")
		for i := range n {
			write(i)
		}
		c := w.coordinator()
		at, err := c.Now(t.Context())
		require.NoError(t, err)
		a := mvcc.VersionsArgs{ReadTS: at, Span: mvcc.Span{Start: key.Draw(r, "start"), End: "l"}, Limit: rapid.IntRange(1, 7).Draw(r, "limit")}
		got, err := everyVersion(t.Context(), c, a, func() {
			switch n++; rapid.IntRange(0, 2).Draw(r, "between") {
			case 0:
				write(n)
			case 1:
				if k := key.Draw(r, "split"); len(w.shards) < 8 {
					w.split(k)
				}
			}
		})
		require.NoError(t, err)
		require.Equal(t, w.stored(a.Span, at), got)
	})
}

// Records are read shard by shard, and a split in the middle of it costs none and brings none
// twice.
func TestRecordsThroughASplit(t *testing.T) {
	for splitAfter := range 4 {
		w := newWorld(t, "k20")
		c := w.coordinator()
		for i := range 20 {
			k := fmt.Sprintf("k%02d", (i*7)%20)
			require.NoError(t, New(c).Update(t.Context(), func(tx *Txn) error { return tx.Put(mvcc.Key(k), nil) }))
			_, err := w.shards[0].serve(&mvcc.RollbackArgs{Start: timestamp.Timestamp(i + 5), Primary: "a", Keys: []mvcc.Key{mvcc.Key(k)}})
			require.NoError(t, err)
		}
		seen := map[mvcc.RecordName]int{}
		todo := []mvcc.Span{{Start: "", End: "k20"}}
		for pages := 0; len(todo) > 0; {
			a := mvcc.RecordsArgs{Span: todo[0], Limit: 3}
			todo = todo[1:]
			var mine []mvcc.Record
			for {
				res, _, err := c.Records(t.Context(), a)
				require.NoError(t, err)
				mine = append(mine, res.Records...)
				if res.Covered.End != a.Span.End {
					todo = append(todo, mvcc.Span{Start: res.Covered.End, End: a.Span.End})
					a.Span = res.Covered
					mine = slices.DeleteFunc(mine, func(r mvcc.Record) bool { return !a.Span.Contains(r.Key) })
				}
				if pages++; pages == splitAfter {
					w.split("k10")
				}
				if !res.More {
					break
				}
				a.After = res.Resume
			}
			for _, r := range mine {
				seen[mvcc.RecordName{Key: r.Key, StartTS: r.StartTS}]++
			}
		}
		require.Len(t, seen, 20, "split after page %d", splitAfter)
		for name, times := range seen {
			require.Equal(t, 1, times, "%v", name)
		}
	}
}

// A shard that does not answer within the patience is an error that names it, not a short answer.
func TestSilentShardIsNamed(t *testing.T) {
	w := newWorld(t, "m")
	c := w.coordinator()
	require.NoError(t, New(c).Put(t.Context(), "a", nil))
	w.fault = func(call *routing.Call) fault {
		if call.To.ID == 3 {
			return lost
		}
		return none
	}
	at, err := c.Now(t.Context())
	require.NoError(t, err)
	begin := w.clock
	var silent *routing.UnavailableError
	_, err = everyVersion(t.Context(), c, mvcc.VersionsArgs{ReadTS: at}, func() {})
	require.ErrorAs(t, err, &silent)
	require.Equal(t, routing.ShardID(3), silent.Shard)
	require.GreaterOrEqual(t, w.clock-begin, c.cfg.Patience)
	_, _, err = c.Locks(t.Context(), mvcc.LocksArgs{Span: mvcc.Span{Start: "x"}})
	require.ErrorAs(t, err, &silent)
	_, err = c.Queue(t.Context(), w.shards[1].d, 10)
	require.ErrorAs(t, err, &silent)
	_, err = c.Hot(t.Context(), w.shards[1].d, 10)
	require.ErrorAs(t, err, &silent)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = c.Records(ctx, mvcc.RecordsArgs{Span: mvcc.Span{Start: "x"}})
	require.ErrorIs(t, err, context.Canceled)
}

// Locks are shown while they stand, by key over all shards; queues and hot keys are their leader's.
func TestLocksAndLeaders(t *testing.T) {
	w := newWorld(t, "m")
	dead, c := w.coordinator(), w.coordinator()
	w.fault = func(call *routing.Call) fault {
		_, commits := call.Req.(*mvcc.CommitArgs)
		w.dead = w.dead || commits
		return none
	}
	_ = New(dead).Update(t.Context(), func(tx *Txn) error {
		for _, m := range wide("a", "1", "n", "1").Mutations {
			if err := tx.Put(m.Key, m.Value); err != nil {
				return err
			}
		}
		return nil
	})
	w.fault, w.dead = nil, false
	var keys []mvcc.Key
	for a := (mvcc.LocksArgs{Limit: 1, Span: mvcc.Span{End: "o"}}); ; {
		res, d, err := c.Locks(t.Context(), a)
		require.NoError(t, err)
		for _, l := range res.Locks {
			require.True(t, d.Span.Contains(l.Key))
			keys = append(keys, l.Key)
		}
		if res.More {
			a.After = res.Resume
			continue
		}
		if a.Span.Start, a.After = res.Covered.End, ""; a.Span.Start == "" || a.Span.Start >= a.Span.End {
			break
		}
	}
	require.Equal(t, []mvcc.Key{"a", "n"}, keys)
	queue, err := c.Queue(t.Context(), w.shards[1].d, 10)
	require.NoError(t, err)
	require.Equal(t, timestamp.Timestamp(3), queue.Waits[0].Holder)
	hot, err := c.Hot(t.Context(), w.shards[0].d, 10)
	require.NoError(t, err)
	require.Equal(t, uint64(2), hot.Reads)
	gone := w.shards[0].d
	gone.ID = 77
	_, err = c.Hot(t.Context(), gone, 10)
	require.ErrorContains(t, err, "shard 77 is not where it was")
}
