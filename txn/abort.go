package txn

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// aborted says whether err is a definite abort: the transaction never commits, and its body
// may be run again.
func aborted(err error) bool {
	var conflict *mvcc.WriteConflictError
	var gone *mvcc.TxnAbortedError
	var deadlock *mvcc.DeadlockError
	return errors.As(err, &conflict) || errors.As(err, &gone) || errors.As(err, &deadlock)
}

// refused answers for a commit that did not go through. "Aborted" is said only where no copy
// of this Commit can get through any more: for a version above its start, or because the
// primary's record says so, which is written here if need be. For a duplicate may be ahead of
// this one, and its commit then is the answer (S7).
func (t *commit) refused(ctx context.Context, err error) (timestamp.Timestamp, error) {
	var exists *mvcc.AlreadyExistsError
	var check *mvcc.CheckFailedError
	var atomic *mvcc.AtomicError
	var mismatch *mvcc.DigestMismatchError
	switch {
	case t.final(err), errors.As(err, &exists), errors.As(err, &check):
		t.release(ctx, t.main)
		return 0, err
	case aborted(err), errors.As(err, &atomic): // the value may become an integer again
		return t.abort(ctx, err)
	case errors.As(err, &mismatch):
		t.release(ctx, "")
		return 0, err
	}
	// Nothing is decided: a shard is away or overloaded, or the caller has gone. Whatever stands
	// of it expires, or the same Commit goes on from there; a copy may be doing so now, and its
	// locks are the same ones (S7).
	if ctx.Err() != nil && t.spread {
		t.giveUp()
	}
	if t.maybe {
		return 0, &mvcc.UndeterminedError{StartTS: t.tx.Start, Primary: t.main, Cause: err}
	}
	return 0, err
}

// giveUp decides a commit whose caller has gone, behind: others would wait for its locks until
// they expire. It is committed where that is what its locks say, and aborted otherwise; a
// caller who comes back with the same Commit hears which.
func (t *commit) giveUp() {
	behind := *t
	t.c.spawnBehind("give up", func(ctx context.Context) {
		_, _ = behind.abort(ctx, &mvcc.TxnAbortedError{StartTS: t.tx.Start, Key: t.main})
	})
}

// final says whether a conflict holds for every copy of this Commit. One of reads does not: a
// copy may have validated them before the version was there.
func (t *commit) final(err error) bool {
	var conflict *mvcc.WriteConflictError
	return errors.As(err, &conflict) && conflict.Final && !validated(&t.content)
}

// abort has the primary's shard decide, and answers what it decided. Where the primary holds
// an asynchronous lock, all locks may stand, and the transaction be committed: recovery finds
// that out, and fences what is missing (P2, S7).
func (t *commit) abort(ctx context.Context, cause error) (timestamp.Timestamp, error) {
	status, err := t.c.rollback(ctx, t.tx.Start, t.main, t.digest)
	if err != nil {
		if t.maybe {
			return 0, &mvcc.UndeterminedError{StartTS: t.tx.Start, Primary: t.main, Cause: err}
		}
		return 0, err
	}
	switch {
	case status.Decision == mvcc.Committed && status.Digest != t.digest:
		return 0, &mvcc.DigestMismatchError{StartTS: t.tx.Start, Key: t.main}
	case status.Decision == mvcc.Committed:
		t.commitTS = status.CommitTS
		t.c.spawnBehind("turn", t.turn)
		return t.told(ctx)
	case status.Expired:
		return 0, &mvcc.ExpiredError{StartTS: t.tx.Start}
	case status.Decision != mvcc.Aborted:
		return 0, &mvcc.DigestMismatchError{StartTS: t.tx.Start, Key: t.main}
	}
	t.release(ctx, t.main)
	return 0, cause
}

