package txn

import (
	"context"
	"errors"
	"fmt"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// commit is one Commit under way: one content under one id.
type commit struct {
	c         *Coordinator
	start     timestamp.Timestamp
	mutations []mvcc.Mutation
	digest    mvcc.Digest
	blind     bool // nothing was read: in one shard it is evaluated at the newest state

	spread   bool       // prewrites without OnePhase were sent: locks may stand anywhere
	laid     []mvcc.Key // keys known to be locked
	recorded bool       // commitTS is what is recorded, not what is to be
	commitTS timestamp.Timestamp
	decided  bool // the outcome is recorded: there is nothing to turn
	maybe    bool // a copy was sent that alone would commit, and its answer was not heard
}

// run is the whole protocol. Where one shard holds all keys, the prewrite commits at once.
// Otherwise it lays locks, each naming the primary, and the primary's record decides:
//
//	prewrite a ┐                 ┌▶ commit b  (behind the caller's back)
//	prewrite b ┼▶ commit a ──────┼▶ commit c
//	prewrite c ┘  ▲ THE COMMIT   └▶ …
//	              POINT
//
// It may run any number of times, at the same time and at several gateways, for the same
// content: all runs hear the same outcome.
func (t *commit) run(ctx context.Context) (timestamp.Timestamp, error) {
	done := t.c.keeper.keep(t)
	defer done()
	if err := t.prewrite(ctx); err != nil {
		return t.refused(ctx, err)
	}
	if !t.decided {
		if err := t.decide(ctx); err != nil { // THE COMMIT POINT
			return t.refused(ctx, err)
		}
		t.c.spawnBehind("commit secondaries", t.turn)
	}
	return t.told(ctx)
}

// told answers with the commit timestamp. Where the oracle does not let it be disclosed the
// outcome stays unknown to the caller: "unavailable" would say that nothing is committed, and
// an autocommit would be sent again (S9).
func (t *commit) told(ctx context.Context) (timestamp.Timestamp, error) {
	commitTS, err := t.c.disclose(ctx, t.commitTS)
	if err != nil {
		return 0, &mvcc.UndeterminedError{StartTS: t.start, Primary: t.primary(), Cause: err}
	}
	return commitTS, nil
}

// Commit commits a transaction that began at start, or says what was decided of it before.
// Content is all of it, and is not changed afterwards; the first mutation's key is its primary.
//
// Errors: *mvcc.WriteConflictError and *mvcc.TxnAbortedError: it is aborted for ever, begin
// again. *mvcc.AlreadyExistsError, *mvcc.CheckFailedError: refused, it never commits.
// *mvcc.UndeterminedError: it may have been committed; the same Commit sent again tells, and
// so does Outcome. *routing.UnavailableError: it is not committed yet; send it again.
// *mvcc.ExpiredError: its outcome is no longer known. *mvcc.DigestMismatchError,
// *mvcc.InvalidError: the caller's mistake.
func (c *Coordinator) Commit(ctx context.Context, start timestamp.Timestamp, content mvcc.Content) (timestamp.Timestamp, error) {
	if len(content.Mutations) == 0 {
		return start, nil
	}
	t, err := c.newCommit(start, content)
	if err != nil {
		return 0, err
	}
	return t.run(ctx)
}

// Autocommit commits mutations of which nothing was read: where one shard holds them it never
// conflicts, and otherwise it begins again after a definite abort, while patience lasts. After an
// *mvcc.UndeterminedError it must not be called again with the same content: only Outcome
// tells (S9).
func (c *Coordinator) Autocommit(ctx context.Context, content mvcc.Content) (timestamp.Timestamp, error) {
	until := c.w.Tasks.Now() + c.cfg.Patience
	for tries := 0; ; tries++ {
		start, err := c.Now(ctx)
		if err != nil || len(content.Mutations) == 0 {
			return start, err
		}
		t, err := c.newCommit(start, content)
		if err != nil {
			return 0, err
		}
		t.blind = true
		commitTS, err := t.run(ctx)
		if !aborted(err) || c.w.Tasks.Now() >= until {
			return commitTS, err
		}
		if err := c.w.Tasks.Sleep(ctx, jitter(start, tries)); err != nil {
			return 0, err
		}
	}
}

func (c *Coordinator) newCommit(start timestamp.Timestamp, content mvcc.Content) (*commit, error) {
	if err := mvcc.ValidateMutations(content.Mutations); err != nil {
		return nil, err
	}
	return &commit{c: c, start: start, mutations: content.Mutations, digest: content.Digest()}, nil
}

func (t *commit) primary() mvcc.Key { return t.mutations[0].Key }

// keys are the transaction's, each once, the primary first.
func (t *commit) keys() []mvcc.Key {
	keys := make([]mvcc.Key, 0, len(t.mutations))
	seen := make(map[mvcc.Key]bool, len(t.mutations))
	for i := range t.mutations {
		if k := t.mutations[i].Key; !seen[k] {
			seen[k] = true
			keys = append(keys, k)
		}
	}
	return keys
}

// keysMax bounds the keys of one request of the second phase.
const keysMax = 1024

// decide records the commit at the primary, and turns the locks beside it in the same entry.
func (t *commit) decide(ctx context.Context) error {
	p := t.c.patience()
	for {
		d, err := t.c.w.Shards.Find(ctx, t.primary())
		if err == nil {
			args := &mvcc.CommitArgs{Start: t.start, CommitTS: t.commitTS, Primary: t.primary(), Digest: t.digest}
			for _, k := range t.keys() {
				if d.Span.Contains(k) && len(args.Keys) < keysMax {
					args.Keys = append(args.Keys, k)
				}
			}
			call := &routing.Call{To: d, Req: args}
			t.c.w.Sender.Send(ctx, []*routing.Call{call}, nil)
			res, ok := call.Res.(*mvcc.CommitResult)
			if call.Err == nil && ok {
				t.commitTS = res.CommitTS
				return nil
			}
			if call.Err == nil { // it may have been recorded: nothing else is known
				t.maybe = true
				return fmt.Errorf("shard %d answered a commit with %T", d.ID, call.Res)
			}
			err = call.Err
			var unavailable *routing.UnavailableError
			t.maybe = t.maybe || (errors.As(err, &unavailable) && unavailable.Maybe)
			t.c.rerouted(call)
		}
		if err := p.pause(ctx, err); err != nil {
			return err
		}
	}
}

// turn makes the other keys' locks versions. What it leaves undone, visitors and the leaders'
// sweeps do through the primary's record.
func (t *commit) turn(ctx context.Context) {
	t.c.each(ctx, t.keys(), func(keys []mvcc.Key) routing.Request {
		return &mvcc.CommitArgs{Start: t.start, CommitTS: t.commitTS, Primary: t.primary(), Keys: keys, Digest: t.digest}
	})
}

// each sends one request for each shard's part of the keys, and follows them until patience
// ends. Errors that repeating does not mend end that part.
func (c *Coordinator) each(ctx context.Context, keys []mvcc.Key, request func([]mvcc.Key) routing.Request) {
	p := c.patience()
	for len(keys) > 0 {
		groups, err := groupByShard(ctx, c.w.Shards, keys, func(k mvcc.Key) mvcc.Key { return k })
		keys = keys[:0:0]
		if err == nil {
			var calls []*routing.Call
			for _, g := range groups {
				part := g.items[:min(len(g.items), keysMax)]
				keys = append(keys, g.items[len(part):]...)
				calls = append(calls, &routing.Call{To: g.to, Req: request(part)})
			}
			c.w.Sender.Send(ctx, calls, nil)
			for i, call := range calls {
				if call.Err != nil && (c.rerouted(call) || transient(call.Err)) {
					keys = append(keys, groups[i].items[:min(len(groups[i].items), keysMax)]...)
					err = call.Err
				}
			}
		}
		if err != nil && p.pause(ctx, err) != nil {
			return
		}
	}
}
