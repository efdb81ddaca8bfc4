package txn

import (
	"context"
	"sync"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// Waits hears from this node's leaders of transactions that wait for locks in their queues and
// may hold others. It does what the waiting ones cannot: it tells the deadlock detector, and
// the one whose wait closed a cycle hears so (S23); and it resolves the locks waited for,
// since their holders may be dead (S8). Leaders tell it again while the wait goes on.
func (c *Coordinator) Waits(waits []mvcc.Wait) {
	if len(waits) == 0 {
		return
	}
	c.spawnBehind("deadlocks", func(ctx context.Context) { c.detect(ctx, waits) })
	for _, w := range waits {
		c.resolveBehind(w.Lock)
	}
}

// detect tells the detector, and the victims.
func (c *Coordinator) detect(ctx context.Context, waits []mvcc.Wait) {
	edges := make([]mvcc.WaitEdge, len(waits))
	for i, w := range waits {
		edges[i] = mvcc.WaitEdge{Waiter: w.Waiter, Holder: w.Lock.StartTS, Key: w.Lock.Key}
	}
	call := &routing.Call{To: routing.Descriptor{ID: routing.SystemShard}, Req: &routing.WaitArgs{Edges: edges}}
	c.w.Sender.Send(ctx, []*routing.Call{call}, nil)
	res, ok := call.Res.(*routing.WaitResult)
	if call.Err != nil || !ok {
		return // the leader tells again
	}
	for _, cycle := range res.Cycles {
		if len(cycle) > 0 {
			_, _ = c.one(ctx, cycle[0].Key, &routing.VictimArgs{Start: cycle[0].Waiter, Key: cycle[0].Key, Cycle: cycle})
		}
	}
}

// resolving is the locks that are being resolved behind: one task for each is enough.
type resolving struct {
	mu    sync.Mutex
	locks map[resolvingLock]struct{}
}

type resolvingLock struct {
	key   mvcc.Key
	start timestamp.Timestamp
}

func (r *resolving) begin(l mvcc.Lock) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := resolvingLock{l.Key, l.StartTS}
	if _, ok := r.locks[name]; ok {
		return false
	}
	if r.locks == nil {
		r.locks = map[resolvingLock]struct{}{}
	}
	r.locks[name] = struct{}{}
	return true
}

func (r *resolving) end(l mvcc.Lock) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.locks, resolvingLock{l.Key, l.StartTS})
}
