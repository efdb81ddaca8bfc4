package txn

import (
	"context"
	"errors"
	"fmt"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// aborted says whether err is a definite abort: the transaction never commits, and its body
// may be run again.
func aborted(err error) bool {
	var conflict *mvcc.WriteConflictError
	var gone *mvcc.TxnAbortedError
	return errors.As(err, &conflict) || errors.As(err, &gone)
}

// refused answers for a commit that did not go through. "Aborted" is said only where no copy
// of this Commit can get through any more: for a version above its start, or because the
// primary's record says so, which is written here if need be. For a duplicate may be ahead of
// this one, and its commit then is the answer (S7).
func (t *commit) refused(ctx context.Context, err error) (timestamp.Timestamp, error) {
	var conflict *mvcc.WriteConflictError
	var gone *mvcc.TxnAbortedError
	var exists *mvcc.AlreadyExistsError
	var check *mvcc.CheckFailedError
	var mismatch *mvcc.DigestMismatchError
	switch {
	case errors.As(err, &conflict) && conflict.Final, errors.As(err, &exists), errors.As(err, &check):
		t.release(ctx, t.primary())
		return 0, err
	case errors.As(err, &conflict), errors.As(err, &gone):
		return t.abort(ctx, err)
	case errors.As(err, &mismatch):
		t.release(ctx, "")
		return 0, err
	case t.maybe:
		return 0, &mvcc.UndeterminedError{StartTS: t.start, Primary: t.primary(), Cause: err}
	}
	// Nothing is decided: a shard is away or overloaded, or the caller has gone. Whatever stands
	// of it expires, or the same Commit goes on from there; a copy may be doing so now, and its
	// locks are the same ones (S7).
	return 0, err
}

// abort has the primary's shard decide, and answers what it decided.
func (t *commit) abort(ctx context.Context, cause error) (timestamp.Timestamp, error) {
	status, err := t.c.status(ctx, t.primary(), &mvcc.RollbackArgs{Start: t.start, Primary: t.primary(),
		Keys: []mvcc.Key{t.primary()}, Digest: t.digest})
	if err != nil {
		if t.maybe {
			return 0, &mvcc.UndeterminedError{StartTS: t.start, Primary: t.primary(), Cause: err}
		}
		return 0, err
	}
	switch {
	case status.Decision == mvcc.Committed && status.Digest != t.digest:
		return 0, &mvcc.DigestMismatchError{StartTS: t.start, Key: t.primary()}
	case status.Decision == mvcc.Committed:
		t.commitTS = status.CommitTS
		t.c.spawnBehind("commit secondaries", t.turn)
		return t.told(ctx)
	case status.Expired:
		return 0, &mvcc.ExpiredError{StartTS: t.start}
	case status.Decision != mvcc.Aborted:
		return 0, &mvcc.DigestMismatchError{StartTS: t.start, Key: t.primary()}
	}
	t.release(ctx, t.primary())
	return 0, cause
}

// release removes the locks that this run has laid, or may have, behind the caller's back. The
// primary goes first, by itself: its record is what everybody else goes by. It is left out
// where the id belongs to another content, whose primary it may be; then only what is known
// to be this content's goes.
func (t *commit) release(ctx context.Context, primary mvcc.Key) {
	keys := t.laid
	if t.spread && primary != "" {
		keys = t.keys()
	}
	if len(keys) == 0 {
		return
	}
	t.c.spawnBehind("roll back", func(ctx context.Context) {
		if primary != "" {
			status, err := t.c.status(ctx, primary, &mvcc.RollbackArgs{Start: t.start, Primary: primary,
				Keys: []mvcc.Key{primary}, Digest: t.digest})
			if err != nil || status.Decision != mvcc.Aborted {
				return // expiry and visitors do it
			}
		}
		t.c.each(ctx, keys, func(keys []mvcc.Key) routing.Request {
			return &mvcc.RollbackArgs{Start: t.start, Primary: t.primary(), Keys: keys, Digest: t.digest}
		})
	})
}

// Rollback decides a transaction to be aborted, unless it is committed already, and answers
// what was decided. Its other locks are removed by whoever meets them. It may be repeated.
func (c *Coordinator) Rollback(ctx context.Context, start timestamp.Timestamp, primary mvcc.Key) (mvcc.TxnStatus, error) {
	if err := mvcc.ValidateKey(primary); err != nil {
		return mvcc.TxnStatus{}, err
	}
	return c.disclosed(ctx, primary, &mvcc.RollbackArgs{Start: start, Primary: primary, Keys: []mvcc.Key{primary}})
}

// Outcome says what is recorded of a transaction. It decides nothing.
func (c *Coordinator) Outcome(ctx context.Context, start timestamp.Timestamp, primary mvcc.Key) (mvcc.TxnStatus, error) {
	if err := mvcc.ValidateKey(primary); err != nil {
		return mvcc.TxnStatus{}, err
	}
	return c.disclosed(ctx, primary, &mvcc.OutcomeArgs{Start: start, Primary: primary})
}

// disclosed is a status whose commit timestamp may be told.
func (c *Coordinator) disclosed(ctx context.Context, primary mvcc.Key, req routing.Request) (mvcc.TxnStatus, error) {
	status, err := c.status(ctx, primary, req)
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
