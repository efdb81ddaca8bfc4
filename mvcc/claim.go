package mvcc

// ReasonTxnEnded is the reason of an *InvalidError: the transaction was sent to be committed.
const ReasonTxnEnded = "TXN_ENDED"

// Claim lays claims on keys of one shard (FOR UPDATE) and answers their newest versions. A
// claim is a row like any lock, so that it outlives its leader (P13). It keeps writes, checks
// and claims of others away and never blocks a read; a commit turns it into a mark.
//
// What is recorded of the transaction comes first, so that a late copy lays no ghost lock
// (S6); then its own locks: a claim that stands is a repeat, and answers again. One that names
// another primary is of a call whose answer was lost, before the transaction had a primary:
// the transaction is over. To let either take the other's place would hang a claim that was
// granted on a key that nobody keeps alive. Any lock of another is waited for, whatever it
// promises: the wait is known to the deadlock detector.
//
// Where the transaction has read at ReadTS (Fixed), a version or mark above it is a conflict:
// what was read and what is claimed would be of two snapshots (S5). Otherwise the caller
// moves ReadTS up to a timestamp drawn after the answer. A claim's minimum lies above the
// newest of its key, so that no commit with it lies beneath (S4).
//
// Errors: *TxnAbortedError, *InvalidError TXN_ENDED (what is recorded); *BelowSafepointError;
// *LockedError, *WriteConflictError (others). The request is laid as a whole or not at all.
func Claim(r Reader, a *ClaimArgs, l Leader) (Rows, ClaimResult, error) {
	for _, k := range a.Keys {
		if err := a.ended(r, k); err != nil {
			return Rows{}, ClaimResult{}, err
		}
	}
	if a.Start < l.Safepoint {
		return Rows{}, ClaimResult{}, &BelowSafepointError{TS: a.Start, Safepoint: l.Safepoint}
	}
	for _, k := range a.Keys {
		if lock, ok := r.Lock(k); ok && lock.StartTS != a.Start {
			return Rows{}, ClaimResult{}, &LockedError{Lock: lock}
		}
	}
	var rows Rows
	res := ClaimResult{Versions: make([]Version, 0, len(a.Keys))}
	for _, k := range a.Keys {
		current, err := a.lay(r, k, l, &rows)
		if err != nil {
			return Rows{}, ClaimResult{}, err
		}
		res.Versions = append(res.Versions, current)
	}
	return rows, res, nil
}

// ended says whether the transaction is over, or about to be, as far as k knows.
func (a *ClaimArgs) ended(r Reader, k Key) error {
	own, recorded, err := r.Own(k, a.Start)
	if err != nil {
		return err
	}
	if recorded && own.Decision != Committed {
		return &TxnAbortedError{StartTS: a.Start, Key: k}
	}
	lock, ok := r.Lock(k)
	stands := ok && lock.StartTS == a.Start
	if stands && lock.Kind == LockClaim && lock.Primary != a.Primary {
		return &TxnAbortedError{StartTS: a.Start, Key: k}
	}
	if recorded || stands && lock.Kind != LockClaim {
		return &InvalidError{Reason: ReasonTxnEnded, Key: k,
			What: "transaction " + a.Start.String() + " claims a key after its Commit was sent",
			Hint: "begin another transaction"}
	}
	return nil
}

// lay claims one key, which no other transaction holds, and reads it.
func (a *ClaimArgs) lay(r Reader, k Key, l Leader, rows *Rows) (Version, error) {
	newest, ok, err := r.Newest(k, 0)
	if err != nil {
		return Version{}, err
	}
	if ok && a.Fixed && newest.CommitTS > a.ReadTS {
		return Version{}, &WriteConflictError{Key: k, StartTS: a.Start, ConflictTS: newest.CommitTS, Final: true}
	}
	current, _, err := r.Current(k)
	if err != nil {
		return Version{}, err
	}
	if _, stands := r.Lock(k); stands {
		return current, nil
	}
	minCommitTS := max(a.Start, newest.CommitTS).Next()
	rows.Locks = append(rows.Locks, Lock{Key: k, StartTS: a.Start, Primary: a.Primary, Kind: LockClaim,
		MinCommitTS: minCommitTS, Expires: l.expires(minCommitTS, a.Expires)})
	return current, nil
}
