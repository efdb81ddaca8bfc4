package sim

import (
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// truth is every version that the stores hold when all is quiet: key by key, newest first.
type truth map[mvcc.Key][]mvcc.Version

// at is the version of a key that a read at the timestamp must find.
func (t truth) at(k mvcc.Key, ts timestamp.Timestamp) mvcc.Version {
	for _, v := range t[k] {
		if v.CommitTS <= ts {
			return v
		}
	}
	return mvcc.Version{}
}

// of is the version that a transaction's write left.
func (t truth) of(r *record, m mvcc.Mutation) (mvcc.Version, bool) {
	for _, v := range t[m.Key] {
		if r.auto && string(v.Value) == string(m.Value) || !r.auto && v.StartTS == r.start {
			return v, true
		}
	}
	return mvcc.Version{}, false
}

// checkReads: a read at R saw, of each key, the newest version at or below R, whatever was
// committed before and after it, and wherever.
func (w *world) checkReads(t truth) {
	for _, s := range w.history.seen {
		if s.at == 0 {
			if v := t.at(s.key, s.commitTS); v.CommitTS != s.commitTS || v.StartTS != s.startTS {
				w.fail("a newest read found %s at %s, which was never committed", s.key, s.commitTS)
			}
			continue
		}
		if v := t.at(s.key, s.at); v.CommitTS != s.commitTS || v.StartTS != s.startTS {
			w.fail("a read of %s at %s found the version of %s; that of %s was there", s.key, s.at, s.commitTS, v.CommitTS)
		}
	}
	for _, s := range w.history.scans {
		for _, found := range s.rows {
			if v := t.at(found.Key, s.at); v.CommitTS != found.CommitTS {
				w.fail("a scan of %s at %s found the version of %s; that of %s was there", found.Key, s.at,
					found.CommitTS, v.CommitTS)
			}
		}
	}
}

// checkConflicts: of two transactions that wrote the same key, one had ended when the other
// began. Autocommits read nothing, so nothing of theirs can be lost.
func (w *world) checkConflicts(t truth) {
	for _, r := range w.history.records {
		if !r.present || r.auto {
			continue
		}
		for _, m := range r.content.Mutations {
			for _, v := range t[m.Key] {
				if v.CommitTS > r.start && v.CommitTS < r.commitTS {
					w.fail("%v was committed at %s over the version of %s at %s, which it cannot have seen", r,
						r.commitTS, v.CommitTS, m.Key)
				}
			}
		}
	}
}
