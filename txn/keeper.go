package txn

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// keeper sends heartbeats for commits that take long and for transactions that hold claims,
// so that nobody takes them for dead. One task serves them all; it runs while there are any.
type keeper struct {
	c *Coordinator

	mu      sync.Mutex
	kept    map[*kept]struct{}
	running bool
}

// kept is a transaction whose primary's lock is to live.
type kept struct {
	start   timestamp.Timestamp
	primary mvcc.Key
	since   time.Duration
}

// keep looks after a transaction until the function returned is called.
func (k *keeper) keep(start timestamp.Timestamp, primary mvcc.Key) (done func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kept == nil {
		k.kept = map[*kept]struct{}{}
	}
	t := &kept{start: start, primary: primary, since: k.c.w.Tasks.Now()}
	k.kept[t] = struct{}{}
	if !k.running {
		k.running = true
		k.c.w.Tasks.Spawn("heartbeats", k.run)
	}
	return func() {
		k.mu.Lock()
		delete(k.kept, t)
		k.mu.Unlock()
	}
}

func (k *keeper) run(ctx context.Context) {
	every := k.c.cfg.LockTTL / 3
	for {
		err := k.c.w.Tasks.Sleep(ctx, every)
		old, more := k.due(every)
		if err != nil || !more {
			return
		}
		if len(old) > 0 {
			k.beat(ctx, old)
		}
	}
}

// due lists those that have stood for a while, oldest first; without any left the keeper
// rests.
func (k *keeper) due(age time.Duration) (old []*kept, more bool) {
	now := k.c.w.Tasks.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	for t := range k.kept {
		if now-t.since >= age {
			old = append(old, t)
		}
	}
	slices.SortFunc(old, func(a, b *kept) int { return cmp.Compare(a.start, b.start) })
	k.running = len(k.kept) > 0
	return old, k.running
}

// beat moves the expiry of the primaries' locks up, all in one go. What fails is tried again
// with the next beat; a lock that is gone is its transaction's own business.
func (k *keeper) beat(ctx context.Context, old []*kept) {
	if _, err := k.c.Now(ctx); err != nil {
		return
	}
	var calls []*routing.Call
	for _, t := range old {
		d, err := k.c.w.Shards.Find(ctx, t.primary)
		if err != nil {
			continue
		}
		calls = append(calls, &routing.Call{To: d, Timeout: k.c.cfg.LockTTL / 3,
			Req: &mvcc.HeartbeatArgs{Start: t.start, Primary: t.primary, Expires: k.c.expiry()}})
	}
	k.c.w.Sender.Send(ctx, calls, nil)
}
