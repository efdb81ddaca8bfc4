package mvcc

// Rollback removes the transaction's locks on keys of one shard and fences the keys: a
// prewrite that comes late finds the fence and lays no lock (P7). At the primary the fence
// is the record Aborted. Decisions are one-way: where a commit is recorded, nothing changes
// and the commit is the answer.
//
// Keys without the primary may be rolled back only once the primary's record says Aborted,
// for this shard does not know it; a met lock of another content than was decided excepted.
//
// A lock of another content (digest) or of another primary is left alone: a decision applies
// to its own locks only (S7). The answer is the primary's state where the primary is among
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
	case stands && (lock.Primary != a.Primary || !a.sameContent(lock.Digest)):
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

// sameContent: a zero digest on either side stands for any content.
func (a *RollbackArgs) sameContent(d Digest) bool {
	return a.Digest == (Digest{}) || d == (Digest{}) || d == a.Digest
}
