package mvcc

// Rollback removes the transaction's locks on keys of one shard and fences the keys: a
// prewrite that comes late finds the fence and lays no lock (P7). At the primary the fence
// is the record Aborted. Decisions are one-way: where a commit is recorded, nothing changes
// and the commit is the answer.
//
// Keys without the primary may be rolled back only once the primary's record says Aborted,
// for this shard does not know it; a met lock of another content than was decided excepted.
//
// The primary's lock of an asynchronous commit may have committed already. It is left alone,
// and with it all that was asked for, unless a key is known to be fenced (P2, S7): the answer
// is then what stands, and recovery decides.
//
// A lock of another content (digest) or of another primary is left alone: a decision applies
// to its own locks only (S7). A claim was laid before there was a content, and goes with any
// decision of its primary. The answer is the primary's state where the primary is among
// the keys. Below the safepoint a key without a lock needs no fence, for nothing is
// prewritten there; nor is an abort recorded then, for a commit's record may be gone (S10).
func Rollback(r Reader, a *RollbackArgs, l Leader) (Rows, TxnStatus, error) {
	status := TxnStatus{Decision: Aborted, Digest: a.Digest}
	var rows Rows
	for _, k := range a.Keys {
		own, recorded, err := r.Own(k, a.Start)
		if err != nil {
			return Rows{}, TxnStatus{}, err
		}
		if recorded && own.Decision == Committed && a.sameContent(own.Digest) {
			return Rows{}, decided(own), nil
		}
		if recorded {
			if k == a.Primary {
				status = decided(own)
			}
			continue
		}
		if lock, ok := r.Lock(k); ok && a.mayHaveCommitted(lock) {
			return Rows{}, standing(lock), nil
		}
		s := a.fence(r, k, l, &rows)
		if k == a.Primary {
			status = s
		}
	}
	return rows, status, nil
}

// fence rolls one undecided key back. The status returned is that of the key as a primary.
func (a *RollbackArgs) fence(r Reader, k Key, l Leader, rows *Rows) TxnStatus {
	record := Record{Key: k, StartTS: a.Start, Decision: Fenced, Digest: a.Digest}
	lock, ok := r.Lock(k)
	stands := ok && lock.StartTS == a.Start
	switch {
	case stands && !a.owns(lock):
		return standing(lock)
	case stands:
		record.Digest = lock.Digest
		rows.Unlocks = append(rows.Unlocks, Unlock{Key: k, StartTS: a.Start, Digest: lock.Digest})
	case a.Start < l.Safepoint:
		return TxnStatus{Expired: true}
	}
	if k == a.Primary {
		record.Decision = Aborted
	}
	rows.Records = append(rows.Records, record)
	return TxnStatus{Decision: Aborted, Digest: record.Digest}
}

// owns says whether the decision is of the standing lock's content. A claim's digest is zero,
// which stands for any.
func (a *RollbackArgs) owns(lock Lock) bool {
	return lock.Primary == a.Primary && a.sameContent(lock.Digest)
}

// mayHaveCommitted: all other locks of the asynchronous commit may stand.
func (a *RollbackArgs) mayHaveCommitted(lock Lock) bool {
	return lock.StartTS == a.Start && lock.Key == a.Primary && lock.Async && !a.Fenced && a.owns(lock)
}

// sameContent: a zero digest on either side stands for any content.
func (a *RollbackArgs) sameContent(d Digest) bool {
	return a.Digest == (Digest{}) || d == (Digest{}) || d == a.Digest
}
