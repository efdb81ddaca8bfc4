package txn

import (
	"context"
	"errors"
	"fmt"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// recover decides an asynchronous commit whose coordinator is not heard of. Its primary's lock
// stands with the given status. Where all other locks stand, too, the transaction is
// committed, at the largest of their minimums, which never change; where one never can stand,
// it is aborted. With fence, what is missing is kept from ever standing; without, nil means
// that the transaction may be under way still. Anybody may do this, at the same time: what is
// recorded at the primary is the answer for all (P2).
//
//	look at b, c ─┬ all stand ───────────────────▶ record the commit at a
//	              ├ one is fenced ───────────────▶ record the abort at a
//	              └ one is missing ─┬ in time ───▶ wait
//	                                └ too late ──▶ fence it, look again
func (c *Coordinator) recover(ctx context.Context, start timestamp.Timestamp, primary mvcc.Key, status *mvcc.TxnStatus,
	fence bool) (*mvcc.TxnStatus, error) {
	found, err := c.lookAll(ctx, start, primary, status, fence)
	switch {
	case err != nil:
		return nil, err
	case found.Fenced:
		return c.status(ctx, primary, &mvcc.RollbackArgs{Start: start, Primary: primary, Keys: []mvcc.Key{primary},
			Digest: status.Digest, Fenced: true})
	case len(found.Missing) > 0:
		return nil, nil
	case found.CommitTS != 0:
		return c.turnedAlready(ctx, start, primary, status)
	}
	res, err := c.one(ctx, primary, &mvcc.CommitArgs{Start: start, CommitTS: found.MinCommitTS, Primary: primary,
		Keys: []mvcc.Key{primary}, Digest: status.Digest})
	var gone *mvcc.TxnAbortedError
	if errors.As(err, &gone) {
		return &mvcc.TxnStatus{Decision: mvcc.Aborted, Digest: status.Digest}, nil
	}
	if err != nil {
		return nil, err
	}
	done, ok := res.(*mvcc.CommitResult)
	if !ok {
		return nil, fmt.Errorf("a shard answered a commit with %T", res)
	}
	return &mvcc.TxnStatus{Decision: mvcc.Committed, CommitTS: done.CommitTS, Digest: status.Digest}, nil
}

// committed is the outcome of an asynchronous commit whose primary's lock stands with the given
// status: it is committed where all other locks stand, before anybody has recorded that. Else
// the status is all that is known. Nothing is decided by asking.
func (c *Coordinator) committed(ctx context.Context, start timestamp.Timestamp, primary mvcc.Key, status *mvcc.TxnStatus) (*mvcc.TxnStatus, error) {
	found, err := c.lookAll(ctx, start, primary, status, false)
	switch {
	case err != nil:
		return nil, err
	case found.CommitTS != 0: // the record is there by now
		return c.status(ctx, primary, &mvcc.OutcomeArgs{Start: start, Primary: primary})
	case found.Fenced || len(found.Missing) > 0:
		return status, nil
	}
	return &mvcc.TxnStatus{Decision: mvcc.Committed, CommitTS: found.MinCommitTS, Digest: status.Digest}, nil
}

// turnedAlready: a key is a version, so that the primary's record was there before it. Where it
// is not, the version is another content's under the same id, and this one never can commit.
func (c *Coordinator) turnedAlready(ctx context.Context, start timestamp.Timestamp, primary mvcc.Key, status *mvcc.TxnStatus) (*mvcc.TxnStatus, error) {
	now, err := c.status(ctx, primary, &mvcc.OutcomeArgs{Start: start, Primary: primary})
	if err != nil || now.Decision != mvcc.Undecided {
		return now, err
	}
	return c.status(ctx, primary, &mvcc.RollbackArgs{Start: start, Primary: primary, Keys: []mvcc.Key{primary},
		Digest: status.Digest, Fenced: true})
}

// lookAll asks about all keys but the primary, until all are heard of or one is fenced.
func (c *Coordinator) lookAll(ctx context.Context, start timestamp.Timestamp, primary mvcc.Key, status *mvcc.TxnStatus,
	fence bool) (mvcc.FenceResult, error) {
	found := mvcc.FenceResult{MinCommitTS: status.MinCommitTS}
	keys := status.Secondaries
	p := c.patience()
	for len(keys) > 0 && !found.Fenced {
		left, err := c.look(ctx, keys, &mvcc.FenceArgs{Start: start, Primary: primary, Digest: status.Digest, Fence: fence}, &found)
		if err != nil {
			if err = p.pause(ctx, err); err != nil {
				return found, err
			}
		}
		keys = left
	}
	return found, nil
}

// look asks each shard once about its part of the keys, and adds what they say to found. It
// returns the keys that nothing was heard of.
func (c *Coordinator) look(ctx context.Context, keys []mvcc.Key, ask *mvcc.FenceArgs, found *mvcc.FenceResult) (left []mvcc.Key, err error) {
	groups, err := groupByShard(ctx, c.w.Shards, keys, func(k mvcc.Key) mvcc.Key { return k })
	if err != nil {
		return keys, err
	}
	calls := make([]*routing.Call, len(groups))
	for i, g := range groups {
		args := *ask
		args.Keys = g.items
		calls[i] = &routing.Call{To: g.to, Req: &args}
	}
	c.w.Sender.Send(ctx, calls, nil)
	for i, call := range calls {
		res, ok := call.Res.(*mvcc.FenceResult)
		switch {
		case call.Err != nil:
			c.rerouted(call)
			err = worse(err, call.Err)
			left = append(left, groups[i].items...)
		case !ok:
			return keys, fmt.Errorf("shard %d answered a look at locks with %T", call.To.ID, call.Res)
		default:
			found.Missing = append(found.Missing, res.Missing...)
			found.Fenced = found.Fenced || res.Fenced
			found.MinCommitTS = max(found.MinCommitTS, res.MinCommitTS)
			found.CommitTS = max(found.CommitTS, res.CommitTS)
		}
	}
	return left, err
}
