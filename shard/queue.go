package shard

import (
	"container/heap"
	"math"
	"slices"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// lockQueue is who waits for something to happen to one key.
//
// Writers wait for its lock, first come, first served. When the lock goes, it is the turn of
// the one in front, and so it stays until that one has its answer or waits elsewhere. Nobody
// who comes in between gets past it (outOfTurn). So a release costs one evaluation, however
// many wait. Where writers wait, a lock stands on the key or somebody has the turn.
//
// The others do not keep each other away, and all go on together: reads that met a lock,
// visitors of a primary, and, at a key of its own, whoever waits for the next flush.
type lockQueue struct {
	writers []*task
	others  []*task
	turn    *task

	holder timestamp.Timestamp // whose lock stands, or stood last
	since  time.Duration       // when its was laid, or met first
	timer  time.Duration       // when tell looks next; zero: never
}

// waitForLock queues t behind a lock. A transaction that may hold locks itself stays until its
// deadline: the wait is told, so that a dead holder is resolved and a deadlock is found. A
// plain read hears soon who holds the lock, and resolves it itself; but a pending lock is
// decided without anybody's help.
func (r *Replica) waitForLock(t *task, l mvcc.Lock) {
	if t.stays() {
		r.stay(t, l.Key)
		return
	}
	if _, pending := r.locks.pending.Get(l.Key); !pending {
		if t.patience == 0 {
			t.patience = r.now.Mono + r.cfg.LockPatience
			r.wakeAt(t, t.patience)
		}
		if r.now.Mono >= t.patience {
			r.finish(t, nil, &mvcc.LockedError{Lock: bare(l)})
			return
		}
	}
	r.waitOn(t, l.Key)
}

// bare is a lock as others are told of it.
func bare(l mvcc.Lock) mvcc.Lock {
	l.Value, l.Secondaries = nil, nil
	return l
}

// stay queues t for the key's lock until its deadline. Who had the turn and met a lock all the
// same is in front again.
func (r *Replica) stay(t *task, k mvcc.Key) {
	q := r.queueAt(k)
	again := q.turn == t
	if !again {
		r.endTurn(t)
		if q.staying(t.cmd == nil) >= r.cfg.QueueMax {
			r.finish(t, nil, &routing.OverloadedError{Shard: r.shard,
				Why: "too many requests wait for the lock on " + mvcc.FormatKey(k)})
			return
		}
		r.out.Counts.Waits++
	}
	r.park(t)
	r.waitsFor(t, WaitLock)
	t.lock, t.onLock = k, true
	switch {
	case t.cmd == nil:
		q.others = append(q.others, t)
	case again:
		q.turn, t.turn = nil, ""
		q.writers = slices.Insert(q.writers, 0, t)
	default:
		q.writers = append(q.writers, t)
	}
	if l, stands := r.locks.standing.Get(k); stands {
		r.heldBy(l, q)
	}
}

// staying is how many writers, or else reads, stay in the queue until their deadlines.
func (q *lockQueue) staying(reads bool) int {
	if !reads {
		return len(q.writers)
	}
	n := 0
	for _, t := range q.others {
		if t.cmd == nil && t.stays() {
			n++
		}
	}
	return n
}

// waitOn queues t until something happens to the key.
func (r *Replica) waitOn(t *task, k mvcc.Key) {
	r.park(t)
	r.waitsFor(t, waitAt(k))
	t.lock, t.onLock = k, true
	q := r.queueAt(k)
	q.others = append(q.others, t)
}

// waitAt is what those wait for who queue at the key.
func waitAt(k mvcc.Key) Wait {
	if k == storeWait {
		return WaitStore
	}
	return WaitLock
}

func (r *Replica) queueAt(k mvcc.Key) *lockQueue {
	q, ok := r.queues[k]
	if !ok {
		q = &lockQueue{}
		r.queues[k] = q
	}
	return q
}

// dropIdle forgets a queue in which nobody is.
func (r *Replica) dropIdle(k mvcc.Key, q *lockQueue) {
	if q.turn == nil && len(q.writers) == 0 && len(q.others) == 0 {
		delete(r.queues, k)
	}
}

// outOfTurn says that t, which has not waited yet, would lay a lock on a key for which others
// wait: where no lock stands, one of them has the turn. (Where one stands, the rules judge.)
// Who has a turn of its own elsewhere has waited, and may pass: else those who want several
// keys would send each other from queue to queue.
func (r *Replica) outOfTurn(t *task) (mvcc.Key, bool) {
	if len(r.queues) == 0 || t.turn != "" || !t.stays() {
		return "", false
	}
	for _, k := range t.cmd.locks(t.keys) {
		if q, ok := r.queues[k]; ok && q.turn != nil {
			if _, locked := r.locks.standing.Get(k); !locked {
				return k, true
			}
		}
	}
	return "", false
}

// happened lets all but the writers go on who wait for the key, in the order they came.
func (r *Replica) happened(k mvcc.Key) {
	if len(r.queues) == 0 {
		return
	}
	q, ok := r.queues[k]
	if !ok {
		return
	}
	for _, t := range q.others {
		t.onLock = false
	}
	r.woken = append(r.woken, q.others...)
	q.others = nil
	r.dropIdle(k, q)
}

// locked notes that a lock was laid: reads have to look at it, and who waits on waits for
// another transaction from now on.
func (r *Replica) locked(l mvcc.Lock) {
	r.happened(l.Key)
	if q, ok := r.queues[l.Key]; ok {
		r.heldBy(l, q)
	}
}

// heldBy has it told who waits for the lock, after a while.
func (r *Replica) heldBy(l mvcc.Lock, q *lockQueue) {
	if l.StartTS != q.holder {
		q.holder, q.since = l.StartTS, r.now.Mono
	}
	r.tellAt(l.Key, q, r.now.Mono+r.cfg.LockPatience)
}

// unlocked notes that the key's lock is gone.
func (r *Replica) unlocked(k mvcc.Key) {
	r.happened(k)
	if q, ok := r.queues[k]; ok {
		r.nextTurn(k, q)
	}
}

// nextTurn lets the writer in front go on, unless a lock stands or somebody has the turn.
func (r *Replica) nextTurn(k mvcc.Key, q *lockQueue) {
	if _, locked := r.locks.standing.Get(k); locked || q.turn != nil || len(q.writers) == 0 {
		return
	}
	t := q.writers[0]
	q.writers[0] = nil
	q.writers = q.writers[1:]
	q.turn, t.turn, t.onLock = t, k, false
	r.woken = append(r.woken, t)
}

// endTurn passes the turn on: t has its answer, or waits elsewhere.
func (r *Replica) endTurn(t *task) {
	k := t.turn
	if k == "" {
		return
	}
	t.turn = ""
	if q, ok := r.queues[k]; ok && q.turn == t {
		q.turn = nil
		r.nextTurn(k, q)
		r.dropIdle(k, q)
	}
}

// scatter ends the key's queue: everybody goes on, in the order they came.
func (r *Replica) scatter(k mvcc.Key, q *lockQueue) {
	delete(r.queues, k)
	for _, t := range slices.Concat(q.writers, q.others) {
		t.onLock = false
		r.woken = append(r.woken, t)
	}
}

// leaveQueue takes a task out of the queue in which it waits.
func (r *Replica) leaveQueue(t *task) {
	if !t.onLock {
		return
	}
	t.onLock = false
	q := r.queues[t.lock]
	out := func(ts []*task) []*task {
		if i := slices.Index(ts, t); i >= 0 {
			return slices.Delete(ts, i, i+1)
		}
		return ts
	}
	q.writers, q.others = out(q.writers), out(q.others)
	r.dropIdle(t.lock, q)
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

// tell hands out who stays in the key's queue and for whom: after LockPatience, again every
// WaitEvery, and anew when another transaction holds the lock. A queue that moves faster than
// that tells nothing: whoever is in it gets on.
func (r *Replica) tell(k mvcc.Key, q *lockQueue) {
	q.timer = 0
	l, stands := r.locks.standing.Get(k)
	if !stands {
		return // who has the turn will lay a lock or pass it on
	}
	next := time.Duration(math.MaxInt64)
	for _, ts := range [][]*task{q.writers, q.others} {
		for _, t := range ts {
			if !t.stays() {
				continue
			}
			due := q.since + r.cfg.LockPatience
			if t.told == q.holder {
				due = t.toldAt + r.cfg.WaitEvery
			}
			if due <= r.now.Mono {
				start, primary := t.waiter()
				r.out.Waits = append(r.out.Waits, mvcc.Wait{Waiter: start, Primary: primary, Lock: bare(l)})
				t.told, t.toldAt = q.holder, r.now.Mono
				due = r.now.Mono + r.cfg.WaitEvery
			}
			next = min(next, due)
		}
	}
	if next < math.MaxInt64 {
		r.tellAt(k, q, next)
	}
}

// tellAt has tell look at the key's queue, unless it will earlier.
func (r *Replica) tellAt(k mvcc.Key, q *lockQueue, at time.Duration) {
	if q.timer == 0 || at < q.timer {
		q.timer = at
		heap.Push(&r.timers, timer{at: at, queue: k})
	}
}
