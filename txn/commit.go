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

// commit is one Commit under way: one content under one id.
type commit struct {
	c       *Coordinator
	tx      Transaction
	content mvcc.Content
	main    mvcc.Key // the primary
	digest  mvcc.Digest
	async   bool // committed as soon as all locks stand
	blind   bool // nothing was read: in one shard it is evaluated at the newest state

	spread   bool       // prewrites without OnePhase were sent: locks may stand anywhere
	laid     []mvcc.Key // keys known to be locked
	recorded bool       // commitTS is what is recorded, not what is to be
	commitTS timestamp.Timestamp
	decided  bool       // the outcome is recorded: there is nothing to turn
	turned   []mvcc.Key // with the primary's record
	maybe    bool       // a copy was sent that alone would commit, and its answer was not heard

	watch watch
}

// run is the whole protocol. Where one shard holds all keys, the prewrite commits at once.
// Otherwise it lays locks, each naming the primary:
//
//	one shard       prewrite ◀ THE COMMIT POINT
//
//	several         prewrite a ┐                    ┌▶ record at a ─▶ turn b, c
//	                prewrite b ┼ all stand: ────────┘  (behind the caller's back)
//	                prewrite c ┘ THE COMMIT POINT
//
//	many keys       prewrite a ┐                 ┌▶ turn b  (behind the caller's back)
//	                prewrite b ┼▶ record at a ───┼▶ turn c
//	                prewrite c ┘  ▲ THE COMMIT   └▶ …
//	serializable    … ─▶ draw V, validate at V ─▶ record at a, at V
//
// Which of them is a function of the content alone (Async), so that every gateway chooses the
// same. It may run any number of times, at the same time and at several gateways, for the
// same content: all runs hear the same outcome.
func (t *commit) run(ctx context.Context) (timestamp.Timestamp, error) {
	done := t.c.keeper.keep(t.tx.Start, t.main)
	defer done()
	if err := t.prewrite(ctx); err != nil { // one phase: THE COMMIT POINT
		return t.refused(ctx, err)
	}
	switch {
	case t.decided:
		if len(t.tx.Claims) > 0 {
			t.c.spawnBehind("turn", t.turn)
		}
	case t.async && !t.recorded: // all stand: THE COMMIT POINT is behind us
		behind := *t // it writes down what it hears, while this one answers
		t.c.spawnBehind("decide and turn", behind.settle)
	default:
		t.enter(StepValidate)
		if err := t.validate(ctx); err != nil {
			return t.refused(ctx, err)
		}
		t.enter(StepRecord)
		if err := t.decide(ctx); err != nil { // THE COMMIT POINT
			return t.refused(ctx, err)
		}
		t.c.spawnBehind("turn", t.turn)
	}
	t.enter(StepDisclose)
	return t.told(ctx)
}

// told answers with the commit timestamp. Where the oracle does not let it be disclosed the
// outcome stays unknown to the caller: "unavailable" would say that nothing is committed, and
// an autocommit would be sent again (S9).
func (t *commit) told(ctx context.Context) (timestamp.Timestamp, error) {
	commitTS, err := t.c.disclose(ctx, t.commitTS)
	if err != nil {
		return 0, &mvcc.UndeterminedError{StartTS: t.tx.Start, Primary: t.main, Cause: err}
	}
	return commitTS, nil
}

// The largest content that is committed asynchronously: its primary's lock lists all keys.
const (
	asyncKeysMax  = 256
	asyncBytesMax = 64 << 10 // of keys
)

// Async says whether a content over several shards is committed asynchronously. It depends on
// nothing else: a repeat at another gateway must do the same (S7). What has to be validated
// never is: locks that stand prove nothing about reads (S2).
func Async(content *mvcc.Content) bool {
	if validated(content) || len(content.Mutations) > 2*asyncKeysMax {
		return false
	}
	keys := keysOf(content.Mutations, "")
	size := 0
	for _, k := range keys {
		size += len(k)
	}
	return len(keys) <= asyncKeysMax && size <= asyncBytesMax
}

// Commit commits a transaction, or says what was decided of it before. Content is all of it,
// and is not changed afterwards. The primary is the first key claimed, else the first
// mutation's.
//
// Errors: *mvcc.WriteConflictError, *mvcc.TxnAbortedError and *mvcc.DeadlockError: it is
// aborted for ever, begin again. *mvcc.AlreadyExistsError, *mvcc.CheckFailedError,
// *mvcc.AtomicError: refused, it never commits. *mvcc.UndeterminedError: it may have been
// committed; the same Commit sent again tells, and so does Outcome.
// *routing.UnavailableError: it is not committed yet; send it again. *mvcc.ExpiredError: its
// outcome is no longer known. *mvcc.DigestMismatchError, *mvcc.InvalidError: the caller's
// mistake.
func (c *Coordinator) Commit(ctx context.Context, tx Transaction, content mvcc.Content) (timestamp.Timestamp, error) {
	if len(content.Mutations) == 0 && tx.Primary == "" {
		return tx.readTS(), nil
	}
	t, err := c.newCommit(tx, content)
	if err != nil {
		return 0, err
	}
	if err := c.informed(ctx); err != nil {
		return 0, err
	}
	return t.watched(ctx)
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
		t, err := c.newCommit(Transaction{Start: start}, content)
		if err != nil {
			return 0, err
		}
		t.blind = true
		commitTS, err := t.watched(ctx)
		if !aborted(err) || c.w.Tasks.Now() >= until {
			return commitTS, err
		}
		if err := c.w.Tasks.Sleep(ctx, jitter(start, tries)); err != nil {
			return 0, err
		}
	}
}

