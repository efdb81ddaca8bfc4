package shard

import (
	"cmp"
	"container/heap"
	"slices"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// task is a request under way. Whatever it waits for, it goes on with admit: from the top,
// with nothing believed that was true before (S13).
type task struct {
	req Request
	cmd command // nil: a read

	keys    []mvcc.Key // latched, or queued for
	waiting int        // latches not held yet
	latched bool
	leased  bool // this very step confirmed leadership after the request had come
	facts   map[mvcc.Key]mvcc.Fact

	readTS   timestamp.Timestamp // of a read; drawn where the newest was asked for and locked
	lock     mvcc.Key            // waits for this key's lock
	onLock   bool
	patience time.Duration // end of the wait for standing locks; zero: it has not begun
	drawn    bool          // a timestamp was drawn on its behalf
	parked   bool          // it is among the replica's tasks
	proposed bool
	done     bool
}

// timer wakes a task that waits for a lock.
type timer struct {
	at time.Duration
	t  *task
}

type timers []timer

func (h timers) Len() int           { return len(h) }
func (h timers) Less(i, j int) bool { return h[i].at < h[j].at }
func (h timers) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *timers) Push(x any)        { *h = append(*h, x.(timer)) }
func (h *timers) Pop() any {
	old := *h
	x := old[len(old)-1]
	old[len(old)-1] = timer{}
	*h = old[:len(old)-1]
	return x
}

// park notes that the task waits: it can be cancelled and its deadline will be kept.
func (r *Replica) park(t *task) {
	if !t.parked {
		t.parked = true
		r.tasks[t.req.ID] = t
	}
}

func (r *Replica) wakeAt(t *task, at time.Duration) { heap.Push(&r.timers, timer{at, t}) }

// waitForLock queues t behind a lock. The patience is short for a standing lock, whose
// holder may be gone: the caller must resolve it. A pending one is decided by itself.
func (r *Replica) waitForLock(t *task, l mvcc.Lock) {
	_, pending := r.locks.pending.Get(l.Key)
	if !pending {
		if t.patience == 0 {
			t.patience = r.now.Mono + r.cfg.LockPatience
			r.wakeAt(t, t.patience)
		}
		if r.now.Mono >= t.patience {
			l.Value = nil
			r.finish(t, nil, &mvcc.LockedError{Lock: l})
			return
		}
	}
	r.waitOn(t, l.Key)
}

// waitOn queues t until something happens to the key's lock.
func (r *Replica) waitOn(t *task, k mvcc.Key) {
	r.park(t)
	t.lock, t.onLock = k, true
	r.waiters[k] = append(r.waiters[k], t)
}

// wakeWaiters lets those go on who wait for the key's lock, in the order they came.
func (r *Replica) wakeWaiters(k mvcc.Key) {
	if len(r.waiters) == 0 {
		return
	}
	ts, ok := r.waiters[k]
	if !ok {
		return
	}
	delete(r.waiters, k)
	for _, t := range ts {
		if t.onLock && t.lock == k {
			t.onLock = false
			r.woken = append(r.woken, t)
		}
	}
}

// runWoken lets go on who was woken. What wakes is applied by then.
func (r *Replica) runWoken() {
	for len(r.woken) > 0 {
		ts := r.woken
		r.woken = nil
		for _, t := range ts {
			r.admit(t)
		}
	}
}

// leaveQueue takes a task out of the queue of the lock it waits for.
func (r *Replica) leaveQueue(t *task) {
	if !t.onLock {
		return
	}
	t.onLock = false
	q := r.waiters[t.lock]
	for i := range q {
		if q[i] == t {
			q = append(q[:i:i], q[i+1:]...)
			break
		}
	}
	if len(q) == 0 {
		delete(r.waiters, t.lock)
	} else {
		r.waiters[t.lock] = q
	}
}

// fire runs the timers that are due.
func (r *Replica) fire() {
	for len(r.timers) > 0 && r.timers[0].at <= r.now.Mono {
		t := heap.Pop(&r.timers).(timer).t
		if !t.done && t.onLock {
			r.leaveQueue(t)
			r.admit(t)
		}
	}
}

// expireLate ends the requests whose time is over. It is looked at once a tick.
func (r *Replica) expireLate() {
	var late []*task
	for _, t := range r.tasks {
		if r.now.Mono >= t.req.Deadline {
			late = append(late, t)
		}
	}
	slices.SortFunc(late, func(a, b *task) int { return cmp.Compare(a.req.ID, b.req.ID) })
	for _, t := range late {
		r.expire(t)
	}
}

// expire ends a request whose time is over. One that was proposed may still be done.
func (r *Replica) expire(t *task) {
	r.leaveQueue(t)
	if t.cmd != nil && t.cmd.expired(r, t) {
		return
	}
	err := &routing.UnavailableError{Shard: r.shard, Why: "the request's time ran out here", Maybe: t.proposed}
	if !t.proposed {
		r.finish(t, nil, err)
		return
	}
	r.reply(t, nil, err) // its latches stay until the entry is applied or given up
}

// finish answers a request and frees what it holds.
func (r *Replica) finish(t *task, res routing.Response, err error) {
	r.reply(t, res, err)
	r.free(t)
}

func (r *Replica) reply(t *task, res routing.Response, err error) {
	if t.done {
		return
	}
	t.done = true
	if t.parked {
		delete(r.tasks, t.req.ID)
	}
	r.out.Reply = append(r.out.Reply, Reply{ID: t.req.ID, Res: res, Err: err})
}

// free releases the task's latches; those whose turn comes are evaluated.
func (r *Replica) free(t *task) {
	r.latches.release(t, func(next *task) { r.ready = append(r.ready, next) })
}
