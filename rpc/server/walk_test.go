package server

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/txn"
)

// lockPages answers for locks as leaders do, in pages of one.
type lockPages struct {
	locks map[routing.ShardID][]mvcc.Key
	// covered ends what a shard answers for: it was split there. The rest is another's.
	covered map[routing.ShardID]mvcc.Key
	asked   int
}

func (p *lockPages) answer(_ context.Context, call *routing.Call) (routing.Response, error) {
	a, ok := call.Req.(*mvcc.LocksArgs)
	if !ok {
		return nil, nil
	}
	p.asked++
	res := &mvcc.LocksResult{Covered: a.Span}
	if end := p.covered[call.To.ID]; end != "" && a.Span.Start < end {
		res.Covered.End = end
	}
	for _, k := range p.locks[call.To.ID] {
		if !res.Covered.Contains(k) || k < a.After {
			continue
		}
		if len(res.Locks) == 1 {
			res.More, res.Resume = true, k
			break
		}
		res.Locks = append(res.Locks, mvcc.Lock{Key: k, StartTS: 7})
	}
	return res, nil
}

// TestWalk: shard 3 has no leader. What it holds is missing from a list, and it is named; what
// comes in pages, or from a shard that was split meanwhile, comes whole and once.
func TestWalk(t *testing.T) {
	pages := &lockPages{locks: map[routing.ShardID][]mvcc.Key{2: {"a", "b", "c", "e"}, 3: {"h"}, 4: {"q", "r"}},
		covered: map[routing.ShardID]mvcc.Key{2: "c"}}
	world := newWorld(t, "g", "p")
	world.before = pages.answer
	tasks := txn.NewGoroutines()
	defer tasks.Close()
	view := &look{list: &directory.ListResult{}, replicas: map[replicaName]*routing.StatusResult{}}
	for _, s := range world.shards {
		d := s.descriptor
		d.Replicas = []routing.Replica{{Node: 1}}
		view.list.Shards = append(view.list.Shards, d)
		view.replicas[replicaName{d.ID, 1}] = &routing.StatusResult{Node: 1, Leading: d.ID != 3}
	}
	walked := func(span mvcc.Span, most int) (keys []mvcc.Key, unreachable []uint64) {
		w := &walk{view: view, m: &Member{Txns: txn.NewCoordinator(txn.Windows{Sender: world, Timestamps: world,
			Shards: txn.NewShardCache(world.lookup), Tasks: tasks}, txn.Config{})}}
		require.NoError(t, w.locks(t.Context(), span, func(l mvcc.Lock, shard routing.ShardID) bool {
			keys = append(keys, l.Key)
			return len(keys) < most
		}))
		return keys, w.unreachable
	}
	keys, missing := walked(everything(), 100)
	require.Equal(t, []mvcc.Key{"a", "b", "c", "e", "q", "r"}, keys)
	require.Equal(t, []uint64{3}, missing)

	keys, missing = walked(mvcc.Span{Start: "b", End: "f"}, 100)
	require.Equal(t, []mvcc.Key{"b", "c", "e"}, keys)
	require.Empty(t, missing, "the span ends before shard 3")

	pages.asked = 0
	keys, _ = walked(everything(), 2)
	require.Equal(t, []mvcc.Key{"a", "b"}, keys)
	require.LessOrEqual(t, pages.asked, 2, "nothing is asked beyond what is wanted")
}
