package shard

import (
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// entryBytesMax is the size of an entry above which no more proposals join it.
const entryBytesMax = 2 << 20

// proposed is an evaluated write on its way through Raft. T is nil for the replica's own.
type proposed struct {
	proposal
	t     *task
	res   routing.Response
	after func() // what else happens once it is applied
}

// inflightEntry is an entry that Raft took. They are applied in this order, or the term
// ends.
type inflightEntry struct {
	entry *entry
	data  []byte
	items []*proposed
}

// propose takes an evaluated write in: what it will do is visible to reads from now on.
func (r *Replica) propose(p *proposed) {
	r.lastID++
	p.ID = r.lastID
	r.locks.lay(&p.Rows)
	if p.t != nil {
		p.t.proposed = true
		r.park(p.t)
	}
	r.batch = append(r.batch, p)
}

// proposeBatch makes entries of what was evaluated in this turn and says whether it did.
func (r *Replica) proposeBatch() bool {
	if len(r.batch) == 0 {
		return false
	}
	batch := r.batch
	r.batch = nil
	for len(batch) > 0 {
		n, size := 0, 0
		for n < len(batch) {
			size += rowsSize(&batch[n].Rows)
			if n > 0 && size > entryBytesMax {
				break
			}
			n++
		}
		r.proposeEntry(batch[:n:n])
		batch = batch[n:]
	}
	return true
}

func (r *Replica) proposeEntry(items []*proposed) {
	e := &entry{Term: r.term, Bounds: r.desc.Epoch.Bounds, Proposals: make([]proposal, len(items))}
	for i, p := range items {
		e.Proposals[i] = p.proposal
	}
	data := encodeEntry(e)
	if err := r.raft.Propose(data); err != nil {
		for _, p := range items {
			r.dropProposed(p, &routing.UnavailableError{Shard: r.shard,
				Why: "the leader takes no writes at the moment: " + err.Error()})
		}
		return
	}
	r.inflight = append(r.inflight, &inflightEntry{entry: e, data: data, items: items})
}

// dropProposed gives up a write that certainly is not and will not be done.
func (r *Replica) dropProposed(p *proposed, err error) {
	r.locks.lift(&p.Rows)
	r.wakePending(&p.Rows)
	if p.t == nil {
		return
	}
	p.t.proposed = false
	r.finish(p.t, nil, err)
	r.free(p.t)
}

// wakePending wakes those who wait for what was pending.
func (r *Replica) wakePending(rows *mvcc.Rows) {
	if len(r.waiters) == 0 {
		return
	}
	for i := range rows.Locks {
		r.wakeWaiters(rows.Locks[i].Key)
	}
	for i := range rows.Versions {
		r.wakeWaiters(rows.Versions[i].Key)
	}
}

// takeInflight is the write of this term that the entry with this data brought, if it is
// one of this leader's.
func (r *Replica) takeInflight(data []byte) *inflightEntry {
	if len(r.inflight) == 0 || len(data) == 0 {
		return nil
	}
	head := r.inflight[0]
	if len(head.data) != len(data) || &head.data[0] != &data[0] {
		return nil
	}
	r.inflight[0] = nil
	r.inflight = r.inflight[1:]
	return head
}

// settle answers the proposers of an entry that is applied, or sends them round again where
// it was dropped: then nothing of it was done.
func (r *Replica) settle(e *inflightEntry, dropped bool) {
	for _, p := range e.items {
		r.locks.lift(&p.Rows)
		r.wakePending(&p.Rows)
		switch {
		case dropped && p.t != nil:
			p.t.proposed, p.t.facts = false, nil
			r.free(p.t)
			if !p.t.done {
				r.woken = append(r.woken, p.t)
			}
		case !dropped:
			if p.after != nil {
				p.after()
			}
			if p.t != nil {
				r.finish(p.t, p.res, nil)
			}
		}
	}
}
