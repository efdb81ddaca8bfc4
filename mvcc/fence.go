package mvcc

// Fence looks at keys of an asynchronous commit on behalf of a visitor who was told by the
// primary's shard that the primary's lock stands. All keys of the transaction stand: it is
// committed. With Fence, which is asked for only once the primary's time is over, what does
// not stand never will: then it never was committed, and the primary may be rolled back.
//
// A lock that stands stays: only the primary's decision removes it. A claim, or a lock of
// another content that names the same primary, is no lock of this commit and goes: with this
// content's lock on the primary that other content cannot commit. One that names another
// primary is left alone, for it may be committed there; its key is as good as fenced for this
// content, which can never lock it (S7).
//
// CommitTS says that a key is a version already: the primary was decided meanwhile, and is to
// be asked again. Should it still stand undecided, the version is another content's.
func Fence(r Reader, a *FenceArgs, l Leader) (Rows, FenceResult, error) {
	var rows Rows
	var res FenceResult
	for _, k := range a.Keys {
		own, recorded, err := r.Own(k, a.Start)
		if err != nil {
			return Rows{}, FenceResult{}, err
		}
		switch {
		case !recorded:
			a.look(r, k, l, &rows, &res)
		case own.Decision == Committed && (own.Digest == (Digest{}) || own.Digest == a.Digest):
			res.CommitTS = own.CommitTS
		default:
			res.Fenced = true
		}
	}
	return rows, res, nil
}

// look judges a key of which nothing is recorded.
func (a *FenceArgs) look(r Reader, k Key, l Leader, rows *Rows, res *FenceResult) {
	lock, ok := r.Lock(k)
	own := ok && lock.StartTS == a.Start
	switch {
	case own && lock.Digest == a.Digest && lock.Primary == a.Primary && lock.Kind != LockClaim:
		res.MinCommitTS = max(res.MinCommitTS, lock.MinCommitTS)
		return
	case own && lock.Primary != a.Primary && lock.Kind != LockClaim:
		res.Fenced = true
		return
	case a.Start < l.Safepoint: // nothing is prewritten there
		res.Fenced = true
		return
	case !a.Fence:
		res.Missing = append(res.Missing, k)
		return
	}
	if own {
		rows.Unlocks = append(rows.Unlocks, Unlock{Key: k, StartTS: a.Start, Digest: lock.Digest})
	}
	rows.Records = append(rows.Records, Record{Key: k, StartTS: a.Start, Decision: Fenced, Digest: a.Digest})
	res.Fenced = true
}
