package txn

import (
	"context"
	"errors"
	"fmt"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// Read says as of when and by whom keys are read.
type Read struct {
	// TS is the read timestamp. Zero: the newest of one moment, without the oracle where one
	// shard holds all the keys.
	TS timestamp.Timestamp
	// Own is the reader's transaction, whose locks do not block it; zero: none.
	Own timestamp.Timestamp
	// Primary is its primary where it holds claims: the read's wait is then one that can close
	// a cycle (S23).
	Primary mvcc.Key
}

// Get reads keys, one version for each, in order; where its Op is not OpPut, there is nothing
// at the key. The timestamp returned is the one read at, zero where none was drawn. Locks in
// the way are waited for and resolved.
func (c *Coordinator) Get(ctx context.Context, at Read, keys []mvcc.Key) (timestamp.Timestamp, []mvcc.Version, error) {
	out := make([]mvcc.Version, len(keys))
	todo := make([]int, len(keys))
	for i := range keys {
		todo[i] = i
	}
	p := c.patience()
	for len(todo) > 0 {
		groups, err := groupByShard(ctx, c.w.Shards, todo, func(i int) mvcc.Key { return keys[i] })
		if err == nil && len(groups) > 1 && at.TS == 0 {
			at.TS, err = c.Now(ctx)
		}
		var locks []mvcc.Lock
		if err == nil {
			todo, locks, err = c.getOnce(ctx, at, keys, groups, out)
		}
		if err == nil && len(locks) > 0 {
			if err = c.resolveAll(ctx, locks); err == nil {
				err = p.goOn(ctx)
			}
		}
		if err != nil {
			if err = p.pause(ctx, err); err != nil {
				return 0, nil, err
			}
		}
	}
	if at.TS == 0 {
		if err := c.discloseAll(ctx, out); err != nil {
			return 0, nil, err
		}
	}
	return at.TS, out, nil
}

// discloseAll makes the newest versions fit to be shown: whoever sees one and begins then must
// see it again, so it is subject to the same rule as an acknowledgement (S21). Commits can run
// ahead of the oracle: blind ones with older ids lie one above the other.
func (c *Coordinator) discloseAll(ctx context.Context, versions []mvcc.Version) error {
	newest := timestamp.Timestamp(0)
	for i := range versions {
		newest = max(newest, versions[i].CommitTS)
	}
	_, err := c.disclose(ctx, newest)
	return err
}

// getOnce asks each shard once. It returns what is left to ask, and why: locks to resolve, or
// an error that may pass.
func (c *Coordinator) getOnce(ctx context.Context, at Read, keys []mvcc.Key, groups []group[int],
	out []mvcc.Version) (left []int, locks []mvcc.Lock, err error) {
	calls := make([]*routing.Call, len(groups))
	for i, g := range groups {
		args := &mvcc.GetArgs{ReadTS: at.TS, Own: at.Own, Primary: at.Primary, Keys: make([]mvcc.Key, len(g.items))}
		for j, n := range g.items {
			args.Keys[j] = keys[n]
		}
		calls[i] = &routing.Call{To: g.to, Req: args}
	}
	c.w.Sender.Send(ctx, calls, nil)
	for i, call := range calls {
		res, ok := call.Res.(*mvcc.GetResult)
		var locked *mvcc.LockedError
		switch {
		case call.Err == nil && ok && len(res.Versions) == len(groups[i].items):
			for j, n := range groups[i].items {
				out[n] = res.Versions[j]
			}
			continue
		case call.Err == nil:
			return nil, nil, fmt.Errorf("shard %d answered a get with %T", call.To.ID, call.Res)
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

// worse keeps, of two errors, the one that repeating does not mend.
func worse(a, b error) error {
	if a != nil && !transient(a) && !misrouted(a) {
		return a
	}
	return b
}