// release removes the locks that this run has laid, or may have, behind the caller's back. The
// primary goes first, by itself: its record is what everybody else goes by. It is left out
// where the id belongs to another content, whose primary it may be; then only what is known
// to be this content's goes. Fenced is true: whoever comes here knows that one key at least is
// never locked, or that the abort is recorded.
func (t *commit) release(ctx context.Context, primary mvcc.Key) {
	keys := t.laid
	if primary != "" {
		if t.spread {
			keys = t.keys()
		}
		if keys = t.claimsAnd(keys); t.tx.Primary != "" && !slices.Contains(keys, t.main) {
			keys = append(keys, t.main)
		}
	}
	if len(keys) == 0 {
		return
	}
	t.c.spawnBehind("roll back", func(ctx context.Context) {
		if primary != "" {
			status, err := t.c.status(ctx, primary, &mvcc.RollbackArgs{Start: t.tx.Start, Primary: primary,
				Keys: []mvcc.Key{primary}, Digest: t.digest, Fenced: true})
			if err != nil || status.Decision != mvcc.Aborted {
				return // expiry and visitors do it
			}
		}
		t.c.each(ctx, keys, func(keys []mvcc.Key) routing.Request {
			return &mvcc.RollbackArgs{Start: t.tx.Start, Primary: t.main, Keys: keys, Digest: t.digest}
		})
	})
}

// Rollback decides a transaction to be aborted, unless it is committed already, and answers
// what was decided. The claims listed are freed, its other locks removed by whoever meets
// them. It may be repeated.
func (c *Coordinator) Rollback(ctx context.Context, tx Transaction) (mvcc.TxnStatus, error) {
	if err := mvcc.ValidateKey(tx.Primary); err != nil {
		return mvcc.TxnStatus{}, err
	}
	status, err := c.rollback(ctx, tx.Start, tx.Primary, mvcc.Digest{})
	if err == nil && status.Decision == mvcc.Committed {
		_, err = c.disclose(ctx, status.CommitTS)
	}
	if err != nil {
		return mvcc.TxnStatus{}, err
	}
	if status.Decision == mvcc.Aborted && len(tx.Claims) > 0 {
		c.spawnBehind("roll back", func(ctx context.Context) {
			c.each(ctx, tx.Claims, func(keys []mvcc.Key) routing.Request {
				return &mvcc.RollbackArgs{Start: tx.Start, Primary: tx.Primary, Keys: keys}
			})
		})
	}
	return *status, nil
}

// rollback has the primary's shard decide; with an asynchronous lock standing there, recovery.
func (c *Coordinator) rollback(ctx context.Context, start timestamp.Timestamp, primary mvcc.Key, digest mvcc.Digest) (*mvcc.TxnStatus, error) {
	p := c.patience()
	for {
		status, err := c.status(ctx, primary, &mvcc.RollbackArgs{Start: start, Primary: primary,
			Keys: []mvcc.Key{primary}, Digest: digest})
		if err != nil || status.Decision != mvcc.Undecided || !status.Async {
			return status, err
		}
		if digest != (mvcc.Digest{}) && status.Digest != digest {
			return status, nil
		}
		decided, err := c.recover(ctx, start, primary, status, true)
		if err != nil || decided != nil {
			return decided, err
		}
		if err := p.goOn(ctx); err != nil {
			return nil, err
		}
	}
}

// Outcome says what became of a transaction: what is recorded, or that it is committed by its
// locks alone. It decides nothing.
func (c *Coordinator) Outcome(ctx context.Context, start timestamp.Timestamp, primary mvcc.Key) (mvcc.TxnStatus, error) {
	if err := mvcc.ValidateKey(primary); err != nil {
		return mvcc.TxnStatus{}, err
	}
	status, err := c.status(ctx, primary, &mvcc.OutcomeArgs{Start: start, Primary: primary})
	if err == nil && status.Decision == mvcc.Undecided && status.Async {
		status, err = c.committed(ctx, start, primary, status)
	}
	if err == nil && status.Decision == mvcc.Committed {
		_, err = c.disclose(ctx, status.CommitTS)
	}
	if err != nil {
		return mvcc.TxnStatus{}, err
	}
	return *status, nil
}

// status sends a request whose answer is a transaction's status to the primary's shard.
func (c *Coordinator) status(ctx context.Context, primary mvcc.Key, req routing.Request) (*mvcc.TxnStatus, error) {
	res, err := c.one(ctx, primary, req)
	if err != nil {
		return nil, err
	}
	status, ok := res.(*mvcc.TxnStatus)
	if !ok {
		return nil, fmt.Errorf("a shard answered %T with %T", req, res)
	}
	return status, nil
}
