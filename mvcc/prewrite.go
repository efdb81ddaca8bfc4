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
// Then come the others: their locks, then versions and marks above ReadTS, then the checks
// and atomic operations. The request is laid as a whole or refused as a whole. A claim of the
// transaction's own gives way to the lock or version; where MutationClaim finds none, it was
// lost, and all is lost.
//
// Where the result's CommitTS is set, the transaction is already committed. A request
// without the primary proves this of the id alone; that the content was the same is for the
// primary's answer to say. One phase where the transaction has a prewritten lock already
// becomes a plain prewrite: MinCommitTS is set, and the second phase must follow. So does one
// phase with reads that cannot be held at its commit timestamp, see readsHeld.
//
// With ReadKeys the caller raises MaxRead to ReadTS, at least Start, before it evaluates.
//
// Errors: *TxnAbortedError, *DigestMismatchError, *ExpiredError (what is recorded);
// *LockedError, *WriteConflictError (others); *AlreadyExistsError, *CheckFailedError,
// *AtomicError. With *AlreadyExistsError and *CheckFailedError the caller must raise MaxRead
// to ReadTS before it answers: the refusal is a read there, and a write below it would let a
// repeat of the refused Commit through. No such thing holds a repeat of a refused atomic
// operation back: there the abort must be recorded at the primary before it is told.
func Prewrite(r Reader, a *PrewriteArgs, l Leader) (Rows, PrewriteResult, error) {
	p := prewrite{r: r, a: a, l: l, readTS: max(a.Start, a.ReadTS), onePhase: a.OnePhase}
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
		if err := p.reads(); err != nil {
			return Rows{}, PrewriteResult{}, err
		}
		if p.readsHeld() {
			return p.commitAtOnce()
		}
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
	readTS   timestamp.Timestamp
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
	value        []byte
}

// atomic says whether the key is only worked upon at its newest state: then nothing newer is
// a conflict, and any lock is waited for.
func (w *want) atomic() bool { return w.check == nil && w.write != nil && w.write.Op.Atomic() }

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
			p.wants[n].write, p.wants[n].value = m, m.Value
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

// recorded answers with the transaction's recorded fate, if any key knows it. Where the primary
// is among the keys, its record must be there too: a key that is committed while nothing is
// recorded at the primary was committed under another primary, with another content (S7).
func (p *prewrite) recorded() (commitTS timestamp.Timestamp, err error) {
	var at Key
	unrecorded := false
	for i := range p.wants {
		w := &p.wants[i]
		own, ok, err := p.r.Own(w.key, p.a.Start)
		switch {
		case err != nil:
			return 0, err
		case !ok:
			unrecorded = unrecorded || w.key == p.a.Primary
			continue
		case p.foreignContent(w.key, own):
			return 0, &DigestMismatchError{StartTS: p.a.Start, Key: w.key}
		case own.Decision != Committed:
			return 0, &TxnAbortedError{StartTS: p.a.Start, Key: w.key}
		case commitTS == 0:
			commitTS, at = own.CommitTS, w.key
		}
	}
	if commitTS != 0 && unrecorded && p.a.Start >= p.l.Safepoint {
		return 0, &DigestMismatchError{StartTS: p.a.Start, Key: at}
	}
	return commitTS, nil
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
		own := ok && lock.StartTS == p.a.Start
		if w.check != nil && w.check.Op == MutationClaim && (!own || lock.Primary != p.a.Primary) {
			return &TxnAbortedError{StartTS: p.a.Start, Key: w.key}
		}
		if !own {
			continue
		}
		w.own = lock
		if lock.Kind == LockClaim {
			w.claimed = true
			p.newest = max(p.newest, lock.MinCommitTS)
			continue
		}
		if lock.Digest != p.a.Digest || lock.Primary != p.a.Primary || lock.Async != p.a.Async {
			return &DigestMismatchError{StartTS: p.a.Start, Key: w.key}
		}
		// A prewritten lock's promise may be known elsewhere: another commit timestamp than
		// the one made of all locks is out of the question (S7).
		w.stands, p.onePhase = true, false
	}
	return nil
}

// foreignLocks refuses what others hold. A lock that will commit above ReadTS conflicts in
// any case: waiting for it could only close a cycle (S23). An atomic operation waits.
func (p *prewrite) foreignLocks() error {
	for i := range p.wants {
		w := &p.wants[i]
		lock, ok := p.r.Lock(w.key)
		if !ok || lock.StartTS == p.a.Start {
			continue
		}
		if lock.MinCommitTS > p.readTS && !p.atNewest() && !w.atomic() {
			return &WriteConflictError{Key: w.key, StartTS: p.a.Start, ConflictTS: lock.MinCommitTS}
		}
		return &LockedError{Lock: lock}
	}
	return nil
}

// atNewest: nothing was read at Start, and the whole transaction is here.
func (p *prewrite) atNewest() bool { return p.onePhase && p.a.Autocommit }

// conflicts refuses what is newer than ReadTS: versions, and marks, which are the committed
// checks of others (S6). Claimed keys are no exception: the claim keeps away what comes after
// it, and ReadTS lies above what it read (P12).
func (p *prewrite) conflicts() error {
	for i := range p.wants {
		w := &p.wants[i]
		if w.stands {
			continue
		}
		newest, ok, err := p.r.Newest(w.key, p.readTS)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if !p.atNewest() && !w.atomic() {
			return &WriteConflictError{Key: w.key, StartTS: p.a.Start, ConflictTS: newest.CommitTS,
				Final: true}
		}
		p.newest = max(p.newest, newest.CommitTS)
	}
	return nil
}

// checks looks at the newest versions, under the latch that the lock will follow, and works
// on them where the operation is atomic.
func (p *prewrite) checks() error {
	for i := range p.wants {
		w := &p.wants[i]
		inserts := w.write != nil && w.write.Op == MutationInsert
		works := w.write != nil && w.write.Op.Atomic()
		if w.stands || w.check == nil && !inserts && !works {
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
		if works {
			if w.value, err = ApplyAtomic(w.key, w.write.Op, current.Value, present, w.write.Value); err != nil {
				return err
			}
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
	case MutationClaim:
		return true
	}
	return false
}

// minCommitTS is the least timestamp at which the transaction may commit here.
func (p *prewrite) minCommitTS() timestamp.Timestamp { return p.l.MinCommitTS(p.readTS, p.newest) }

// lay makes the locks that do not stand yet.
func (p *prewrite) lay() (Rows, timestamp.Timestamp) {
	var rows Rows
	minCommitTS := p.minCommitTS()
	answer := timestamp.Timestamp(0)
	for i := range p.wants {
		w := &p.wants[i]
		if w.stands {
			answer = max(answer, w.own.MinCommitTS)
			continue
		}
		answer = max(answer, minCommitTS)
		lock := Lock{Key: w.key, StartTS: p.a.Start, Primary: p.a.Primary, Kind: LockCheck,
			MinCommitTS: minCommitTS, Expires: max(p.l.expires(minCommitTS, p.a.Expires), w.own.Expires),
			Digest: p.a.Digest, Async: p.a.Async}
		if p.a.Async && w.key == p.a.Primary {
			lock.Secondaries = p.a.Secondaries
		}
		if w.write != nil && w.write.Op == MutationDelete {
			lock.Kind = LockDelete
		} else if w.write != nil {
			lock.Kind, lock.Value = LockPut, w.value
		}
		rows.Locks = append(rows.Locks, lock)
	}
	return rows, answer
}
