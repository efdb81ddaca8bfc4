package shard

import (
	"slices"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// flushing is how far the store has come and what is under way.
type flushing struct {
	at       time.Duration // of the last flush's beginning
	busy     bool
	durable  mvcc.Index    // survives power loss
	cutAt    time.Duration // of the last durable flush's beginning
	logBytes int
	terms    []indexTerm // of closed generations that are not yet in the store
	splits   []*Split    // handed to the host and not made yet
}

// indexTerm is a position in the log.
type indexTerm struct {
	index mvcc.Index
	term  uint64
}

// closeGeneration ends the filling generation at the applied index; a new one goes on.
func (r *Replica) closeGeneration() *generation {
	g := r.filling
	g.index, g.term = r.applied, r.appliedTerm
	g.meta = append(g.meta, r.committedRow())
	g.snapshot()
	r.filling = newGeneration(g.number + 1)
	r.flushing = append(slices.Clone(r.flushing), g)
	r.flush.terms = append(r.flush.terms, indexTerm{g.index, g.term})
	r.state = nil
	return g
}

// cutDue says whether the log has grown long or old enough for a durable flush.
func (r *Replica) cutDue() bool {
	if r.applied <= r.storage.cut {
		return false
	}
	return r.storage.bytes >= r.cfg.CutBytes || r.now.Mono-r.flush.cutAt >= r.cfg.CutEvery
}

// flushAt is when the next flush is due, if anything waits for one.
func (r *Replica) flushAt() (time.Duration, bool) {
	if r.flush.busy || len(r.flush.splits) > 0 || r.installing || r.bad != nil || r.storage.conf == nil {
		return 0, false
	}
	switch {
	case !r.filling.empty():
		return r.flush.at + r.cfg.FlushEvery, true
	case r.applied > r.storage.cut:
		return r.flush.cutAt + r.cfg.CutEvery, true
	}
	return 0, false
}

// flushDue begins a flush where time or size asks for one. One is under way at a time; what
// is applied meanwhile gathers in the next generation.
func (r *Replica) flushDue() {
	due, any := r.flushAt()
	if !any {
		return
	}
	full := r.filling.count >= r.cfg.FlushRows || r.filling.bytes >= r.cfg.FlushBytes
	durable := r.cutDue()
	if r.now.Mono < due && !full && !durable {
		return
	}
	g := r.closeGeneration()
	r.flush.at, r.flush.busy = r.now.Mono, true
	if durable {
		r.flush.cutAt = r.now.Mono
	}
	r.out.Flush = append(r.out.Flush, Flush{Generation: g.number, Batch: g.batch(), Durable: durable})
}

// flushed hears that a generation is in the store: the overlay lets go of it.
func (r *Replica) flushed(ev Flushed) {
	if r.installing || len(r.flushing) == 0 || ev.Generation < r.flushing[0].number {
		return // of a store that is no longer
	}
	r.dropGenerations(ev.Generation)
	r.flush.busy = false
	if ev.Durable {
		r.flush.durable = max(r.flush.durable, ev.Index)
		r.cutLog()
	}
	r.afterFlush()
}

func (r *Replica) dropGenerations(upTo int) {
	n := 0
	for n < len(r.flushing) && r.flushing[n].number <= upTo {
		r.base = r.flushing[n].index
		r.storage.flushed, r.storage.flushedTerm = r.flush.terms[n].index, r.flush.terms[n].term
		n++
	}
	r.flushing = slices.Clone(r.flushing[n:])
	r.flush.terms = slices.Clone(r.flush.terms[n:])
	r.state = nil
}

// afterFlush lets those go on who waited for the store.
func (r *Replica) afterFlush() {
	if r.storeOnly() == 0 {
		r.happened(storeWait)
	}
	if len(r.withheld) > 0 {
		r.releaseWithheld()
	}
}

// cutLog forgets what the store has durably and no raft snapshot under way still needs. A
// follower that is alive and only a little behind is spared a raft snapshot, within a bound.
func (r *Replica) cutLog() {
	to := r.flush.durable
	for _, index := range r.sending {
		to = min(to, index)
	}
	if r.leading && r.storage.bytes < 4*r.cfg.CutBytes {
		to = min(to, r.slowestActive())
	}
	// What Raft has not been told to be applied it may still ask for, when it campaigns.
	if len(r.withheld) > 0 && len(r.withheld[0].GetEntries()) > 0 {
		to = min(to, mvcc.Index(r.withheld[0].GetEntries()[0].GetIndex())-1)
	}
	if to <= r.storage.cut {
		return
	}
	r.storage.cutTo(to)
	r.out.Cut, r.out.CutTerm = r.storage.cut, r.storage.cutTerm
}

// overlayBytes is about what the overlay holds in memory.
func (r *Replica) overlayBytes() int {
	n := r.filling.bytes
	for _, g := range r.flushing {
		n += g.bytes
	}
	return n
}

// overloaded refuses new writes at half the bound, so that what others replicate to this
// node still has room.
func (r *Replica) overloaded() error {
	switch {
	case r.overlayBytes() > r.cfg.OverlayBytes/2:
		return &routing.OverloadedError{Shard: r.shard, Why: "the store is behind with what was written"}
	case len(r.tasks) >= r.cfg.WaitingMax:
		return &routing.OverloadedError{Shard: r.shard, Why: "too many requests wait here"}
	}
	return nil
}

// storeWait is the key that nobody can lock: those who wait for the next flush queue there.
const storeWait mvcc.Key = "\x00\x00store"

// storeOnly counts what the store alone can tell, once it has the generations.
func (r *Replica) storeOnly() int {
	n := r.filling.storeOnly
	for _, g := range r.flushing {
		n += g.storeOnly
	}
	return n
}

// takeState is the applied state as a value. It is made once for all who need it between
// two entries.
func (r *Replica) takeState() State {
	if r.state == nil {
		o := &Overlay{gens: make([]*overlayRows, 0, len(r.flushing)+1)}
		for _, g := range r.flushing {
			o.gens = append(o.gens, g.snapshot())
		}
		o.gens = append(o.gens, r.filling.snapshot())
		r.state = &State{Overlay: o, Base: r.base, Applied: r.applied, Generation: r.storeNumber}
	}
	return *r.state
}
