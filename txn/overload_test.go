package txn

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// S7: a Commit that a shard refuses because it is overloaded decides nothing. The same Commit
// goes through meanwhile, at another gateway: the first one must not take its locks away.
func TestOverloadRollsNothingBack(t *testing.T) {
	w := newWorld(t, "m")
	first, second := w.coordinator(), w.coordinator()
	content, start := wide("a", "1", "z", "1"), begin(t, first)
	w.after = func(call *routing.Call) {
		if kind(call.Req) == "commit primary" {
			w.after = nil
			call.Res, call.Err = nil, &routing.OverloadedError{Shard: call.To.ID, Why: "busy"}
		}
	}
	var busy *routing.OverloadedError
	_, err := first.Commit(t.Context(), Transaction{Start: start}, content)
	require.ErrorAs(t, err, &busy)
	commitTS, err := second.Commit(t.Context(), Transaction{Start: start}, content)
	require.NoError(t, err)
	w.settle() // what the first spawned comes first
	require.Equal(t, []string{"1", "1"}, w.values("a", "z"))
	status, err := first.Outcome(t.Context(), start, "a")
	require.NoError(t, err)
	require.Equal(t, mvcc.Committed, status.Decision)
	require.Equal(t, commitTS, status.CommitTS)
}

// S9: the first try of a prewrite is done and its answer is lost, the second hears of another
// route, and then nobody answers any more. All locks of the asynchronous commit stand, so that
// "nothing is committed" must not be said: an autocommit would be sent again.
func TestAnEarlierTryIsNotForgotten(t *testing.T) {
	w := newWorld(t, "m")
	away := false
	w.fault = func(call *routing.Call) fault {
		if away {
			return lost
		}
		return none
	}
	w.after = func(call *routing.Call) {
		if kind(call.Req) == "prewrite" && call.To.Span.Contains("z") {
			away = true
			call.Res, call.Err, call.Maybe = nil, &routing.EpochMismatchError{Shard: call.To.ID}, true
		}
	}
	_, err := w.coordinator().Autocommit(t.Context(), puts("a", "1", "z", "1"))
	var undetermined *mvcc.UndeterminedError
	require.ErrorAs(t, err, &undetermined)
}
