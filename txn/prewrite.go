package txn

import (
	"context"
	"errors"
	"fmt"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// chunkSize closes a prewrite request: larger contents go in several, so that no Raft entry
// grows beyond 2 MiB or one value.
const chunkSize = 1 << 20

// prewrite lays all locks, or, where one request holds everything, commits at once. It goes
// on through moved shards, locks of others and changes of leaders, and ends with all laid,
// with the outcome known, or with the reason why not.
func (t *commit) prewrite(ctx context.Context) error {
	todo := t.mutations
	p := t.c.patience()
	for len(todo) > 0 {
		groups, err := groupByShard(ctx, t.c.w.Shards, todo, func(m mvcc.Mutation) mvcc.Key { return m.Key })
		var locks []mvcc.Lock
		if err == nil {
			todo, locks, err = t.prewriteOnce(ctx, groups, len(todo) == len(t.mutations))
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
func (t *commit) prewriteOnce(ctx context.Context, groups []group[mvcc.Mutation], whole bool) (left []mvcc.Mutation,
	locks []mvcc.Lock, err error) {
	calls, parts := t.prewriteCalls(groups, whole)
	t.c.w.Sender.Send(ctx, calls, func(call *routing.Call) bool { return refusal(call.Err) })
	for i, call := range calls {
		res, ok := call.Res.(*mvcc.PrewriteResult)
		var locked *mvcc.LockedError
		switch {
		case call.Err == nil && ok:
			t.take(call.Req.(*mvcc.PrewriteArgs), parts[i], res)
			continue
		case call.Err == nil:
			return nil, nil, fmt.Errorf("shard %d answered a prewrite with %T", call.To.ID, call.Res)
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

// prewriteCalls cuts the groups into requests. A single one that holds all is one phase.
func (t *commit) prewriteCalls(groups []group[mvcc.Mutation], whole bool) ([]*routing.Call, [][]mvcc.Mutation) {
	var calls []*routing.Call
	var parts [][]mvcc.Mutation
	expires := t.c.expiry()
	for _, g := range groups {
		for rest := g.items; len(rest) > 0; {
			n := chunk(rest)
			calls = append(calls, &routing.Call{To: g.to, Req: &mvcc.PrewriteArgs{Start: t.start, Primary: t.primary(),
				Mutations: rest[:n], Digest: t.digest, Expires: expires}})
			parts = append(parts, rest[:n])
			rest = rest[n:]
		}
	}
	if len(calls) == 1 && whole {
		args := calls[0].Req.(*mvcc.PrewriteArgs)
		args.OnePhase, args.Autocommit = true, t.blind
	} else {
		t.spread = true
	}
	return calls, parts
}

// chunk is how many of the mutations go into one request; a check and the write of its key
// stay together where they stand together.
func chunk(ms []mvcc.Mutation) int {
	size, n := 0, 0
	for n < len(ms) {
		size += len(ms[n].Key) + len(ms[n].Value)
		if size > chunkSize && n > 0 && ms[n].Key != ms[n-1].Key {
			break
		}
		n++
	}
	return n
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
	if errors.As(call.Err, &unavailable) && unavailable.Maybe {
		t.maybe = t.maybe || call.Req.(*mvcc.PrewriteArgs).OnePhase
	}
}

// refusal says whether the answer settles that this content does not commit as it is.
func refusal(err error) bool {
	var locked *mvcc.LockedError
	return err != nil && !errors.As(err, &locked) && !transient(err) && !misrouted(err)
}
