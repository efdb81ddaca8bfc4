package memory

import (
	"cmp"

	"github.com/tidwall/btree"

	"github.com/shaledb/shale/mvcc"
)

// rows is one state of the store.
type rows struct {
	index    mvcc.Index
	term     uint64
	versions *btree.BTreeG[mvcc.Version]
	marks    *btree.BTreeG[mvcc.Mark]
	locks    *btree.BTreeG[mvcc.Lock]
	records  *btree.BTreeG[mvcc.Record]
	values   *btree.BTreeG[mvcc.Value]
	meta     *btree.BTreeG[mvcc.MetaRow]
	system   *btree.BTreeG[mvcc.SystemRow]
}

func newRows() rows {
	return rows{
		versions: btree.NewBTreeG(func(a, b mvcc.Version) bool {
			return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(b.CommitTS, a.CommitTS),
				cmp.Compare(a.StartTS, b.StartTS)) < 0
		}),
		marks: btree.NewBTreeG(func(a, b mvcc.Mark) bool {
			return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(b.CommitTS, a.CommitTS),
				cmp.Compare(a.StartTS, b.StartTS)) < 0
		}),
		locks: btree.NewBTreeG(func(a, b mvcc.Lock) bool { return a.Key < b.Key }),
		records: btree.NewBTreeG(func(a, b mvcc.Record) bool {
			return cmp.Or(cmp.Compare(a.StartTS, b.StartTS), cmp.Compare(a.Key, b.Key)) < 0
		}),
		values: btree.NewBTreeG(func(a, b mvcc.Value) bool { return a.ID < b.ID }),
		meta:   btree.NewBTreeG(func(a, b mvcc.MetaRow) bool { return a.Name < b.Name }),
		system: btree.NewBTreeG(func(a, b mvcc.SystemRow) bool { return a.Name < b.Name }),
	}
}

func (r rows) copy() rows {
	r.versions, r.marks, r.locks = r.versions.Copy(), r.marks.Copy(), r.locks.Copy()
	r.records, r.values = r.records.Copy(), r.values.Copy()
	r.meta, r.system = r.meta.Copy(), r.system.Copy()
	return r
}

// apply writes a batch: puts first, then drops. No row is in both.
func (r *rows) apply(b *mvcc.Batch) {
	r.index, r.term = b.Index, b.Term
	for _, v := range b.Values {
		r.values.Set(v)
	}
	for _, v := range b.Versions {
		if v.ValueID != 0 {
			v.Value = nil // it lies in values
		}
		r.versions.Set(v)
	}
	for _, l := range b.Locks {
		if l.ValueID != 0 {
			l.Value = nil
		}
		r.locks.Set(l)
	}
	set(r.marks, b.Marks)
	set(r.records, b.Records)
	for _, k := range b.DropLocks {
		r.locks.Delete(mvcc.Lock{Key: k})
	}
	for _, n := range b.DropVersions {
		r.versions.Delete(mvcc.Version{Key: n.Key, CommitTS: n.CommitTS, StartTS: n.StartTS})
	}
	for _, n := range b.DropMarks {
		r.marks.Delete(mvcc.Mark{Key: n.Key, CommitTS: n.CommitTS, StartTS: n.StartTS})
	}
	for _, n := range b.DropRecords {
		r.records.Delete(mvcc.Record{Key: n.Key, StartTS: n.StartTS})
	}
	for _, id := range b.DropValues {
		r.values.Delete(mvcc.Value{ID: id})
	}
	set(r.meta, b.Meta)
	for _, s := range b.System {
		if s.Value == nil {
			r.system.Delete(s)
		} else {
			r.system.Set(s)
		}
	}
}

func set[T any](t *btree.BTreeG[T], rows []T) {
	for _, row := range rows {
		t.Set(row)
	}
}
