package server

import (
	"cmp"
	"context"
	"slices"

	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/shard/routing"
)

const activityDefault = 10

// Activity says what the leaders were asked, which keys stand out, and who waits for whom.
func (h clusters) Activity(ctx context.Context, req *shalev1.ActivityRequest) (*shalev1.ActivityResponse, error) {
	w, err := h.walk(ctx, 0)
	if err != nil {
		return nil, err
	}
	limit := limited(req.GetLimit(), activityDefault)
	res := &shalev1.ActivityResponse{}
	calls := w.askLeaders(ctx, &routing.HotArgs{Limit: limit})
	for _, c := range calls {
		hot, ok := c.Res.(*routing.HotResult)
		leader := w.view.leader(&c.To)
		if !ok || leader == nil {
			continue
		}
		res.Shards = append(res.Shards, &shalev1.ShardActivity{Shard: uint64(c.To.ID), Node: uint64(leader.Node), Term: leader.Term,
			Reads: hot.Reads, Writes: hot.Writes, Locks: uint64(leader.Locks), Waiting: uint64(leader.Waiting)})
		for _, k := range hot.Keys {
			res.Keys = append(res.Keys, &shalev1.HotKey{Key: []byte(k.Key), Shard: uint64(c.To.ID),
				Reads: k.Reads, Writes: k.Writes, Error: k.Error})
		}
	}
	slices.SortStableFunc(res.Keys, func(a, b *shalev1.HotKey) int {
		return cmp.Compare(b.Reads+b.Writes, a.Reads+a.Writes)
	})
	res.Waits = w.waits(ctx, limit, func(*routing.Waiting) bool { return true })
	res.MoreWaits = len(res.Waits) == limit
	res.Unreachable = distinct(w.unreachable)
	return res, nil
}

// askLeaders asks the leaders of all the users' shards at once. Those that do not answer are
// noted as unreachable.
func (w *walk) askLeaders(ctx context.Context, req routing.Request) []*routing.Call {
	var calls []*routing.Call
	for _, d := range w.view.list.Shards {
		if d.ID == routing.SystemShard {
			continue
		}
		if w.view.leader(&d) == nil {
			w.unreachable = append(w.unreachable, uint64(d.ID))
			continue
		}
		calls = append(calls, &routing.Call{To: d, Req: req, Timeout: shardTimeout})
	}
	ctx, cancel := context.WithTimeout(ctx, shardTimeout)
	defer cancel()
	w.m.Cluster.Send(ctx, calls, nil)
	for _, c := range calls {
		if c.Err != nil {
			w.unreachable = append(w.unreachable, uint64(c.To.ID))
		}
	}
	return calls
}

// waits lists the waits in the leaders' queues that are wanted, the longest first.
func (w *walk) waits(ctx context.Context, limit int, wanted func(*routing.Waiting) bool) []*shalev1.Wait {
	var out []*shalev1.Wait
	for _, c := range w.askLeaders(ctx, &routing.QueueArgs{Limit: listMax}) {
		queue, ok := c.Res.(*routing.QueueResult)
		if !ok {
			continue
		}
		for i := range queue.Waits {
			x := &queue.Waits[i]
			if wanted(x) {
				out = append(out, &shalev1.Wait{Waiter: uint64(x.Waiter), Holder: uint64(x.Holder), Key: []byte(x.Key),
					Request: x.Request, ForMs: uint64(max(x.For.Milliseconds(), 0)), Shard: uint64(c.To.ID)})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b *shalev1.Wait) int { return cmp.Compare(b.ForMs, a.ForMs) })
	return out[:min(len(out), limit)]
}

// distinct sorts numbers and drops those that come again.
func distinct(numbers []uint64) []uint64 {
	slices.Sort(numbers)
	return slices.Compact(numbers)
}
