package mvcctest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// model is the dumb twin: what was decided, and so what every read must have seen. It knows
// no locks, latches or rows.
type model struct {
	txns     map[timestamp.Timestamp]*modelTxn
	versions map[mvcc.Key][]mvcc.Version // in no order
	reads    []modelRead
}

// modelTxn is one transaction as its coordinator knows it.
type modelTxn struct {
	start                timestamp.Timestamp
	readTS               timestamp.Timestamp
	primary              mvcc.Key
	mutations            []mvcc.Mutation
	digest               mvcc.Digest
	expires              timestamp.Timestamp
	onePhase, autocommit bool
	async                bool       // committed as soon as all locks stand
	reads                []mvcc.Key // serializable: to be validated
	claims               []mvcc.Key // to be claimed before the prewrite, the primary first
	fixed                bool       // it has read at readTS before it claims

	claimed  map[mvcc.Key]mvcc.Version        // granted: what was there
	sent     bool                             // the Commit was: what claims from now on is a late copy
	heard    map[mvcc.Key]timestamp.Timestamp // prewritten: the minimum that was answered
	fenced   map[mvcc.Key]bool
	turned   map[mvcc.Key]bool
	refused  bool // an insert or check did not hold
	decision mvcc.Decision
	commitTS timestamp.Timestamp
}

func (t *modelTxn) keys() []mvcc.Key {
	var out []mvcc.Key
	for _, m := range t.mutations {
		if !slices.Contains(out, m.Key) {
			out = append(out, m.Key)
		}
	}
	return out
}

// modelRead is one answered read; Op zero: nothing was there.
type modelRead struct {
	key   mvcc.Key
	at    timestamp.Timestamp
	found mvcc.Version
}

func newModel() *model {
	return &model{txns: map[timestamp.Timestamp]*modelTxn{}, versions: map[mvcc.Key][]mvcc.Version{}}
}

// decide takes in what an answer said of a transaction. There is one decision.
func (m *model) decide(t *modelTxn, d mvcc.Decision, commitTS timestamp.Timestamp) error {
	if t.decision != mvcc.Undecided {
		if t.decision != d || t.commitTS != commitTS {
			return fmt.Errorf("transaction %s was %s at %s and is now %s at %s",
				t.start, t.decision, t.commitTS, d, commitTS)
		}
		return nil
	}
	if d == mvcc.Committed && t.refused && !t.autocommit {
		return fmt.Errorf("transaction %s was refused once and commits at %s", t.start, commitTS)
	}
	t.decision, t.commitTS = d, commitTS
	if d != mvcc.Committed {
		return nil
	}
	for _, mu := range t.mutations {
		if mu.Op.Check() {
			continue
		}
		v := mvcc.Version{Key: mu.Key, CommitTS: commitTS, StartTS: t.start, Op: mvcc.OpPut, Value: mu.Value}
		if mu.Op == mvcc.MutationDelete {
			v.Op, v.Value = mvcc.OpDelete, nil
		}
		if mu.Op.Atomic() { // all beneath is known: its lock kept the others away
			before := m.at(mu.Key, commitTS-1)
			var err error
			if v.Value, err = mvcc.ApplyAtomic(mu.Key, mu.Op, before.Value, before.Op == mvcc.OpPut, mu.Value); err != nil {
				return fmt.Errorf("transaction %s committed at %s: %w", t.start, commitTS, err)
			}
		}
		m.versions[mu.Key] = append(m.versions[mu.Key], v)
	}
	return nil
}

// worksOn says whether t does nothing with the key but an atomic operation.
func (t *modelTxn) worksOn(k mvcc.Key) bool {
	return !slices.ContainsFunc(t.mutations, func(mu mvcc.Mutation) bool {
		return mu.Key == k && !mu.Op.Atomic()
	})
}

