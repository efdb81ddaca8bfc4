package memory

import "github.com/shaledb/shale/mvcc"

// MakeSpan is the store of the right part of a split, as mvcc/sqlite makes it: the rows of
// the span as they are now, with meta rows and a standing of its own, all of it durable.
// Values beside their rows are numbered anew, in the same way on every replica: the ids that
// the right's own log will give begin where the left's have been.
func (s *Store) MakeSpan(span mvcc.Span, meta []mvcc.MetaRow, index mvcc.Index, term uint64) *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	right := newRows()
	right.index, right.term = index, term
	n := mvcc.ValueID(0)
	move := func(id mvcc.ValueID) mvcc.ValueID {
		v, ok := s.now.values.Get(mvcc.Value{ID: id})
		if id == 0 || !ok {
			return id
		}
		n--
		v.ID = n
		right.values.Set(v)
		return n
	}
	s.now.versions.Scan(func(v mvcc.Version) bool {
		if span.Contains(v.Key) {
			v.ValueID = move(v.ValueID)
			right.versions.Set(v)
		}
		return true
	})
	s.now.locks.Scan(func(l mvcc.Lock) bool {
		if span.Contains(l.Key) {
			l.ValueID = move(l.ValueID)
			right.locks.Set(l)
		}
		return true
	})
	s.now.marks.Scan(func(m mvcc.Mark) bool {
		if span.Contains(m.Key) {
			right.marks.Set(m)
		}
		return true
	})
	s.now.records.Scan(func(r mvcc.Record) bool {
		if span.Contains(r.Key) {
			right.records.Set(r)
		}
		return true
	})
	set(right.meta, meta)
	return &Store{cfg: s.cfg, now: right, durable: right.copy()}
}