// newCommit checks the content. Where a claimed primary is not written, the content goes
// first that its claim must stand: all of the transaction hangs on it (P12).
func (c *Coordinator) newCommit(tx Transaction, content mvcc.Content) (*commit, error) {
	if err := mvcc.ValidateMutations(content.Mutations); err != nil {
		return nil, err
	}
	if err := validateReads(&content); err != nil {
		return nil, err
	}
	t := &commit{c: c, tx: tx, main: tx.Primary}
	if t.main == "" {
		t.main = content.Mutations[0].Key
	} else if !slices.ContainsFunc(content.Mutations, func(m mvcc.Mutation) bool { return m.Key == t.main }) {
		content.Mutations = append([]mvcc.Mutation{{Op: mvcc.MutationClaim, Key: t.main}}, content.Mutations...)
	}
	t.content, t.digest, t.async = content, content.Digest(), Async(&content)
	return t, nil
}

// keys are the transaction's, each once, the primary first.
func (t *commit) keys() []mvcc.Key { return keysOf(t.content.Mutations, t.main) }

// keysOf lists the keys of mutations, each once; first, where it is a key, leads.
func keysOf(mutations []mvcc.Mutation, first mvcc.Key) []mvcc.Key {
	keys := make([]mvcc.Key, 0, len(mutations)+1)
	if first != "" {
		keys = append(keys, first)
	}
	for i := range mutations {
		keys = append(keys, mutations[i].Key)
	}
	return distinctKeys(keys)
}

// distinctKeys lists the keys in order, each once.
func distinctKeys(keys []mvcc.Key) []mvcc.Key {
	out := make([]mvcc.Key, 0, len(keys))
	seen := make(map[mvcc.Key]bool, len(keys))
	for _, k := range keys {
		if !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	return out
}

// keysMax bounds the keys of one request of the second phase.
const keysMax = 1024

// decide records the commit at the primary, and turns the locks beside it in the same entry.
func (t *commit) decide(ctx context.Context) (err error) {
	ctx, span := spanIn(t.joined(ctx), "record")
	defer func() { endSpan(span, err) }()
	p := t.c.patience()
	for {
		d, err := t.c.w.Shards.Find(ctx, t.main)
		if err == nil {
			args := &mvcc.CommitArgs{Start: t.tx.Start, CommitTS: t.commitTS, Primary: t.main, Digest: t.digest}
			for _, k := range t.keys() {
				if d.Span.Contains(k) && len(args.Keys) < keysMax {
					args.Keys = append(args.Keys, k)
				}
			}
			call := &routing.Call{To: d, Req: args}
			t.c.w.Sender.Send(ctx, []*routing.Call{call}, nil)
			res, ok := call.Res.(*mvcc.CommitResult)
			if call.Err == nil && ok {
				t.commitTS, t.turned = res.CommitTS, args.Keys
				return nil
			}
			if call.Err == nil { // it may have been recorded: nothing else is known
				t.maybe = true
				return fmt.Errorf("shard %d answered a commit with %T", d.ID, call.Res)
			}
			err = call.Err
			var unavailable *routing.UnavailableError
			t.maybe = t.maybe || call.Maybe || errors.As(err, &unavailable) && unavailable.Maybe
			t.c.rerouted(call)
		}
		if err := p.pause(ctx, err); err != nil {
			return err
		}
	}
}

// settle follows an asynchronous commit: the primary's record is applied before any other
// lock leaves. For a visitor that finds a lock gone and no record would fence its key (S7).
func (t *commit) settle(ctx context.Context) {
	if t.decide(ctx) == nil {
		t.turn(ctx)
	}
}

// turn makes the other keys' locks versions, and claims that wrote nothing marks. What it
// leaves undone, visitors and the leaders' sweeps do through the primary's record.
func (t *commit) turn(ctx context.Context) {
	ctx, span := spanIn(t.joined(ctx), "resolve")
	defer endSpan(span, nil)
	done := t.turned
	if t.decided { // in one phase: only claims are left
		done = t.keys()
	}
	t.c.each(ctx, without(t.claimsAnd(t.keys()), done), func(keys []mvcc.Key) routing.Request {
		return &mvcc.CommitArgs{Start: t.tx.Start, CommitTS: t.commitTS, Primary: t.main, Keys: keys, Digest: t.digest}
	})
}

// claimsAnd is the keys and what else was claimed.
func (t *commit) claimsAnd(keys []mvcc.Key) []mvcc.Key {
	return append(without(t.tx.Claims, keys), keys...)
}

// without is those keys that are not among the others.
func without(keys, others []mvcc.Key) []mvcc.Key {
	if len(keys) == 0 || len(others) == 0 {
		return slices.Clone(keys)
	}
	set := make(map[mvcc.Key]bool, len(others))
	for _, k := range others {
		set[k] = true
	}
	return slices.DeleteFunc(slices.Clone(keys), func(k mvcc.Key) bool { return set[k] })
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
