package txn

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

func begin(t *testing.T, c *Coordinator) timestamp.Timestamp {
	ts, err := c.Now(context.Background())
	require.NoError(t, err)
	return ts
}

func TestOneShardIsOnePhase(t *testing.T) {
	w := newWorld(t, "m")
	c := w.coordinator()
	_, err := c.Commit(t.Context(), Transaction{Start: begin(t, c)}, puts("a", "1", "b", "2"))
	require.NoError(t, err)
	require.Equal(t, []string{"one-phase"}, w.sent)
	require.Equal(t, []string{"1", "2"}, w.values("a", "b"))
}

// Several shards: acknowledged after one round, and the primary's record goes before the other
// locks leave (S7).
func TestTwoShardsAreAsynchronous(t *testing.T) {
	w := newWorld(t, "m")
	c := w.coordinator()
	_, err := c.Commit(t.Context(), Transaction{Start: begin(t, c)}, puts("a", "1", "b", "2", "z", "3"))
	require.NoError(t, err)
	require.Equal(t, []string{"prewrite", "prewrite"}, w.sent, "acknowledged when all stand")
	require.Len(t, w.locks(), 3)
	w.settle()
	require.Equal(t, []string{"prewrite", "prewrite", "commit primary", "commit"}, w.sent)
	require.Empty(t, w.locks())
	require.Equal(t, []string{"1", "2", "3"}, w.values("a", "b", "z"))
}

func TestManyKeysAreTwoPhases(t *testing.T) {
	w := newWorld(t, "m")
	c := w.coordinator()
	_, err := c.Commit(t.Context(), Transaction{Start: begin(t, c)}, wide("a", "1", "b", "2", "z", "3"))
	require.NoError(t, err)
	require.Equal(t, []string{"prewrite", "prewrite", "commit primary"}, w.sent, "acknowledged at the commit point")
	require.Len(t, w.locks(), 1+asyncKeysMax, "the primary's shard is turned with the record, the other behind")
	w.settle()
	require.Empty(t, w.locks())
	require.Equal(t, []string{"1", "2", "3"}, w.values("a", "b", "z"))
}

// The coordinator's process dies after each of its calls in turn, and before each. Whoever
// comes next finds all of the transaction or nothing; a repeat of the Commit at another
// gateway, all who ask, and the values agree (P1, P2).
func TestDeathAtEveryCall(t *testing.T) {
	for kind, content := range map[string]mvcc.Content{
		"asynchronous": puts("a", "1", "h", "2", "z", "3"), "in two phases": wide("a", "1", "h", "2", "z", "3")} {
		t.Run(kind, func(t *testing.T) { deathAtEveryCall(t, content) })
	}
}

func deathAtEveryCall(t *testing.T, content mvcc.Content) {
	for _, how := range []fault{lost, deaf, death} {
		for n := range 6 {
			t.Run(fmt.Sprint(how, " at call ", n), func(t *testing.T) {
				w := newWorld(t, "g", "p")
				first, second := w.coordinator(), w.coordinator()
				start, calls := begin(t, first), 0
				w.fault = func(*routing.Call) fault {
					calls++
					if calls-1 == n {
						return how
					}
					return none
				}
				acknowledged, err := first.Commit(t.Context(), Transaction{Start: start}, content)
				w.settle()
				died := w.dead
				w.fault, w.dead, w.tasks = nil, false, nil
				if !died {
					require.NoError(t, err, "a lost message is repeated")
				}
				before := w.values("a", "h", "z") // a reader comes first and resolves what it meets
				commitTS, err := second.Commit(t.Context(), Transaction{Start: start}, content)
				status, e := second.Outcome(t.Context(), start, "a")
				require.NoError(t, e)
				w.settle()
				if acknowledged != 0 {
					require.NoError(t, err)
					require.Equal(t, acknowledged, commitTS, "a repeated Commit answers the same")
				}
				if err != nil {
					require.True(t, aborted(err), "%v", err)
					require.Equal(t, mvcc.Aborted, status.Decision)
					require.Equal(t, []string{"-", "-", "-"}, w.values("a", "h", "z"))
					require.Empty(t, w.locks())
					return
				}
				require.Equal(t, mvcc.Committed, status.Decision)
				require.Equal(t, commitTS, status.CommitTS)
				require.Equal(t, []string{"1", "2", "3"}, w.values("a", "h", "z"))
				require.Contains(t, [][]string{{"1", "2", "3"}, {"-", "-", "-"}}, before, "half a transaction")
				require.Empty(t, w.locks())
			})
		}
	}
}

