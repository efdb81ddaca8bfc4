package txn

import (
	"context"

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
// there: until it is decided or its time is over. Nobody polls (S8).
func (c *Coordinator) resolve(ctx context.Context, l mvcc.Lock) error {
	p := c.patience()
	for {
		now, err := c.Now(ctx)
		if err != nil {
			return err
		}
		status, err := c.status(ctx, l.Primary, &mvcc.CheckTxnArgs{Start: l.StartTS, Primary: l.Primary, Now: now,
			MetExpires: l.Expires, Wait: true})
		if err != nil {
			return err
		}
		if turn := verdict(l, status); turn != nil {
			_, err := c.one(ctx, l.Key, turn)
			return err
		}
		alive := &routing.UnavailableError{Why: "transaction " + l.StartTS.String() + " holds a lock on " +
			mvcc.FormatKey(l.Key) + " and is alive"}
		if status.Expired {
			alive.Why = "the records of transaction " + l.StartTS.String() + " are gone, but its lock on " +
				mvcc.FormatKey(l.Key) + " stands"
		}
		if err := p.pause(ctx, alive); err != nil {
			return err
		}
	}
}

// verdict is what to do to a met lock, nil while its transaction is undecided. A lock of
// another content than was decided, or than holds the primary, is rolled back whatever the
// decision: no decision will ever be its own (S7).
func verdict(l mvcc.Lock, status *mvcc.TxnStatus) routing.Request {
	same := status.Digest == l.Digest
	switch {
	case status.Decision == mvcc.Committed && same:
		return &mvcc.CommitArgs{Start: l.StartTS, CommitTS: status.CommitTS, Primary: l.Primary,
			Keys: []mvcc.Key{l.Key}, Digest: l.Digest}
	case status.Decision == mvcc.Undecided && (!status.Locked || same):
		return nil
	}
	return &mvcc.RollbackArgs{Start: l.StartTS, Primary: l.Primary, Keys: []mvcc.Key{l.Key}, Digest: l.Digest}
}

// Resolve resolves locks whose time is over, behind the caller's back: leaders hand over what
// they find in their sweeps, so that no lock waits for a visitor.
func (c *Coordinator) Resolve(locks []mvcc.Lock) {
	if len(locks) == 0 || c.behind.Load() > int64(c.cfg.Behind) {
		return // the next sweep finds them again
	}
	c.behind.Add(1)
	c.w.Tasks.Spawn("resolve", func(ctx context.Context) {
		defer c.behind.Add(-1)
		for _, l := range locks {
			if c.resolve(ctx, l) != nil && ctx.Err() != nil {
				return
			}
		}
	})
}
