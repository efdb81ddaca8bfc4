package mvcc

// CheckTxn judges a transaction at its primary on behalf of a visitor that met one of its
// locks. The primary's shard alone judges, by oracle time, so that everybody hears the same
// (P9): what is recorded; else alive, while the primary's lock has time left; else it is
// aborted, here and for ever.
//
// An asynchronous commit is different: while the primary's lock stands, it may be committed
// by its locks alone, and is never aborted here, neither past its expiry nor by force (P2).
// The status lists the other keys: the visitor looks at them (Fence) and then has the commit
// or the abort recorded. A claim is not asynchronous; its transaction is aborted in time.
//
// Where the primary is not locked (yet: the prewrites go out in parallel, S8) it is fenced
// only past the met lock's own expiry. Where the key holds the lock of another primary of
// the same id, nothing is decided: the status shows that lock's digest, and the visitor
// rolls the lock that it met back.
//
// The caller compares digests: a met lock of another digest than the status has is rolled
// back, whatever the decision. A Committed status without a digest is of a key that was not
// the committed content's primary.
func CheckTxn(r Reader, a *CheckTxnArgs, l Leader) (Rows, TxnStatus, error) {
	own, recorded, err := r.Own(a.Primary, a.Start)
	if err != nil {
		return Rows{}, TxnStatus{}, err
	}
	if recorded {
		return Rows{}, decided(own), nil
	}
	abort := Record{Key: a.Primary, StartTS: a.Start, Decision: Aborted}
	lock, ok := r.Lock(a.Primary)
	stands := ok && lock.StartTS == a.Start
	switch {
	case stands && lock.Primary != a.Primary:
		return Rows{}, standing(lock), nil
	case stands && (lock.Async || a.Now < lock.Expires && !a.Force):
		return Rows{}, standing(lock), nil
	case stands:
		abort.Digest = lock.Digest
		return Rows{
			Unlocks: []Unlock{{Key: a.Primary, StartTS: a.Start, Digest: lock.Digest}},
			Records: []Record{abort},
		}, TxnStatus{Decision: Aborted, Digest: lock.Digest}, nil
	case a.Start < l.Collected:
		return Rows{}, TxnStatus{Expired: true}, nil
	case a.Now < a.MetExpires && !a.Force:
		return Rows{}, TxnStatus{Expires: a.MetExpires}, nil
	}
	return Rows{Records: []Record{abort}}, TxnStatus{Decision: Aborted}, nil
}
