package shard

import (
	"encoding/binary"
	"time"

	"go.etcd.io/raft/v3"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// lease is the leader's right to serve without asking anybody: from a read index asked for
// at t0 and confirmed by a quorum until t0 + the configured duration, once everything up to
// that index is applied (S12). All of it is of one term; another term begins anew.
type lease struct {
	term  uint64
	until time.Duration
	// seen is the newest timestamp known when the lease was asked for. A read far above it
	// means that this machine's clock stood still; it is served by a read index of its own.
	seen timestamp.Timestamp
	// ended: a leadership transfer began in this term. A MsgTimeoutNow may arrive at any
	// later time and elect somebody past all votes, so the term has no lease any more (S11).
	ended bool

	asked   []readIndex // unconfirmed, or confirmed and not yet applied
	count   uint64
	parked  []*task // wait for a read index asked for after they came
	lastAsk time.Duration
}

// readIndex is one question to the quorum.
type readIndex struct {
	ctx       uint64
	at        time.Duration
	seen      timestamp.Timestamp
	confirmed bool
	index     mvcc.Index
	parked    []*task
}

// held says whether the lease covers a request with the given timestamp now.
func (r *Replica) leaseHeld(ts timestamp.Timestamp) bool {
	l := &r.lease
	return r.leading && !l.ended && l.term == r.term && r.now.Mono < l.until &&
		ts <= l.seen.Add(r.cfg.leaseDuration())
}

// needLease says whether t has to wait for the quorum; then t is parked. A lease that is
// past its half is renewed by the way.
func (r *Replica) needLease(t *task, ts timestamp.Timestamp) bool {
	if t.leased {
		return false
	}
	if r.leaseHeld(ts) {
		if r.lease.until-r.now.Mono < r.cfg.leaseDuration()/2 && len(r.lease.asked) == 0 {
			r.askReadIndex()
		}
		return false
	}
	r.park(t)
	r.lease.parked = append(r.lease.parked, t)
	return true
}

// askReadIndex asks the quorum on behalf of all who are parked now. One question at a time
// is under way; one that is not answered within two heartbeats is asked again, for its only
// heartbeat may be lost (S22).
func (r *Replica) askReadIndex() {
	l := &r.lease
	l.count++
	q := readIndex{ctx: l.count, at: r.now.Mono, seen: r.clock.seen, parked: l.parked}
	l.parked = nil
	l.lastAsk = r.now.Mono
	l.asked = append(l.asked, q)
	r.raft.ReadIndex(binary.BigEndian.AppendUint64(nil, q.ctx))
}

// renewLease asks for those who are parked, unless a question is under way.
func (r *Replica) renewLease() {
	l := &r.lease
	if !r.leading {
		return
	}
	late := r.now.Mono-l.lastAsk >= 2*time.Duration(r.cfg.HeartbeatTicks)*r.cfg.Tick
	switch {
	case len(l.asked) == 0 && len(l.parked) > 0:
		r.askReadIndex()
	case len(l.asked) > 0 && late:
		r.askReadIndex()
	}
}

// confirm takes in what the quorum confirmed. A later question's answer confirms all
// earlier ones: they were asked before.
func (r *Replica) confirm(states []raft.ReadState) {
	for _, s := range states {
		if len(s.RequestCtx) != 8 {
			continue
		}
		ctx := binary.BigEndian.Uint64(s.RequestCtx)
		for i := range r.lease.asked {
			q := &r.lease.asked[i]
			if q.ctx <= ctx && !q.confirmed {
				q.confirmed, q.index = true, mvcc.Index(s.Index)
			}
		}
	}
	r.grantLease()
}

// grantLease turns confirmed questions whose index is applied into a lease, and lets those
// who waited for them go on.
func (r *Replica) grantLease() {
	l := &r.lease
	var ready []*task
	n := 0
	for n < len(l.asked) && l.asked[n].confirmed && l.asked[n].index <= r.applied {
		q := l.asked[n]
		if until := q.at + r.cfg.leaseDuration(); until > l.until {
			l.until, l.seen = until, q.seen
		}
		ready = append(ready, q.parked...)
		n++
	}
	if n == 0 {
		return
	}
	l.asked = append([]readIndex(nil), l.asked[n:]...)
	for _, t := range ready {
		t.leased = true
		r.admit(t)
		t.leased = false
	}
}

// endLease gives the rest of the term up: from now on every request asks the quorum.
func (r *Replica) endLease() {
	r.lease.ended = true
	r.lease.until = 0
}

// dropLease forgets everything of a term that is over, and hands back who was parked.
func (r *Replica) dropLease(term uint64) []*task {
	parked := r.lease.parked
	for _, q := range r.lease.asked {
		parked = append(parked, q.parked...)
	}
	r.lease = lease{term: term, count: r.lease.count}
	return parked
}
