package mvcc

// Commit evaluates the second phase on keys of one shard: standing locks become versions and
// marks at CommitTS. Where the primary is among the keys this is the commit point: the
// record is what everybody will be told; of an asynchronous commit it says what was true
// before, and still must be there before any other lock leaves (S7).
//
// Claims among the keys become marks, whatever content was committed: what was claimed stays
// as it was read up to the commit (S6).
//
// A key whose lock was turned before is passed over; so repeats change nothing, and the
// result is the recorded timestamp. Errors: *TxnAbortedError where a key was rolled back or
// never locked (*ExpiredError below the safepoint, where nobody can tell any more, S10),
// *DigestMismatchError where the lock is of another content. With an error nothing changes.
func Commit(r Reader, a *CommitArgs, l Leader) (Rows, CommitResult, error) {
	var rows Rows
	res := CommitResult{CommitTS: a.CommitTS}
	for _, k := range a.Keys {
		own, recorded, err := r.Own(k, a.Start)
		if err != nil {
			return Rows{}, CommitResult{}, err
		}
		if recorded {
			if err := a.repeated(k, own); err != nil {
				return Rows{}, CommitResult{}, err
			}
			res.CommitTS = own.CommitTS
			continue
		}
		if err := a.turn(r, k, l, &rows); err != nil {
			return Rows{}, CommitResult{}, err
		}
	}
	if res.CommitTS != a.CommitTS && !rows.Empty() {
		// Some keys were committed at another timestamp: one transaction has one.
		return Rows{}, CommitResult{}, a.invalid("another commit timestamp is recorded")
	}
	return rows, res, nil
}

// repeated judges a key whose fate is recorded.
func (a *CommitArgs) repeated(k Key, own Record) error {
	if own.Digest != (Digest{}) && own.Digest != a.Digest {
		return &DigestMismatchError{StartTS: a.Start, Key: k}
	}
	if own.Decision != Committed {
		return &TxnAbortedError{StartTS: a.Start, Key: k}
	}
	return nil
}

// turn makes the lock on k a version or mark, and the primary's a record beside it.
func (a *CommitArgs) turn(r Reader, k Key, l Leader, rows *Rows) error {
	lock, ok := r.Lock(k)
	switch {
	case (!ok || lock.StartTS != a.Start) && a.Start < l.Safepoint:
		return &ExpiredError{StartTS: a.Start, Safepoint: l.Safepoint}
	case !ok || lock.StartTS != a.Start:
		return &TxnAbortedError{StartTS: a.Start, Key: k}
	case lock.Kind == LockClaim && k == a.Primary:
		return &InvalidError{Reason: "NOT_PREWRITTEN", Key: k, What: "a commit's primary is only claimed",
			Hint: "prewrite all keys first"}
	case lock.Kind == LockClaim: // it promised nothing to readers: any timestamp will do
		rows.Turns = append(rows.Turns,
			Turn{Key: k, StartTS: a.Start, Digest: lock.Digest, CommitTS: a.CommitTS})
		return nil
	case lock.Digest != a.Digest:
		return &DigestMismatchError{StartTS: a.Start, Key: k}
	case a.CommitTS < lock.MinCommitTS:
		return a.invalid("the commit timestamp lies below what a lock promised to readers")
	}
	rows.Turns = append(rows.Turns,
		Turn{Key: k, StartTS: a.Start, Digest: a.Digest, CommitTS: a.CommitTS})
	if k == a.Primary {
		rows.Records = append(rows.Records, Record{Key: k, StartTS: a.Start, Decision: Committed,
			CommitTS: a.CommitTS, Digest: a.Digest})
	}
	return nil
}

func (a *CommitArgs) invalid(what string) error {
	return &InvalidError{Reason: "COMMIT_TIMESTAMP", Key: a.Primary, What: what,
		Hint: "commit at the largest minimum that the prewrites answered"}
}
