package mvcc

// commitAtOnce makes versions and marks instead of locks: one phase. The primary's row
// carries the digest and is the transaction's record. Where the primary was claimed there may
// be other claims, whose visitors will ask: then there is a record of its own beside it, for
// a version or mark goes as soon as the safepoint has passed it (S3).
func (p *prewrite) commitAtOnce() (Rows, PrewriteResult, error) {
	var rows Rows
	commitTS := p.minCommitTS()
	primary := false
	for i := range p.wants {
		w := &p.wants[i]
		var digest Digest
		if w.key == p.a.Primary {
			primary, digest = true, p.a.Digest
		}
		if w.key == p.a.Primary && w.claimed {
			rows.Records = append(rows.Records, Record{Key: w.key, StartTS: p.a.Start, Decision: Committed,
				CommitTS: commitTS, Digest: digest})
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
			Value: w.value, Digest: digest}
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

// readsHeld says whether what was read stays true at the commit timestamp once it was found
// to be: whoever writes a read key later commits above MaxRead, and so not below a timestamp
// that lies directly above it. MaxRead must not be carried further up, to a timestamp that
// was not issued: the next commit would be acknowledged above all that anybody can read at
// (S2). So where the newest version of a written key pushes the commit timestamp higher, the
// request lays locks, and the reads are validated at a timestamp of the oracle's.
func (p *prewrite) readsHeld() bool {
	return len(p.a.ReadKeys) == 0 || p.newest <= max(p.readTS, p.l.MaxRead, p.l.Closed)
}

// reads validates what a serializable transaction has read: it is what stands at the commit
// timestamp, too. Marks change no read. A write lock that commits above passes. What was read
// may be written as well: an atomic operation does not look at what it was before.
func (p *prewrite) reads() error {
	commitTS := p.minCommitTS()
	for _, k := range p.a.ReadKeys {
		lock, ok := p.r.Lock(k)
		if ok && lock.BlocksRead(commitTS, p.a.Start) {
			return &WriteConflictError{Key: k, StartTS: p.a.Start, ConflictTS: lock.MinCommitTS}
		}
		newest, ok, err := p.r.Newest(k, p.readTS)
		if err != nil {
			return err
		}
		if ok && newest.Op == OpMark { // it may hide a version
			newest, ok, err = p.r.Current(k)
		}
		if err != nil {
			return err
		}
		if ok && newest.CommitTS > p.readTS {
			return &WriteConflictError{Key: k, StartTS: p.a.Start, ConflictTS: newest.CommitTS, Final: true}
		}
	}
	return nil
}
