package mvcc

// Outcome tells what is recorded of a transaction at its primary. It decides nothing and
// changes nothing.
func Outcome(r Reader, a *OutcomeArgs, l Leader) (TxnStatus, error) {
	own, recorded, err := r.Own(a.Primary, a.Start)
	if err != nil {
		return TxnStatus{}, err
	}
	if recorded {
		return decided(own), nil
	}
	if lock, ok := r.Lock(a.Primary); ok && lock.StartTS == a.Start {
		return standing(lock), nil
	}
	return TxnStatus{Expired: a.Start < l.Safepoint}, nil
}

// decided is the status that a record gives. A fence at the primary aborts: the primary's
// lock can never be laid.
func decided(own Record) TxnStatus {
	if own.Decision == Committed {
		return TxnStatus{Decision: Committed, CommitTS: own.CommitTS, Digest: own.Digest}
	}
	return TxnStatus{Decision: Aborted, Digest: own.Digest}
}

// standing is the status while the primary's lock stands. A claim has no digest: what the
// transaction will be is not known yet. Only the primary's own lock says what an asynchronous
// commit consists of.
func standing(lock Lock) TxnStatus {
	status := TxnStatus{Locked: true, Expires: lock.Expires, Digest: lock.Digest}
	if lock.Async && lock.Key == lock.Primary {
		status.Async, status.Secondaries, status.MinCommitTS = true, lock.Secondaries, lock.MinCommitTS
	}
	return status
}
