package txn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// Claim locks keys for the transaction until it ends (FOR UPDATE) and reads their newest
// versions, one for each, in order. Whoever holds one of them is waited for, first come first
// served, until ctx ends or the coordinator's LockWait does. The first key ever claimed
// becomes the primary: it is claimed before the others, so that none of them names a primary
// that is not there (S8). Calls for one transaction follow one another.
//
// While the transaction has read nothing plainly, its read timestamp moves to one drawn after
// the claims stand: so all that it reads is of one state. Afterwards a claim that meets
// something newer is a conflict (S5).
//
// Errors: *mvcc.WriteConflictError, *mvcc.DeadlockError, *mvcc.TxnAbortedError: the
// transaction is rolled back, begin again. *routing.UnavailableError: a lock was not to be had
// in time, or its shard is away; claim again or give up. *mvcc.InvalidError: the caller's
// mistake.
func (c *Coordinator) Claim(ctx context.Context, tx *Transaction, keys []mvcc.Key) ([]mvcc.Version, error) {
	if !tx.Pessimistic {
		return nil, &mvcc.InvalidError{Reason: "NOT_PESSIMISTIC", What: "an optimistic transaction claims nothing",
			Hint: "begin a pessimistic transaction to read for update"}
	}
	for _, k := range keys {
		if err := mvcc.ValidateKey(k); err != nil {
			return nil, err
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	if err := c.informed(ctx); err != nil {
		return nil, err
	}
	distinct := distinctKeys(keys)
	found := make(map[mvcc.Key]mvcc.Version, len(distinct))
	if tx.Primary == "" {
		tx.Primary = distinct[0]
		if err := c.claim(ctx, tx, distinct[:1], found); err != nil {
			return nil, c.unclaimed(ctx, tx, err)
		}
		distinct = distinct[1:]
	}
	if err := c.claim(ctx, tx, distinct, found); err != nil {
		return nil, c.unclaimed(ctx, tx, err)
	}
	out := make([]mvcc.Version, len(keys))
	newest := timestamp.Timestamp(0)
	for i, k := range keys {
		out[i] = found[k]
		newest = max(newest, out[i].CommitTS)
	}
	if tx.Fixed {
		return out, nil
	}
	for {
		now, err := c.Now(ctx)
		if err != nil {
			return nil, err
		}
		if tx.ReadTS = max(tx.readTS(), now); tx.ReadTS >= newest {
			return out, nil
		}
	}
}

// claim lays claims on keys, each given once, and notes what it finds there.
func (c *Coordinator) claim(ctx context.Context, tx *Transaction, keys []mvcc.Key, found map[mvcc.Key]mvcc.Version) error {
	p := c.patience()
	p.until = c.w.Tasks.Now() + c.cfg.LockWait
	for len(keys) > 0 {
		groups, err := groupByShard(ctx, c.w.Shards, keys, func(k mvcc.Key) mvcc.Key { return k })
		var locks []mvcc.Lock
		if err == nil {
			keys, locks, err = c.claimOnce(ctx, tx, groups, p.until, found)
		}
		if err == nil && len(locks) > 0 {
			if err = c.resolveAll(ctx, locks); err == nil {
				err = p.goOn(ctx)
			}
		}
		if err != nil {
			if err = p.pause(ctx, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// claimOnce asks each shard once. The request waits there, in the queue for the lock, as long
// as the caller would: to come again would be to stand at the end of the queue.
func (c *Coordinator) claimOnce(ctx context.Context, tx *Transaction, groups []group[mvcc.Key], until time.Duration,
	found map[mvcc.Key]mvcc.Version) (left []mvcc.Key, locks []mvcc.Lock, err error) {
	calls := make([]*routing.Call, len(groups))
	for i, g := range groups {
		calls[i] = &routing.Call{To: g.to, Timeout: max(until-c.w.Tasks.Now(), time.Millisecond),
			Req: &mvcc.ClaimArgs{Start: tx.Start, ReadTS: tx.readTS(), Primary: tx.Primary, Keys: g.items,
				Expires: c.expiry(), Fixed: tx.Fixed}}
	}
	c.w.Sender.Send(ctx, calls, func(call *routing.Call) bool { return refusal(call.Err) })
	for i, call := range calls {
		res, ok := call.Res.(*mvcc.ClaimResult)
		var locked *mvcc.LockedError
		switch {
		case call.Err == nil && ok && len(res.Versions) == len(groups[i].items):
			for j, k := range groups[i].items {
				found[k] = res.Versions[j]
				if !slices.Contains(tx.Claims, k) {
					tx.Claims = append(tx.Claims, k)
				}
			}
			continue
		case call.Err == nil:
			return nil, nil, fmt.Errorf("shard %d answered a claim with %T", call.To.ID, call.Res)
		case errors.As(call.Err, &locked):
			locks = append(locks, locked.Lock)
		default:
			c.rerouted(call)
			err = worse(err, call.Err)
		}
		left = append(left, groups[i].items...)
	}
	return left, locks, err
}

// unclaimed answers for a claim that failed. After a definite abort the transaction is rolled
// back at once: others may be waiting for what it holds.
func (c *Coordinator) unclaimed(ctx context.Context, tx *Transaction, err error) error {
	if !aborted(err) {
		return err
	}
	if _, e := c.Rollback(ctx, *tx); e != nil {
		return errors.Join(err, e) // its claims expire
	}
	return err
}

// HeartbeatEvery is how often the holder of claims has to be heard of.
func (c *Coordinator) HeartbeatEvery() time.Duration { return c.cfg.LockTTL / 3 }

// Heartbeat keeps a transaction's claims alive for another while. Errors:
// *mvcc.TxnAbortedError where it was rolled back or its time was over, *mvcc.InvalidError where
// it holds nothing or is committed.
func (c *Coordinator) Heartbeat(ctx context.Context, tx Transaction) error {
	if tx.Primary == "" {
		return nil // nothing is claimed: nothing expires
	}
	if _, err := c.Now(ctx); err != nil {
		return err
	}
	status, err := c.status(ctx, tx.Primary, &mvcc.HeartbeatArgs{Start: tx.Start, Primary: tx.Primary, Expires: c.expiry()})
	switch {
	case err != nil:
		return err
	case status.Locked:
		return nil
	case status.Decision == mvcc.Committed:
		return &mvcc.InvalidError{Reason: "TXN_ENDED", Key: tx.Primary, What: "transaction " + tx.Start.String() + " is committed",
			Hint: "there is nothing to keep alive"}
	}
	return &mvcc.TxnAbortedError{StartTS: tx.Start, Key: tx.Primary}
}