func TestOneIDOneContent(t *testing.T) {
	for name, other := range map[string]mvcc.Content{
		"another value":            puts("a", "2", "z", "1"),
		"another secondary":        puts("a", "1", "y", "1"),
		"one shard instead of two": puts("a", "1", "b", "1"),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "m")
			c := w.coordinator()
			start := begin(t, c)
			_, err := c.Commit(t.Context(), Transaction{Start: start}, puts("a", "1", "z", "1"))
			require.NoError(t, err)
			w.settle()
			_, err = w.coordinator().Commit(t.Context(), Transaction{Start: start}, other)
			var mismatch *mvcc.DigestMismatchError
			require.ErrorAs(t, err, &mismatch)
			w.settle()
			require.Equal(t, []string{"1", "1", "-", "-"}, w.values("a", "z", "y", "b"))
		})
	}
}

// S7 (iv): a duplicate meets a rival's lock and is refused; before it answers, the rival gives
// up and the other copy commits. "Aborted" would be wrong then.
func TestADuplicatesConflictIsDecidedAtThePrimary(t *testing.T) {
	w := newWorld(t, "m")
	first, second, rival := w.coordinator(), w.coordinator(), w.coordinator()
	start := begin(t, first)
	content := puts("a", "1", "z", "1")
	r, err := rival.newCommit(Transaction{Start: begin(t, rival)}, puts("z", "2", "b", "2"))
	require.NoError(t, err)
	w.fault = func(call *routing.Call) fault {
		if call.To.Span.Contains("b") { // it is never laid
			return lost
		}
		return none
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.after = func(*routing.Call) { cancel() }
	require.ErrorIs(t, r.prewrite(ctx), context.Canceled)
	w.fault = nil
	require.Len(t, w.locks(), 1)
	var commitTS timestamp.Timestamp
	w.after = func(call *routing.Call) {
		var conflict *mvcc.WriteConflictError
		if !errors.As(call.Err, &conflict) {
			return
		}
		require.False(t, conflict.Final)
		w.after = nil
		refusal := call.Err // the calls below go through the same world
		_, err := r.abort(t.Context(), refusal)
		require.True(t, aborted(err))
		w.settle()
		commitTS, err = second.Commit(t.Context(), Transaction{Start: start}, content)
		require.NoError(t, err)
		call.Err = refusal
	}
	again, err := first.Commit(t.Context(), Transaction{Start: start}, content)
	require.NoError(t, err)
	require.NotZero(t, commitTS)
	require.Equal(t, commitTS, again)
}

func TestConflictsAndRefusals(t *testing.T) {
	w := newWorld(t, "m")
	c := w.coordinator()
	start := begin(t, c)
	_, err := c.Commit(t.Context(), Transaction{Start: begin(t, c)}, puts("z", "newer"))
	require.NoError(t, err)
	_, err = c.Commit(t.Context(), Transaction{Start: start}, puts("a", "1", "z", "1"))
	var conflict *mvcc.WriteConflictError
	require.ErrorAs(t, err, &conflict)
	require.True(t, conflict.Final)
	w.settle()
	require.Empty(t, w.locks(), "what was laid before the conflict is taken back")
	status, err := c.Outcome(t.Context(), start, "a")
	require.NoError(t, err)
	require.Equal(t, mvcc.Aborted, status.Decision)

	start = begin(t, c)
	content := mvcc.Content{Mutations: []mvcc.Mutation{{Op: mvcc.MutationPut, Key: "a", Value: []byte("1")},
		{Op: mvcc.MutationInsert, Key: "z", Value: []byte("1")}}}
	_, err = c.Commit(t.Context(), Transaction{Start: start}, content)
	var exists *mvcc.AlreadyExistsError
	require.ErrorAs(t, err, &exists)
	w.settle()
	require.Empty(t, w.locks())
	require.NoError(t, New(c).Delete(t.Context(), "z"))
	_, err = c.Commit(t.Context(), Transaction{Start: start}, content)
	require.True(t, aborted(err), "a refused Commit never commits later: %v", err)
	require.Equal(t, []string{"-", "-"}, w.values("a", "z"))
}

// A split between route and request, in either phase, costs a detour (P16).
func TestSplitOnTheWay(t *testing.T) {
	for _, at := range []string{"one-phase", "prewrite", "commit primary", "commit"} {
		t.Run(at, func(t *testing.T) {
			w := newWorld(t, "m")
			c := w.coordinator()
			content := puts("a", "1", "c", "2", "z", "3", "x", "4")
			if at == "one-phase" {
				content = puts("a", "1", "c", "2")
			}
			done := false
			w.fault = func(call *routing.Call) fault {
				if kind(call.Req) == at && !done {
					done = true
					w.split("b")
					w.split("y")
				}
				return none
			}
			_, err := c.Commit(t.Context(), Transaction{Start: begin(t, c)}, content)
			require.NoError(t, err)
			w.settle()
			require.True(t, done)
			require.Empty(t, w.locks())
			require.Equal(t, []string{"1", "2"}, w.values("a", "c"))
		})
	}
}

func TestUnknownOutcomeOfACommit(t *testing.T) {
	w := newWorld(t)
	c := w.coordinator()
	start := begin(t, c)
	w.fault = func(call *routing.Call) fault { return deaf }
	_, err := c.Commit(t.Context(), Transaction{Start: start}, puts("a", "1"))
	var undetermined *mvcc.UndeterminedError
	require.ErrorAs(t, err, &undetermined)
	require.Equal(t, start, undetermined.StartTS)
	require.Equal(t, mvcc.Key("a"), undetermined.Primary)
	w.fault = nil
	status, err := c.Outcome(t.Context(), start, "a")
	require.NoError(t, err)
	require.Equal(t, mvcc.Committed, status.Decision)
}

// The mirror of P1: what was never sent is no unknown outcome.
func TestNothingSentIsNotUnknown(t *testing.T) {
	w := newWorld(t, "m")
	c := w.coordinator()
	start := begin(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Commit(ctx, Transaction{Start: start}, puts("a", "1"))
	require.ErrorIs(t, err, context.Canceled)
	w.fault = func(call *routing.Call) fault { return lost }
	_, err = c.Commit(t.Context(), Transaction{Start: start}, puts("a", "1"))
	var unavailable *routing.UnavailableError
	require.ErrorAs(t, err, &unavailable)
	w.fault = func(call *routing.Call) fault { return deaf } // prewrites alone commit nothing
	_, err = c.Commit(t.Context(), Transaction{Start: start}, wide("a", "1", "z", "1"))
	require.ErrorAs(t, err, &unavailable)
	require.False(t, isUndetermined(err))
}

// Where the locks alone commit, an unheard one leaves the outcome open.
func TestUnheardLocksOfAnAsynchronousCommitAreUnknown(t *testing.T) {
	w := newWorld(t, "m")
	c := w.coordinator()
	start := begin(t, c)
	w.fault = func(call *routing.Call) fault {
		if call.To.Span.Contains("z") {
			return deaf
		}
		return none
	}
	_, err := c.Commit(t.Context(), Transaction{Start: start}, puts("a", "1", "z", "1"))
	require.True(t, isUndetermined(err), "%v", err)
	w.fault = nil
	commitTS, err := w.coordinator().Commit(t.Context(), Transaction{Start: start}, puts("a", "1", "z", "1"))
	require.NoError(t, err, "all stand: it was committed all the time")
	status, err := c.Outcome(t.Context(), start, "a")
	require.NoError(t, err)
	w.settle()
	require.Equal(t, []string{"1", "1"}, w.values("a", "z"))
	_ = status
	require.NotZero(t, commitTS)
}

// S21: whoever hears of a commit and begins then sees it, even where a reader from nowhere has
// driven the commit timestamp above what the oracle had issued.
func TestACommitIsDisclosedOnlyBelowTheOracle(t *testing.T) {
	w := newWorld(t)
	c := w.coordinator()
	start := begin(t, c)
	w.shards[0].maxRead = w.issued + 5
	before := w.issued
	commitTS, err := c.Commit(t.Context(), Transaction{Start: start}, puts("a", "1"))
	require.NoError(t, err)
	require.Equal(t, before+6, commitTS)
	require.GreaterOrEqual(t, w.issued.Next(), commitTS)
	require.Equal(t, []string{"1"}, w.values("a"))
}

// The same for who is shown the newest version: blind puts with older ids commit one above the
// other, ahead of the oracle, and nobody has acknowledged them yet.
func TestTheNewestIsShownOnlyBelowTheOracle(t *testing.T) {
	w := newWorld(t)
	writer, reader := w.coordinator(), New(w.coordinator())
	var ids []timestamp.Timestamp
	for range 4 {
		ids = append(ids, begin(t, writer))
	}
	for i := range ids {
		_, err := w.shards[0].serve(&mvcc.PrewriteArgs{Start: ids[len(ids)-1-i], Primary: "a", OnePhase: true,
			Autocommit: true, Mutations: puts("a", fmt.Sprint(i)).Mutations})
		require.NoError(t, err)
	}
	e, err := reader.Get(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, "3", string(e.Value))
	require.Equal(t, ids[3]+4, e.CommitTS)
	tx, err := reader.Begin(t.Context())
	require.NoError(t, err)
	again, err := tx.Get(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, "3", string(again), "what was shown once is seen by whoever begins then")
}

func TestAutocommit(t *testing.T) {
	w := newWorld(t, "m")
	c := w.coordinator()
	// In one shard a newer version is no conflict: nothing was read.
	w.fault = func(call *routing.Call) fault {
		if kind(call.Req) == "one-phase" {
			w.fault = nil
			_, err := w.coordinator().Autocommit(context.Background(), puts("a", "rival"))
			require.NoError(t, err)
		}
		return none
	}
	require.NoError(t, New(c).Put(t.Context(), "a", []byte("1")))
	require.Equal(t, []string{"1"}, w.values("a"))
	// Over several it is begun again after a definite abort.
	w.fault = func(call *routing.Call) fault {
		if kind(call.Req) == "prewrite" {
			w.fault = nil
			_, err := w.coordinator().Autocommit(context.Background(), puts("z", "rival"))
			require.NoError(t, err)
		}
		return none
	}
	_, err := c.Autocommit(t.Context(), puts("a", "2", "z", "2"))
	require.NoError(t, err)
	require.Equal(t, []string{"2", "2"}, w.values("a", "z"))
	// S9: it is applied once, whatever is lost, and what another wrote meanwhile stays.
	lost := false
	w.fault = func(call *routing.Call) fault {
		if kind(call.Req) == "one-phase" && !lost {
			lost = true
			return deaf
		}
		if kind(call.Req) == "one-phase" && w.fault != nil {
			w.fault = nil
			_, err := w.coordinator().Autocommit(context.Background(), puts("a", "later"))
			require.NoError(t, err)
		}
		return none
	}
	require.NoError(t, New(c).Put(t.Context(), "a", []byte("3")))
	require.Equal(t, []string{"later"}, w.values("a"))
}

func TestLargeContentGoesInChunks(t *testing.T) {
	w := newWorld(t)
	c := w.coordinator()
	var content mvcc.Content
	for i := range 5 {
		content.Mutations = append(content.Mutations, mvcc.Mutation{Op: mvcc.MutationPut,
			Key: mvcc.Key(fmt.Sprint("k", i)), Value: make([]byte, 700<<10)})
	}
	_, err := c.Commit(t.Context(), Transaction{Start: begin(t, c)}, content)
	require.NoError(t, err)
	w.settle()
	require.Empty(t, w.locks())
	require.NotContains(t, w.sent, "one-phase")
}
