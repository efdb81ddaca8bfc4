package mvcctest

import (
	"bytes"
	"cmp"
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
	primary              mvcc.Key
	mutations            []mvcc.Mutation
	digest               mvcc.Digest
	expires              timestamp.Timestamp
	onePhase, autocommit bool

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
		m.versions[mu.Key] = append(m.versions[mu.Key], v)
	}
	return nil
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
		if err := m.checkTxn(t); err != nil {
			return err
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
			if v.CommitTS == t.commitTS || v.CommitTS > t.start && v.CommitTS < t.commitTS && !t.autocommit {
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
