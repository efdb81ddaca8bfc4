package shard

import (
	"go.etcd.io/raft/v3/raftpb"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// entryBytesMax is the size of an entry above which no more proposals join it.
const entryBytesMax = 2 << 20

// proposed is an evaluated write on its way through Raft. T is nil for the replica's own.
type proposed struct {
	proposal
	t      *task
	res    routing.Response
	after  func() // what else happens once it is applied
	undone func() // or once it is certain that it will not be
}

// inflightEntry is an entry that Raft took. They are applied in this order, or the term
// ends.
type inflightEntry struct {
	entry *entry
	items []*proposed
}

// propose takes an evaluated write in: what it will do is visible to reads from now on.
func (r *Replica) propose(p *proposed) {
	r.lastID++
	p.ID = r.lastID
	r.locks.lay(&p.Rows)
	if p.t != nil {
		p.t.proposed = true
		r.waitsFor(p.t, WaitConsensus)
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
	if err := r.raft.Propose(encodeEntry(e)); err != nil {
		for _, p := range items {
			r.dropProposed(p, &routing.UnavailableError{Shard: r.shard,
				Why: "the leader takes no writes at the moment: " + err.Error()})
		}
		return
	}
	r.out.Counts.Entries++
	r.inflight = append(r.inflight, &inflightEntry{entry: e, items: items})
}

// dropProposed gives up a write that certainly is not and will not be done.
func (r *Replica) dropProposed(p *proposed, err error) {
	r.locks.lift(&p.Rows)
	r.wakePending(&p.Rows)
	if p.undone != nil {
		p.undone()
	}
	if p.t == nil {
		return
	}
	p.t.proposed = false
	r.finish(p.t, nil, err)
	r.free(p.t)
}

// wakePending wakes those who wait for what was pending.
func (r *Replica) wakePending(rows *mvcc.Rows) {
	if len(r.queues) == 0 {
		return
	}
	for i := range rows.Locks {
		r.happened(rows.Locks[i].Key)
	}
	for i := range rows.Versions {
		r.happened(rows.Versions[i].Key)
	}
}

// takeInflight is what this leader has in flight with the entry, if it is one of this
// term's: its proposers wait for it, and it need not be decoded.
func (r *Replica) takeInflight(e *raftpb.Entry) *inflightEntry {
	if len(r.inflight) == 0 || e.GetTerm() != r.term || len(e.GetData()) == 0 {
		return nil
	}
	head := r.inflight[0]
	in := reader{b: e.GetData()}
	in.byte()
	term := in.number()
	in.number() // bounds
	in.number() // proposals
	if id := in.number(); in.err != nil || term != head.entry.Term || id != head.entry.Proposals[0].ID {
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
		case dropped && p.undone != nil:
			p.undone()
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