// at is the newest version of k at or below the timestamp.
func (m *model) at(k mvcc.Key, at timestamp.Timestamp) mvcc.Version {
	var best mvcc.Version
	for _, v := range m.versions[k] {
		if v.CommitTS <= at && v.CommitTS > best.CommitTS {
			best = v
		}
	}
	return best
}

// check holds the whole history against the promises of snapshot isolation.
func (m *model) check() error {
	for _, r := range m.reads {
		if want := m.at(r.key, r.at); !sameRead(want, r.found) {
			return fmt.Errorf("a read of %s at %s saw %s, and the history says %s",
				r.key, r.at, versionLine(r.found), versionLine(want))
		}
	}
	for _, t := range m.txns {
		if t.decision != mvcc.Committed {
			continue
		}
		if t.commitTS <= t.start {
			return fmt.Errorf("transaction %s committed at %s", t.start, t.commitTS)
		}
		if err := errors.Join(m.checkTxn(t), m.checkReads(t)); err != nil {
			return err
		}
	}
	return nil
}

// checkReads: what t claimed or has read is what stood there from its snapshot to its commit
// (S2, S5, S6, P12). A version at the very timestamp of the commit was written after it.
func (m *model) checkReads(t *modelTxn) error {
	for _, k := range t.reads {
		if was, is := m.at(k, t.readTS), m.at(k, t.commitTS-1); was.CommitTS != is.CommitTS {
			return fmt.Errorf("transaction %s read %s at %s and committed at %s after %s", t.start, k, t.readTS,
				t.commitTS, versionLine(is))
		}
	}
	for _, k := range t.claims {
		for _, at := range []timestamp.Timestamp{t.readTS, t.commitTS - 1} {
			if is := m.at(k, at); !sameRead(is, t.claimed[k]) {
				return fmt.Errorf("transaction %s claimed %s, and at %s there was %s", t.start,
					versionLine(t.claimed[k]), at, versionLine(is))
			}
		}
	}
	return nil
}

// checkTxn: nobody else wrote what t wrote or checked between its snapshot and its commit,
// and what it checked was true at its commit.
func (m *model) checkTxn(t *modelTxn) error {
	for _, mu := range t.mutations {
		for _, v := range m.versions[mu.Key] {
			if v.StartTS == t.start {
				continue
			}
			between := v.CommitTS > t.readTS && v.CommitTS < t.commitTS
			if v.CommitTS == t.commitTS || between && !t.autocommit && !t.worksOn(mu.Key) {
				return fmt.Errorf("transaction %s committed %s at %s over %s", t.start, mu.Key, t.commitTS, versionLine(v))
			}
		}
		before := m.at(mu.Key, t.commitTS-1)
		present, ok := before.Op == mvcc.OpPut, true
		switch mu.Op {
		case mvcc.MutationInsert, mvcc.MutationCheckAbsent:
			ok = !present
		case mvcc.MutationCheckExists:
			ok = present
		case mvcc.MutationCheckValue:
			ok = present && bytes.Equal(before.Value, mu.Value)
		}
		if !ok {
			return fmt.Errorf("transaction %s committed at %s although %s %s did not hold", t.start, t.commitTS, mu.Op, mu.Key)
		}
	}
	return nil
}

// scan is what a scan must yield.
func (m *model) scan(span mvcc.Span, at timestamp.Timestamp, reverse bool) []mvcc.Version {
	var out []mvcc.Version
	for k := range m.versions {
		if v := m.at(k, at); v.Op == mvcc.OpPut && span.Contains(k) {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b mvcc.Version) int {
		if reverse {
			a, b = b, a
		}
		return cmp.Compare(a.Key, b.Key)
	})
	return out
}

// sameRead: deletes and absence are the same to a client, all the more once garbage is gone.
func sameRead(a, b mvcc.Version) bool {
	if a.Op != mvcc.OpPut || b.Op != mvcc.OpPut {
		return a.Op != mvcc.OpPut && b.Op != mvcc.OpPut
	}
	return a.Key == b.Key && a.CommitTS == b.CommitTS && bytes.Equal(a.Value, b.Value)
}
