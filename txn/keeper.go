package txn

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// keeper sends heartbeats for the commits that take long, so that nobody takes them for dead.
// One task serves them all; it runs while there are any.
type keeper struct {
	c *Coordinator

	mu      sync.Mutex
	commits map[*commit]time.Duration // since when
	running bool
}

// keep looks after a commit until the function returned is called.
func (k *keeper) keep(t *commit) (done func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.commits == nil {
		k.commits = map[*commit]time.Duration{}
	}
	k.commits[t] = k.c.w.Tasks.Now()
	if !k.running {
		k.running = true
		k.c.w.Tasks.Spawn("heartbeats", k.run)
	}
	return func() {
		k.mu.Lock()
		delete(k.commits, t)
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

// due lists the commits that have stood for a while, oldest first; without any left the
// keeper rests.
func (k *keeper) due(age time.Duration) (old []*commit, more bool) {
	now := k.c.w.Tasks.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	for t, since := range k.commits {
		if now-since >= age {
			old = append(old, t)
		}
	}
	slices.SortFunc(old, func(a, b *commit) int { return cmp.Compare(a.start, b.start) })
	k.running = len(k.commits) > 0
	return old, k.running
}

// beat moves the expiry of the primaries' locks up, all in one go. What fails is tried again
// with the next beat; a lock that is gone is the commit's own business.
func (k *keeper) beat(ctx context.Context, old []*commit) {
	if _, err := k.c.Now(ctx); err != nil {
		return
	}
	var calls []*routing.Call
	for _, t := range old {
		d, err := k.c.w.Shards.Find(ctx, t.primary())
		if err != nil {
			continue
		}
		calls = append(calls, &routing.Call{To: d, Timeout: k.c.cfg.LockTTL / 3,
			Req: &mvcc.HeartbeatArgs{Start: t.start, Primary: t.primary(), Expires: k.c.expiry()}})
	}
	k.c.w.Sender.Send(ctx, calls, nil)
}
