package shard

import (
	"fmt"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/shaledb/shale/mvcc"
)

// apply takes a committed entry into the state. It is total: it reads the entry, the meta
// rows and the lock table, which every replica has alike at this index, and what it cannot
// explain ends this replica with an alarm, never with a panic or a guess (P7).
func (r *Replica) apply(e *raftpb.Entry) {
	index := mvcc.Index(e.GetIndex())
	if index != r.applied+1 {
		r.quarantine(fmt.Errorf("entry %d follows entry %d", index, r.applied))
		return
	}
	own := r.takeInflight(e)
	var err error
	dropped := false
	switch {
	case e.GetType() != raftpb.EntryNormal:
		// Members do not change yet; this is where their entries will be applied.
		err = fmt.Errorf("an entry of type %s", e.GetType())
	case len(e.GetData()) > 0:
		dropped, err = r.applyData(index, e, own)
	}
	if err != nil {
		r.quarantine(fmt.Errorf("apply entry %d: %w", index, err))
		return
	}
	r.applied, r.appliedTerm = index, e.GetTerm()
	r.out.Counts.Applied++
	r.state = nil
	if own != nil {
		r.settle(own, dropped)
	}
	if r.leading && e.GetTerm() == r.term && !r.leader0.ownApplied {
		r.leader0.ownApplied = true
		r.beginToServe()
	}
}

// applyData applies an entry of ours. It is dropped where it was evaluated under another
// term or other bounds than those it is applied under.
func (r *Replica) applyData(index mvcc.Index, e *raftpb.Entry, own *inflightEntry) (dropped bool, err error) {
	var content *entry
	if own != nil {
		content = own.entry
	} else if content, err = decodeEntry(e.GetData()); err != nil {
		return false, err
	}
	if content.Term != e.GetTerm() || content.Bounds != r.desc.Epoch.Bounds {
		return true, nil
	}
	rows := applier{r: r, g: r.filling, index: index}
	for i := range content.Proposals {
		p := &content.Proposals[i]
		if p.Split != nil {
			if len(content.Proposals) != 1 {
				return false, fmt.Errorf("a split shares its entry")
			}
			return false, r.applySplit(index, e.GetTerm(), p.Split)
		}
		if err := rows.apply(&p.Rows); err != nil {
			return false, err
		}
	}
	return false, nil
}

// applier applies the rows of one entry.
type applier struct {
	r       *Replica
	g       *generation
	index   mvcc.Index
	ordinal mvcc.ValueID
}

func (a *applier) apply(rows *mvcc.Rows) error {
	for i := range rows.Versions {
		v := rows.Versions[i]
		if !a.r.desc.Span.Contains(v.Key) {
			return fmt.Errorf("a version of %s lies outside %s", mvcc.FormatKey(v.Key), a.r.desc)
		}
		v.ValueID = a.valueID(v.Value)
		a.commit(v)
	}
	for _, m := range rows.Marks {
		a.commit(mvcc.Version{Key: m.Key, CommitTS: m.CommitTS, StartTS: m.StartTS, Op: mvcc.OpMark, Digest: m.Digest})
	}
	for i := range rows.Locks {
		if err := a.lock(rows.Locks[i]); err != nil {
			return err
		}
	}
	for i := range rows.Turns {
		a.turn(&rows.Turns[i])
	}
	for i := range rows.Unlocks {
		a.unlock(&rows.Unlocks[i])
	}
	for _, rec := range rows.Records {
		a.g.addRecord(rec)
		if a.r.leader0.recent != nil {
			a.r.leader0.recent.addRecord(rec)
		}
		a.r.happened(rec.Key)
	}
	a.g.drop(rows)
	for _, row := range rows.System {
		a.g.setSystem(row)
	}
	return a.r.applySystem(rows.System)
}

// valueID names a large value after the entry that brought it, the same on every replica.
func (a *applier) valueID(value []byte) mvcc.ValueID {
	if len(value) <= mvcc.InlineValueSize {
		return 0
	}
	id := mvcc.ValueID(a.index)<<16 | a.ordinal
	a.ordinal++
	a.g.addValue(id, value)
	return id
}

func (a *applier) commit(v mvcc.Version) {
	a.g.addCommit(v)
	a.r.clock.committed = max(a.r.clock.committed, v.CommitTS)
	if v.Op != mvcc.OpMark {
		if v.ValueID != 0 && v.Value == nil {
			a.g.storeOnly++
		}
		a.r.cache.put(v)
	}
	if a.r.leader0.recent != nil {
		a.r.leader0.recent.addCommit(v)
	}
}

// lock lays a lock, or puts one in place of the same transaction's. Latches kept every
// other transaction's away: one that stands is a defect.
func (a *applier) lock(l mvcc.Lock) error {
	if !a.r.desc.Span.Contains(l.Key) {
		return fmt.Errorf("a lock on %s lies outside %s", mvcc.FormatKey(l.Key), a.r.desc)
	}
	before, stands := a.r.locks.standing.Get(l.Key)
	switch {
	case stands && before.StartTS != l.StartTS:
		return fmt.Errorf("transaction %s locks %s, which transaction %s holds", l.StartTS,
			mvcc.FormatKey(l.Key), before.StartTS)
	case stands && l.ValueID != 0 && before.ValueID == l.ValueID:
		l.Value = before.Value
	case stands && before.ValueID != 0:
		a.g.dropValue(before.ValueID)
		fallthrough
	default:
		l.ValueID = a.valueID(l.Value)
	}
	a.r.locks.standing.Set(l.Key, l)
	a.g.setLock(l, stands)
	a.r.locked(l)
	return nil
}

// turn makes a lock what it stood for. Only one of the same start and digest is meant.
func (a *applier) turn(t *mvcc.Turn) {
	l, ok := a.r.locks.standing.Get(t.Key)
	if !ok || l.StartTS != t.StartTS || l.Digest != t.Digest {
		return
	}
	v := mvcc.Version{Key: t.Key, CommitTS: t.CommitTS, StartTS: t.StartTS, ValueID: l.ValueID, Value: l.Value}
	switch l.Kind {
	case mvcc.LockPut:
		v.Op = mvcc.OpPut
	case mvcc.LockDelete:
		v.Op = mvcc.OpDelete
	default:
		v.Op = mvcc.OpMark
	}
	a.lift(l)
	a.commit(v)
}

func (a *applier) unlock(u *mvcc.Unlock) {
	l, ok := a.r.locks.standing.Get(u.Key)
	if !ok || l.StartTS != u.StartTS || l.Digest != u.Digest {
		return
	}
	if l.ValueID != 0 {
		a.g.dropValue(l.ValueID)
	}
	a.lift(l)
}

func (a *applier) lift(l mvcc.Lock) {
	a.r.locks.standing.Delete(l.Key)
	a.g.dropLock(l)
	a.r.unlocked(l.Key)
}
