package shard

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// task is a request under way. Whatever it waits for, it goes on with admit: from the top,
// with nothing believed that was true before (S13).
type task struct {
	req  Request
	cmd  command // nil: a read
	came time.Duration

	keys    []mvcc.Key // latched, or queued for
	waiting int        // latches not held yet
	latched bool
	leased  bool // this very step confirmed leadership after the request had come
	facts   map[mvcc.Key]mvcc.Fact

	readTS   timestamp.Timestamp // of a read; drawn where the newest was asked for and locked
	drawn    bool                // a timestamp was drawn on its behalf
	parked   bool                // it is among the replica's tasks
	proposed bool
	done     bool

	lock     mvcc.Key // it is in this key's queue
	onLock   bool
	patience time.Duration       // end of a plain read's wait for standing locks; zero: it has not begun
	turn     mvcc.Key            // it has the turn at this key
	told     timestamp.Timestamp // for whom it was told to wait last
	toldAt   time.Duration

	spent Spent
	wait  Wait
	since time.Duration // it waits for that
}

// timestamp is the newest that the request claims to have been issued.
func (t *task) timestamp() timestamp.Timestamp {
	switch a := t.req.Req.(type) {
	case *mvcc.GetArgs:
		return max(a.ReadTS, t.readTS)
	case *mvcc.ScanArgs:
		return a.ReadTS
	case *mvcc.VersionsArgs:
		return a.ReadTS
	case *mvcc.ValidateArgs:
		return max(a.At, a.ReadTS)
	case *mvcc.PrewriteArgs:
		return max(a.Start, a.ReadTS)
	case *mvcc.ClaimArgs:
		return max(a.Start, a.ReadTS)
	}
	if t.cmd != nil {
		return t.cmd.start()
	}
	return 0
}

// waiter is the transaction, by its start and its primary, that waits where the task waits.
// No primary: it holds nothing.
func (t *task) waiter() (start timestamp.Timestamp, primary mvcc.Key) {
	switch a := t.req.Req.(type) {
	case *mvcc.PrewriteArgs:
		return a.Start, a.Primary
	case *mvcc.ClaimArgs:
		return a.Start, a.Primary
	case *mvcc.GetArgs:
		return a.Own, a.Primary
	case *mvcc.ScanArgs:
		return a.Own, a.Primary
	}
	return 0, ""
}

// stays says whether t waits for a lock until its deadline.
func (t *task) stays() bool {
	_, primary := t.waiter()
	return primary != ""
}

// park notes that the task waits: it can be cancelled and its deadline will be kept.
func (r *Replica) park(t *task) {
	if !t.parked {
		t.parked = true
		r.tasks[t.req.ID] = t
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
	why := "the request's time ran out here"
	if l, ok := r.locks.standing.Get(t.lock); ok && t.onLock {
		why = fmt.Sprintf("%s: %s is locked by transaction %s", why, mvcc.FormatKey(l.Key), l.StartTS)
	}
	r.leaveQueue(t)
	if t.cmd != nil && t.cmd.expired(r, t) {
		return
	}
	err := &routing.UnavailableError{Shard: r.shard, Why: why, Maybe: t.proposed}
	if !t.proposed {
		r.finish(t, nil, err)
		return
	}
	r.reply(t, nil, err) // its latches stay until the entry is applied or given up
}

// forget ends a task for which nobody waits any more. What it proposed goes on.
func (r *Replica) forget(t *task) {
	t.done = true
	delete(r.tasks, t.req.ID)
	r.leaveQueue(t)
	r.endTurn(t)
	if !t.proposed {
		r.free(t)
	}
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
	r.waitsFor(t, WaitAdmission)
	r.out.Reply = append(r.out.Reply, Reply{ID: t.req.ID, Res: res, Err: err, Spent: t.spent})
	r.endTurn(t)
}

// free releases the task's latches; those whose turn comes are evaluated.
func (r *Replica) free(t *task) {
	r.latches.release(t, func(next *task) { r.ready = append(r.ready, next) })
}
