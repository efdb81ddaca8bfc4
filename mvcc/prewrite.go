package mvcc

import (
	"bytes"

	"github.com/shaledb/shale/timestamp"
)

// Prewrite evaluates the first phase of a transaction on keys of one shard, or, with
// OnePhase, all of it.
//
// What is recorded of the transaction itself comes first: own outcome or fence, then own
// lock. So a repeat hears what the first copy heard, and a late copy lays no ghost lock.
// Then come the others: their locks, then versions and marks above Start, then the checks.
// The request is laid as a whole or refused as a whole.
//
// Where the result's CommitTS is set, the transaction is already committed. A request
// without the primary proves this of the id alone; that the content was the same is for the
// primary's answer to say. One phase where the transaction has a prewritten lock already
// becomes a plain prewrite: MinCommitTS is set, and the second phase must follow.
//
// Errors: *TxnAbortedError, *DigestMismatchError, *ExpiredError (what is recorded);
// *LockedError, *WriteConflictError (others); *AlreadyExistsError, *CheckFailedError. With
// one of the last two the caller must raise MaxRead to Start before it answers: the refusal
// is a read at Start, and a write below it would let a repeat of the refused Commit through.
func Prewrite(r Reader, a *PrewriteArgs, l Leader) (Rows, PrewriteResult, error) {
	p := prewrite{r: r, a: a, l: l, onePhase: a.OnePhase}
	p.group()
	if commitTS, err := p.recorded(); err != nil || commitTS != 0 {
		return Rows{}, PrewriteResult{CommitTS: commitTS}, err
	}
	if a.Start < l.Safepoint {
		return Rows{}, PrewriteResult{}, &ExpiredError{StartTS: a.Start, Safepoint: l.Safepoint}
	}
	if err := p.judge(); err != nil {
		return Rows{}, PrewriteResult{}, err
	}
	if p.onePhase {
		return p.commitAtOnce()
	}
	rows, minCommitTS := p.lay()
	return rows, PrewriteResult{MinCommitTS: minCommitTS}, nil
}

// prewrite is one evaluation of a PrewriteArgs, a method per step.
type prewrite struct {
	r        Reader
	a        *PrewriteArgs
	l        Leader
	wants    []want
	onePhase bool
	newest   timestamp.Timestamp // the newest commit timestamp met on the keys
}

// want is what the transaction wants of one key: a check, a write or both.
type want struct {
	key          Key
	check, write *Mutation
	own          Lock // the transaction's own lock, where one stands
	stands       bool // own is a prewritten lock: there is nothing left to do
	claimed      bool // own is a claim: the new lock takes its place
}

func (p *prewrite) group() {
	p.wants = make([]want, 0, len(p.a.Mutations))
	var at map[Key]int
	if len(p.a.Mutations) > 1 {
		at = make(map[Key]int, len(p.a.Mutations))
	}
	for i := range p.a.Mutations {
		m := &p.a.Mutations[i]
		n, ok := at[m.Key]
		if !ok {
			n = len(p.wants)
			if at != nil {
				at[m.Key] = n
			}
			p.wants = append(p.wants, want{key: m.Key})
		}
		if m.Op.Check() {
			p.wants[n].check = m
		} else {
			p.wants[n].write = m
		}
	}
}

// judge says whether the request may go through, as a whole.
func (p *prewrite) judge() error {
	if err := p.ownLocks(); err != nil {
		return err
	}
	if err := p.foreignLocks(); err != nil {
		return err
	}
	if err := p.conflicts(); err != nil {
		return err
	}
	return p.checks()
}

// recorded answers with the transaction's recorded fate, if any key knows it.
func (p *prewrite) recorded() (timestamp.Timestamp, error) {
	for i := range p.wants {
		w := &p.wants[i]
		own, ok, err := p.r.Own(w.key, p.a.Start)
		if err != nil {
			return 0, err
		}
		if !ok {
			continue
		}
		if p.foreignContent(w.key, own) {
			return 0, &DigestMismatchError{StartTS: p.a.Start, Key: w.key}
		}
		if own.Decision == Committed {
			return own.CommitTS, nil
		}
		return 0, &TxnAbortedError{StartTS: p.a.Start, Key: w.key}
	}
	return 0, nil
}

// foreignContent says whether the record is of another content under the same id. A
// committed primary always recorded its digest: one without was another content's
// secondary, unless the record was collected.
func (p *prewrite) foreignContent(k Key, own Record) bool {
	if own.Digest != (Digest{}) {
		return own.Digest != p.a.Digest
	}
	return own.Decision == Committed && k == p.a.Primary && p.a.Digest != (Digest{}) &&
		p.a.Start >= p.l.Safepoint
}

// ownLocks finds what an earlier copy of the request laid.
func (p *prewrite) ownLocks() error {
	for i := range p.wants {
		w := &p.wants[i]
		lock, ok := p.r.Lock(w.key)
		if !ok || lock.StartTS != p.a.Start {
			continue
		}
		w.own = lock
		if lock.Kind == LockClaim {
			w.claimed = true
			p.newest = max(p.newest, lock.MinCommitTS)
			continue
		}
		if lock.Digest != p.a.Digest {
			return &DigestMismatchError{StartTS: p.a.Start, Key: w.key}
		}
		// A prewritten lock's promise may be known elsewhere: another commit timestamp than
		// the one made of all locks is out of the question (S7).
		w.stands, p.onePhase = true, false
	}
	return nil
}

