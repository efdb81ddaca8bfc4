package mvcctest

import (
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// applier turns the rows of one entry into a batch, given the lock table that it keeps.
type applier struct {
	locks   map[mvcc.Key]mvcc.Lock
	batch   mvcc.Batch
	ordinal mvcc.ValueID
}

func (a *applier) apply(rows mvcc.Rows) {
	b := &a.batch
	for _, v := range rows.Versions {
		v.ValueID, v.Value = a.place(v.Value)
		b.Versions = append(b.Versions, v)
	}
	b.Marks = append(b.Marks, rows.Marks...)
	for _, l := range rows.Locks {
		a.lock(l)
	}
	for _, t := range rows.Turns {
		a.turn(t)
	}
	for _, u := range rows.Unlocks {
		a.unlock(u)
	}
	b.Records = append(b.Records, rows.Records...)
	b.DropVersions = append(b.DropVersions, rows.DropVersions...)
	for _, n := range rows.DropVersions {
		a.dropValue(n.ValueID)
	}
	b.DropMarks = append(b.DropMarks, rows.DropMarks...)
	b.DropRecords = append(b.DropRecords, rows.DropRecords...)
	b.System = append(b.System, rows.System...)
}

// place says where a value lies: in its row, or beside it under an id of its own.
func (a *applier) place(value []byte) (mvcc.ValueID, []byte) {
	if len(value) <= mvcc.InlineValueSize {
		return 0, value
	}
	id := mvcc.ValueID(a.batch.Index)<<16 | a.ordinal
	a.ordinal++
	a.batch.Values = append(a.batch.Values, mvcc.Value{ID: id, Data: value})
	return id, nil
}

func (a *applier) dropValue(id mvcc.ValueID) {
	if id != 0 {
		a.batch.DropValues = append(a.batch.DropValues, id)
	}
}

// lock lays a lock. One that comes with an id has its value in the store already.
func (a *applier) lock(l mvcc.Lock) {
	if l.ValueID == 0 {
		l.ValueID, l.Value = a.place(l.Value)
	}
	if old, ok := a.locks[l.Key]; ok && old.ValueID != l.ValueID {
		a.dropValue(old.ValueID)
	}
	a.locks[l.Key] = l
	a.batch.Locks = append(a.batch.Locks, l)
}

// turn makes a standing lock of the same start and digest what it stood for.
func (a *applier) turn(t mvcc.Turn) {
	l, ok := a.take(t.Key, t.StartTS, t.Digest)
	if !ok {
		return
	}
	if !l.Writes() {
		a.batch.Marks = append(a.batch.Marks,
			mvcc.Mark{Key: l.Key, CommitTS: t.CommitTS, StartTS: l.StartTS})
		return
	}
	v := mvcc.Version{Key: l.Key, CommitTS: t.CommitTS, StartTS: l.StartTS, Op: mvcc.OpPut,
		ValueID: l.ValueID, Value: l.Value}
	if l.Kind == mvcc.LockDelete {
		v.Op, v.ValueID, v.Value = mvcc.OpDelete, 0, nil
	}
	a.batch.Versions = append(a.batch.Versions, v)
}

// unlock removes a standing lock of the same start and digest.
func (a *applier) unlock(u mvcc.Unlock) {
	if l, ok := a.take(u.Key, u.StartTS, u.Digest); ok {
		a.dropValue(l.ValueID)
	}
}

func (a *applier) take(k mvcc.Key, start timestamp.Timestamp, d mvcc.Digest) (mvcc.Lock, bool) {
	l, ok := a.locks[k]
	if !ok || l.StartTS != start || l.Digest != d {
		return mvcc.Lock{}, false
	}
	delete(a.locks, k)
	a.batch.DropLocks = append(a.batch.DropLocks, k)
	return l, true
}
