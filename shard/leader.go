package shard

import (
	"time"

	"github.com/shaledb/shale/mvcc"
)

// draw asks for a timestamp issued from now on. While another draw is under way it will be
// asked for again: that one's answer may be older.
func (r *Replica) draw() {
	l := &r.leader0
	if l.drawing {
		l.drawAgain = true
		return
	}
	l.drawing, l.drawCovers = true, true
	l.undrawn = append(l.undrawn, l.undrawnNext...)
	l.undrawnNext = nil
	r.askDraw()
}

// waitForDraw parks a request until a timestamp is here that was issued after it came.
func (r *Replica) waitForDraw(t *task) {
	r.park(t)
	r.leader0.undrawnNext = append(r.leader0.undrawnNext, t)
	r.draw()
}

// drawn takes a fresh timestamp in.
func (r *Replica) drawn(ev Drawn) {
	l := &r.leader0
	if !l.drawing {
		return
	}
	covers, again := l.drawCovers && ev.Err == nil, l.drawAgain || ev.Err != nil || !l.drawCovers
	l.drawing, l.drawAgain, l.drawCovers = false, false, false
	if ev.Err == nil {
		r.clock.drawn(ev.TS)
	}
	if !r.leading {
		return
	}
	var waiting []*task
	if covers {
		waiting, l.undrawn = l.undrawn, nil
		if !l.fresh {
			l.fresh = true
			r.clock.read(ev.TS)
			l.recent = newRecent(max(ev.TS, r.clock.committed), r.cfg.RecentRows)
			r.beginToServe()
		}
	}
	if again {
		r.draw()
	}
	for _, t := range waiting {
		t.drawn = true
		if a, ok := t.req.Req.(*mvcc.GetArgs); ok && a.ReadTS == 0 {
			t.readTS = ev.TS
		}
		r.admit(t)
	}
}

// beginToServe lets the requests in that came before the leader could serve.
func (r *Replica) beginToServe() {
	if r.leader0.ownApplied {
		r.leadSystem()
	}
	parked := r.leader0.parked
	r.leader0.parked = nil
	r.woken = append(r.woken, parked...)
}

// sweepMost is how many expired locks are handed to the resolver at once.
const sweepMost = 64

// sweepAgain is how long a lock is left to the resolver before it is handed over again.
const sweepAgain = 5 * time.Second

// sweep hands expired locks to the resolver, so that none waits for a visitor. Oracle time
// is what the replica has drawn; while locks stand it draws once a sweep.
func (r *Replica) sweep() {
	l := &r.leader0
	if !r.leading || !l.fresh || r.now.Mono < l.sweepAt {
		return
	}
	l.sweepAt = r.now.Mono + r.cfg.SweepEvery
	if r.locks.standing.Len() == 0 {
		clear(l.resolving)
		return
	}
	for _, lock := range r.locks.expired(r.clock.issued, sweepMost) {
		if at, ok := l.resolving[lock.Key]; ok && r.now.Mono-at < sweepAgain {
			continue
		}
		l.resolving[lock.Key] = r.now.Mono
		r.out.Resolve = append(r.out.Resolve, lock)
	}
	r.draw()
}
