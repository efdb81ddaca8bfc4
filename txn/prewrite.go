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

// chunkSize closes a prewrite request: larger contents go in several, so that no Raft entry
// grows beyond 2 MiB or one value.
const chunkSize = 1 << 20

// windowSize bounds what one transaction has under way at once: a content of 64 MiB must not
// stand in every queue on its way as a whole (P17).
const windowSize = 8 << 20

// prewrite lays all locks, or, where one request holds everything, commits at once. It goes
// on through moved shards, locks of others and changes of leaders, and ends with all laid,
// with the outcome known, or with the reason why not.
func (t *commit) prewrite(ctx context.Context) error {
	todo := t.content.Mutations
	p := t.c.patience()
	for len(todo) > 0 {
		groups, err := groupByShard(ctx, t.c.w.Shards, todo, func(m mvcc.Mutation) mvcc.Key { return m.Key })
		var locks []mvcc.Lock
		if err == nil {
			todo, locks, err = t.prewriteOnce(ctx, todo, groups)
		}
		if err == nil && len(locks) > 0 {
			if err = t.c.resolveAll(ctx, locks); err == nil {
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

// prewriteOnce sends every shard its part once. It returns what is left to lay, and why:
// locks of others, or the worst error.
func (t *commit) prewriteOnce(ctx context.Context, todo []mvcc.Mutation, groups []group[mvcc.Mutation]) (left []mvcc.Mutation,
	locks []mvcc.Lock, err error) {
	calls, parts, left, err := t.prewriteCalls(ctx, groups, len(todo) == len(t.content.Mutations))
	if err != nil {
		return todo, nil, err // nothing was sent: all of it is left to lay
	}
	t.c.w.Sender.Send(ctx, calls, func(call *routing.Call) bool { return refusal(call.Err) })
	for i, call := range calls {
		res, ok := call.Res.(*mvcc.PrewriteResult)
		var locked *mvcc.LockedError
		switch {
		case call.Err == nil && ok:
			t.take(call.Req.(*mvcc.PrewriteArgs), parts[i], res)
			continue
		case call.Err == nil:
			return left, nil, fmt.Errorf("shard %d answered a prewrite with %T", call.To.ID, call.Res)
		case errors.As(call.Err, &locked):
			locks = append(locks, locked.Lock)
		default:
			t.missed(call)
			err = worse(err, call.Err)
		}
		left = append(left, parts[i]...)
	}
	if t.decided {
		return nil, nil, nil
	}
	return left, locks, err
}

// prewriteCalls cuts the groups into requests, as many as may be under way at once; left is
// what goes later. A single one that holds all is one phase, and what was read of a
// serializable transaction is then validated in the same step.
func (t *commit) prewriteCalls(ctx context.Context, groups []group[mvcc.Mutation], whole bool) (calls []*routing.Call,
	parts [][]mvcc.Mutation, left []mvcc.Mutation, err error) {
	expires, size := t.c.expiry(), 0
	for _, g := range groups {
		for rest := g.items; len(rest) > 0; {
			n, bytes := chunk(rest)
			if size += bytes; size > windowSize && len(calls) > 0 {
				left = append(left, rest...)
				break
			}
			calls = append(calls, &routing.Call{To: g.to, Req: t.prewriteArgs(rest[:n], expires)})
			parts = append(parts, rest[:n])
			rest = rest[n:]
		}
	}
	if len(calls) == 1 && whole && len(left) == 0 {
		args := calls[0].Req.(*mvcc.PrewriteArgs)
		if args.OnePhase, err = t.readsWithin(ctx, calls[0].To); err != nil {
			return nil, nil, nil, err
		}
		if args.OnePhase {
			args.Autocommit = t.blind
			args.ReadKeys = t.content.ReadKeys
			return calls, parts, nil, nil
		}
	}
	t.spread = true
	return calls, parts, left, nil
}

func (t *commit) prewriteArgs(ms []mvcc.Mutation, expires timestamp.Timestamp) *mvcc.PrewriteArgs {
	a := &mvcc.PrewriteArgs{Start: t.tx.Start, ReadTS: t.tx.readTS(), Primary: t.main, Mutations: ms, Digest: t.digest,
		Expires: expires, Async: t.async}
	if t.async && slices.ContainsFunc(ms, func(m mvcc.Mutation) bool { return m.Key == t.main }) {
		a.Secondaries = t.keys()[1:]
	}
	return a
}

// chunk is how many of the mutations go into one request; a check and the write of its key
// stay together where they stand together.
func chunk(ms []mvcc.Mutation) (n, size int) {
	for n < len(ms) {
		more := len(ms[n].Key) + len(ms[n].Value)
		if size+more > chunkSize && n > 0 && ms[n].Key != ms[n-1].Key {
			break
		}
		size += more
		n++
	}
	return n, size
}

// take notes what a prewrite has brought.
func (t *commit) take(args *mvcc.PrewriteArgs, part []mvcc.Mutation, res *mvcc.PrewriteResult) {
	if res.CommitTS != 0 {
		// Committed already: in one phase, or by another copy. Only the primary's answer
		// tells that the content was the same; without it, the commit point will.
		t.commitTS, t.recorded = res.CommitTS, true
		t.decided = t.decided || args.OnePhase
		return
	}
	if !t.recorded {
		t.commitTS = max(t.commitTS, res.MinCommitTS)
	}
	for i := range part {
		t.laid = append(t.laid, part[i].Key)
	}
}

// missed notes what an unanswered prewrite may have done.
func (t *commit) missed(call *routing.Call) {
	t.c.rerouted(call)
	var unavailable *routing.UnavailableError
	if call.Maybe || errors.As(call.Err, &unavailable) && unavailable.Maybe {
		args := call.Req.(*mvcc.PrewriteArgs)
		t.maybe = t.maybe || args.OnePhase || args.Async // it may have been the last lock
	}
}

// refusal says whether the answer settles that this content does not commit as it is.
func refusal(err error) bool {
	var locked *mvcc.LockedError
	return err != nil && !errors.As(err, &locked) && !transient(err) && !misrouted(err)
}
