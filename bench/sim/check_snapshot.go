package sim

import (
	"slices"

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
		switch {
		case r.auto && string(v.Value) == string(m.Value), !r.auto && !r.twin && v.StartTS == r.start:
			return v, true
		case r.twin && v.StartTS == r.start && string(v.Value) == string(m.Value) &&
			(v.Op == mvcc.OpDelete) == (m.Op == mvcc.MutationDelete):
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
	for _, group := range w.history.together {
		newest := timestamp.Timestamp(0)
		for _, s := range group {
			newest = max(newest, s.commitTS)
		}
		for _, s := range group {
			if v := t.at(s.key, newest); v.CommitTS != s.commitTS {
				w.fail("the newest of several keys is not one state: %s is of %s, but %s was there at %s", s.key, s.commitTS,
					v.CommitTS, newest)
			}
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

// checkClaims: what a committed transaction found under its claims is what a read at its read
// timestamp finds.
func (w *world) checkClaims(t truth) {
	for _, r := range w.history.records {
		if !r.present {
			continue
		}
		for _, s := range r.claimed {
			if v := t.at(s.key, s.at); v.CommitTS != s.commitTS || v.StartTS != s.startTS {
				w.fail("%v claimed %s, found the version of %s and read at %s: that of %s was there", r, s.key,
					s.commitTS, s.at, v.CommitTS)
			}
		}
	}
}

// commits are the moments at which keys were written, or kept from being written by a committed
// check or claim.
type commits map[mvcc.Key][]committed

type committed struct {
	at, by timestamp.Timestamp
	what   string
}

func (w *world) commits(t truth) commits {
	out := commits{}
	for k, vs := range t {
		for _, v := range vs {
			out[k] = append(out[k], committed{v.CommitTS, v.StartTS, "written"})
		}
	}
	for _, r := range w.history.records {
		if !r.present || r.auto {
			continue
		}
		for _, k := range r.guards() {
			out[k] = append(out[k], committed{r.commitTS, r.start, "checked or claimed"})
		}
	}
	return out
}

// guards are the keys that it checked or claimed.
func (r *record) guards() []mvcc.Key {
	keys := slices.Clone(r.tx.Claims)
	for _, m := range r.content.Mutations {
		if m.Op.Check() {
			keys = append(keys, m.Key)
		}
	}
	return keys
}

// checkConflicts: of two transactions that wrote, checked or claimed the same key, one had ended
// when the other read (S4, S6, P12). Autocommits read nothing, so nothing of theirs can be
// lost, and an addition loses nothing.
func (w *world) checkConflicts(t truth) {
	all := w.commits(t)
	for _, r := range w.history.records {
		if !r.present || r.auto {
			continue
		}
		keys := r.guards()
		for _, m := range r.content.Mutations {
			if !m.Op.Atomic() {
				keys = append(keys, m.Key)
			}
		}
		for _, k := range keys {
			for _, c := range all[k] {
				if c.by != r.start && c.at > r.readTS() && c.at < r.commitTS {
					w.fail("%v was committed at %s, but %s was %s at %s, of which it cannot have known", r,
						r.commitTS, k, c.what, c.at)
				}
			}
		}
	}
}

// checkChecks: a committed check was true when its transaction was committed.
func (w *world) checkChecks(t truth) {
	for _, r := range w.history.records {
		for _, m := range r.content.Mutations {
			if !r.present || m.Op != mvcc.MutationCheckExists && m.Op != mvcc.MutationInsert {
				continue
			}
			before := t.at(m.Key, r.commitTS.Prev())
			if present := before.Op == mvcc.OpPut; present != (m.Op == mvcc.MutationCheckExists) {
				w.fail("%v was committed at %s, but %s does not hold: %s", r, r.commitTS, m.Op, mvcc.FormatKey(m.Key))
			}
		}
	}
}
