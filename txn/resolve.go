package txn

import (
	"context"
	"errors"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// resolveAll gets locks of others out of the way, one after the other: when it returns nil
// they are decided and turned. A transaction that is alive is waited for.
func (c *Coordinator) resolveAll(ctx context.Context, locks []mvcc.Lock) error {
	for _, l := range locks {
		if err := c.resolve(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// resolve asks the met lock's primary what became of its transaction, and turns the lock
// accordingly. The primary's shard alone judges, by oracle time (P9); the visitor brings a
// timestamp drawn after it met the lock. While the transaction is alive the question waits
// there: until it is decided or its time is over. Nobody polls (S8). An asynchronous commit
// may be decided by its locks alone: they are looked at first.
func (c *Coordinator) resolve(ctx context.Context, l mvcc.Lock) (err error) {
	ctx, span := spanIn(ctx, "resolve")
	defer func() { endSpan(span, err) }()
	p := c.patience()
	for wait := !l.Async; ; wait = true {
		now, err := c.Now(ctx)
		if err != nil {
			return err
		}
		status, err := c.status(ctx, l.Primary, &mvcc.CheckTxnArgs{Start: l.StartTS, Primary: l.Primary, Now: now,
			MetExpires: l.Expires, Wait: wait})
		if err != nil {
			return err
		}
		if status.Async && status.Decision == mvcc.Undecided && decides(l, status) {
			decided, err := c.recover(ctx, l.StartTS, l.Primary, status, now >= status.Expires)
			if err != nil {
				return err
			}
			if decided != nil {
				status = decided
			}
		}
		if turn := verdict(l, status); turn != nil {
			_, err := c.one(ctx, l.Key, turn)
			return c.turned(l, err)
		}
		if err := p.pause(ctx, alive(l, status)); err != nil {
			return err
		}
	}
}

// turned forgives that a claim has meanwhile become a lock of its transaction's content.
func (c *Coordinator) turned(l mvcc.Lock, err error) error {
	var mismatch *mvcc.DigestMismatchError
	if l.Kind == mvcc.LockClaim && errors.As(err, &mismatch) {
		return nil
	}
	return err
}

// alive says why nothing can be done about a lock yet.
func alive(l mvcc.Lock, status *mvcc.TxnStatus) error {
	if status.Expired {
		return &routing.UnavailableError{Why: "the records of transaction " + l.StartTS.String() +
			" are gone, but its lock on " + mvcc.FormatKey(l.Key) + " stands"}
	}
	return &routing.UnavailableError{Why: "transaction " + l.StartTS.String() + " holds a lock on " +
		mvcc.FormatKey(l.Key) + " and is alive"}
}

// decides says whether the status is of the content that the met lock is of. A claim is laid
// before there is a content, and a primary that is claimed only has none yet.
func decides(l mvcc.Lock, status *mvcc.TxnStatus) bool {
	return status.Digest == l.Digest || l.Kind == mvcc.LockClaim || (status.Locked && status.Digest == mvcc.Digest{})
}

// verdict is what to do to a met lock, nil while its transaction is undecided. A lock of
// another content than was decided, or than holds the primary, is rolled back whatever the
// decision: no decision will ever be its own (S7).
func verdict(l mvcc.Lock, status *mvcc.TxnStatus) routing.Request {
	same := decides(l, status)
	switch {
	case status.Decision == mvcc.Committed && same:
		return &mvcc.CommitArgs{Start: l.StartTS, CommitTS: status.CommitTS, Primary: l.Primary,
			Keys: []mvcc.Key{l.Key}, Digest: status.Digest}
	case status.Decision == mvcc.Undecided && (!status.Locked || same):
		return nil
	}
	return &mvcc.RollbackArgs{Start: l.StartTS, Primary: l.Primary, Keys: []mvcc.Key{l.Key}, Digest: l.Digest}
}

// Resolve resolves locks whose time is over, behind the caller's back: leaders hand over what
// they find in their sweeps, so that no lock waits for a visitor. What finds no room is found
// again by the next sweep.
func (c *Coordinator) Resolve(locks []mvcc.Lock) {
	for _, l := range locks {
		c.resolveBehind(l)
	}
}

// resolveBehind resolves a lock in a task of its own, so that none that cannot be decided yet
// delays another. One task for each lock is enough.
func (c *Coordinator) resolveBehind(l mvcc.Lock) {
	if !c.resolving.begin(l) {
		return
	}
	if !c.spawnBehind("resolve", func(ctx context.Context) {
		defer c.resolving.end(l)
		_ = c.resolve(ctx, l) // who handed it over does so again
	}) {
		c.resolving.end(l)
	}
}