// foreignLocks refuses what others hold. A lock that will commit above Start conflicts in
// any case: waiting for it could only close a cycle that nobody detects (S23).
func (p *prewrite) foreignLocks() error {
	for i := range p.wants {
		w := &p.wants[i]
		lock, ok := p.r.Lock(w.key)
		if !ok || lock.StartTS == p.a.Start {
			continue
		}
		if lock.MinCommitTS > p.a.Start && !p.atNewest() {
			return &WriteConflictError{Key: w.key, StartTS: p.a.Start, ConflictTS: lock.MinCommitTS}
		}
		return &LockedError{Lock: lock}
	}
	return nil
}

// atNewest: nothing was read at Start, and the whole transaction is here.
func (p *prewrite) atNewest() bool { return p.onePhase && p.a.Autocommit }

// conflicts refuses what is newer than Start: versions, and marks, which are the committed
// checks of others (S6).
func (p *prewrite) conflicts() error {
	for i := range p.wants {
		w := &p.wants[i]
		if w.stands {
			continue
		}
		newest, ok, err := p.r.Newest(w.key, p.a.Start)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if !p.atNewest() {
			return &WriteConflictError{Key: w.key, StartTS: p.a.Start, ConflictTS: newest.CommitTS,
				Final: true}
		}
		p.newest = max(p.newest, newest.CommitTS)
	}
	return nil
}

// checks looks at the newest versions, under the latch that the lock will follow.
func (p *prewrite) checks() error {
	for i := range p.wants {
		w := &p.wants[i]
		inserts := w.write != nil && w.write.Op == MutationInsert
		if w.stands || (w.check == nil && !inserts) {
			continue
		}
		current, ok, err := p.r.Current(w.key)
		if err != nil {
			return err
		}
		present := ok && current.Op == OpPut
		if w.check != nil && !holds(w.check, present, current.Value) {
			return &CheckFailedError{Key: w.key, Op: w.check.Op}
		}
		if inserts && present {
			return &AlreadyExistsError{Key: w.key}
		}
	}
	return nil
}

func holds(check *Mutation, present bool, value []byte) bool {
	switch check.Op {
	case MutationCheckExists:
		return present
	case MutationCheckAbsent:
		return !present
	case MutationCheckValue:
		return present && bytes.Equal(value, check.Value)
	}
	return false
}

// lay makes the locks that do not stand yet.
func (p *prewrite) lay() (Rows, timestamp.Timestamp) {
	var rows Rows
	minCommitTS := p.l.MinCommitTS(p.a.Start, p.newest)
	answer := timestamp.Timestamp(0)
	for i := range p.wants {
		w := &p.wants[i]
		if w.stands {
			answer = max(answer, w.own.MinCommitTS)
			continue
		}
		answer = max(answer, minCommitTS)
		lock := Lock{Key: w.key, StartTS: p.a.Start, Primary: p.a.Primary, Kind: LockCheck,
			MinCommitTS: minCommitTS, Expires: lifetime(minCommitTS, p.a.Expires), Digest: p.a.Digest}
		if w.write != nil && w.write.Op == MutationDelete {
			lock.Kind = LockDelete
		} else if w.write != nil {
			lock.Kind, lock.Value = LockPut, w.write.Value
		}
		rows.Locks = append(rows.Locks, lock)
	}
	return rows, answer
}

// commitAtOnce makes versions and marks instead of locks: one phase. The primary's row
// carries the digest and is the transaction's record.
func (p *prewrite) commitAtOnce() (Rows, PrewriteResult, error) {
	var rows Rows
	commitTS := p.l.MinCommitTS(p.a.Start, p.newest)
	primary := false
	for i := range p.wants {
		w := &p.wants[i]
		var digest Digest
		if w.key == p.a.Primary {
			primary, digest = true, p.a.Digest
		}
		if w.claimed {
			rows.Unlocks = append(rows.Unlocks, Unlock{Key: w.key, StartTS: p.a.Start, Digest: w.own.Digest})
		}
		if w.write == nil {
			rows.Marks = append(rows.Marks,
				Mark{Key: w.key, CommitTS: commitTS, StartTS: p.a.Start, Digest: digest})
			continue
		}
		v := Version{Key: w.key, CommitTS: commitTS, StartTS: p.a.Start, Op: OpPut,
			Value: w.write.Value, Digest: digest}
		if w.write.Op == MutationDelete {
			v.Op, v.Value = OpDelete, nil
		}
		rows.Versions = append(rows.Versions, v)
	}
	if !primary {
		return Rows{}, PrewriteResult{}, &InvalidError{Reason: "PRIMARY_MISSING", Key: p.a.Primary,
			What: "a commit in one phase does not hold its primary key",
			Hint: "send the whole transaction, or two phases"}
	}
	return rows, PrewriteResult{CommitTS: commitTS}, nil
}
