package shard

import (
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// serveGet reads keys at a timestamp, or their newest versions. MaxRead is raised before
// the locks are looked at (P3); locks and state are taken in this one step, and nothing is
// checked again.
func (r *Replica) serveGet(t *task, a *mvcc.GetArgs) {
	at := max(a.ReadTS, t.readTS)
	if at == 0 {
		if r.newestIsLocked(t, a) {
			return
		}
		if len(a.Keys) > 1 {
			// The keys' versions are one state: nothing may be committed below it later.
			r.clock.maxRead = max(r.clock.maxRead, r.clock.committed)
		}
		at = timestamp.Max
	} else {
		r.clock.read(at)
		for _, k := range a.Keys {
			if l, ok := r.locks.blocking(k, at, a.Own); ok {
				r.waitForLock(t, l)
				return
			}
		}
	}
	versions := make([]mvcc.Version, len(a.Keys))
	for i, k := range a.Keys {
		v, ok := r.versionAt(k, at)
		if !ok {
			r.readStore(t)
			return
		}
		versions[i] = v
	}
	r.finish(t, &mvcc.GetResult{ReadTS: max(a.ReadTS, t.readTS), Versions: versions}, nil)
}

// newestIsLocked: the newest versions of keys can be read without a timestamp only where no
// write is undecided on them; else the read takes a fresh timestamp and goes the usual way.
// A pending write is not undecided: nobody has heard of it before it is applied here. But of
// several keys one state is read: a pending write below what is committed would be missing
// from it, and two readers would see two writes in opposite orders.
func (r *Replica) newestIsLocked(t *task, a *mvcc.GetArgs) bool {
	for _, k := range a.Keys {
		l, ok := r.locks.standing.Get(k)
		if ok && l.Writes() && l.StartTS != a.Own {
			r.waitForDraw(t)
			return true
		}
		if len(a.Keys) == 1 {
			continue
		}
		if l, ok := r.locks.pending.Get(k); ok && l.BlocksRead(r.clock.committed, a.Own) {
			r.waitForDraw(t)
			return true
		}
	}
	return false
}

// readStore leaves the rest of a read to the reader pool.
func (r *Replica) readStore(t *task) {
	if r.storeOnly() > 0 {
		r.waitOn(t, storeWait)
		return
	}
	req := t.req
	if a, ok := req.Req.(*mvcc.GetArgs); ok && t.readTS != 0 {
		at := *a
		at.ReadTS = t.readTS
		req.Req = &at
	}
	t.done = true
	if t.parked {
		delete(r.tasks, t.req.ID)
	}
	r.out.Read = append(r.out.Read, Read{Request: req, State: r.takeState(), Span: r.desc.Span, Spent: t.spent})
}
