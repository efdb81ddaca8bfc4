package txn

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

func pessimistic(t *testing.T, w *world) *Txn {
	tx, err := New(w.coordinator()).Begin(t.Context(), Pessimistic())
	require.NoError(t, err)
	return tx
}

func put(t *testing.T, w *world, keysAndValues ...string) {
	_, err := w.coordinator().Autocommit(t.Context(), puts(keysAndValues...))
	require.NoError(t, err)
	w.settle()
}

func TestClaimsReadTheNewestAndKeepOthersOut(t *testing.T) {
	w := newWorld(t, "m")
	put(t, w, "a", "1", "z", "1")
	tx := pessimistic(t, w)
	put(t, w, "a", "2", "z", "2")
	before := tx.ReadTS()
	v, err := tx.GetForUpdate(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, "2", string(v), "the newest, not that of Begin")
	require.Greater(t, tx.ReadTS(), before, "all that it reads is of one state (S5)")
	v, err = tx.Get(t.Context(), "z")
	require.NoError(t, err)
	require.Equal(t, "2", string(v))
	require.Equal(t, []string{"2"}, w.values("a"), "claims never block reads")

	// An optimistic writer that comes now has to wait for the claim, or conflicts.
	w.fault = func(call *routing.Call) fault {
		if kind(call.Req) == "check" { // meanwhile the claim's transaction commits
			w.fault = nil
			require.NoError(t, tx.Put("a", []byte("3")))
			require.NoError(t, tx.Put("z", []byte("3")))
			require.NoError(t, tx.Commit(t.Context()))
			w.settle()
		}
		return none
	}
	rival, err := New(w.coordinator()).Begin(t.Context())
	require.NoError(t, err)
	_, err = rival.Get(t.Context(), "a")
	require.NoError(t, err)
	require.NoError(t, rival.Put("a", []byte("rival")))
	require.True(t, aborted(rival.Commit(t.Context())), "no update is lost between the two kinds (P12)")
	require.Equal(t, []string{"3", "3"}, w.values("a", "z"))
	require.Empty(t, w.locks())
}

// S5: after a plain read a claim that meets something newer is a conflict, and the transaction
// is over: what it has claimed is free at once.
func TestAClaimAfterAPlainRead(t *testing.T) {
	w := newWorld(t, "m")
	put(t, w, "a", "1", "b", "1", "z", "1")
	tx := pessimistic(t, w)
	_, err := tx.GetForUpdate(t.Context(), "b")
	require.NoError(t, err)
	_, err = tx.Get(t.Context(), "a")
	require.NoError(t, err)
	put(t, w, "z", "2")
	_, err = tx.GetForUpdate(t.Context(), "z")
	var conflict *mvcc.WriteConflictError
	require.ErrorAs(t, err, &conflict)
	w.settle()
	require.Empty(t, w.locks())
	require.True(t, aborted(tx.Commit(t.Context())))
}

// S6: a key that was claimed and not written keeps its place in the order: whoever began before
// the commit and writes it afterwards conflicts with its mark.
func TestUnwrittenClaimsBecomeMarks(t *testing.T) {
	w := newWorld(t, "g", "p")
	put(t, w, "a", "1", "h", "1", "z", "1")
	rivals := []*Txn{}
	for _, k := range []mvcc.Key{"a", "h"} {
		rival, err := New(w.coordinator()).Begin(t.Context())
		require.NoError(t, err)
		require.NoError(t, rival.Delete(k))
		rivals = append(rivals, rival)
	}
	tx := pessimistic(t, w)
	_, err := tx.MultiGetForUpdate(t.Context(), "a", "h")
	require.NoError(t, err)
	require.NoError(t, tx.Put("z", []byte("2")))
	require.NoError(t, tx.Commit(t.Context()))
	w.settle()
	require.Empty(t, w.locks(), "what was claimed only is turned, too")
	for _, rival := range rivals {
		require.True(t, aborted(rival.Commit(t.Context())))
	}
	status, err := w.coordinator().Outcome(t.Context(), tx.ID(), "a")
	require.NoError(t, err)
	require.Equal(t, mvcc.Committed, status.Decision, "the first key claimed is the primary")
	require.Equal(t, tx.CommitTS(), status.CommitTS)
}

// A transaction whose time was over commits nothing, whatever it claims to hold.
func TestLostClaims(t *testing.T) {
	w := newWorld(t, "m")
	c := w.coordinator()
	tx := Transaction{Start: begin(t, c), Pessimistic: true}
	_, err := c.Claim(t.Context(), &tx, []mvcc.Key{"a", "z"})
	require.NoError(t, err)
	require.Equal(t, mvcc.Key("a"), tx.Primary)
	require.NoError(t, c.Heartbeat(t.Context(), tx))
	w.clock += 2 * c.cfg.LockTTL
	put(t, w, "z", "2") // a visitor
	err = c.Heartbeat(t.Context(), tx)
	require.True(t, aborted(err), "%v", err)
	_, err = c.Commit(t.Context(), tx, puts("z", "1"))
	require.True(t, aborted(err), "%v", err)
	_, err = c.Claim(t.Context(), &tx, []mvcc.Key{"a"})
	require.True(t, aborted(err), "%v", err)
	w.settle()
	require.Equal(t, []string{"-", "2"}, w.values("a", "z"))
	require.Empty(t, w.locks())
}

// A commit that claimed and wrote nothing is one all the same, and answers the same again.
func TestClaimsAlone(t *testing.T) {
	w := newWorld(t, "m")
	tx := pessimistic(t, w)
	_, err := tx.MultiGetForUpdate(t.Context(), "z", "a")
	require.NoError(t, err)
	require.NoError(t, tx.Commit(t.Context()))
	w.settle()
	again, err := w.coordinator().Commit(t.Context(), tx.tx, mvcc.Content{})
	require.NoError(t, err)
	require.Equal(t, tx.CommitTS(), again)
	require.Empty(t, w.locks())
}

func TestOptimisticTransactionsClaimNothing(t *testing.T) {
	w := newWorld(t)
	tx, err := New(w.coordinator()).Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.GetForUpdate(t.Context(), "a")
	var invalid *mvcc.InvalidError
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, "NOT_PESSIMISTIC", invalid.Reason)
	require.Empty(t, w.sent)
}

// An error of the closure's own frees what it has claimed.
func TestUpdateFreesClaims(t *testing.T) {
	w := newWorld(t, "m")
	own := errors.New("own")
	err := New(w.coordinator()).Update(t.Context(), func(tx *Txn) error {
		_, err := tx.MultiGetForUpdate(t.Context(), "a", "z")
		require.NoError(t, err)
		return own
	}, Pessimistic())
	require.Equal(t, own, err)
	w.settle()
	require.Empty(t, w.locks())
}

func TestSavepoints(t *testing.T) {
	w := newWorld(t, "m")
	tx := pessimistic(t, w)
	require.NoError(t, tx.Put("a", []byte("1")))
	require.NoError(t, tx.Savepoint("one"))
	require.NoError(t, tx.Put("a", []byte("2")))
	_, err := tx.GetForUpdate(t.Context(), "z")
	require.NoError(t, err)
	require.NoError(t, tx.Put("z", []byte("2")))
	require.NoError(t, tx.Savepoint("two"))
	require.NoError(t, tx.Delete("a"))
	require.NoError(t, tx.RollbackTo("one"))
	v, err := tx.Get(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, "1", string(v))
	var invalid *mvcc.InvalidError
	require.ErrorAs(t, tx.RollbackTo("two"), &invalid, "later ones are forgotten")
	require.Equal(t, "SAVEPOINT_UNKNOWN", invalid.Reason)
	require.NoError(t, tx.Put("b", []byte("3")))
	require.NoError(t, tx.RollbackTo("one"), "it stays")
	require.Len(t, w.locks(), 1, "claims made since are held until the end")
	require.NoError(t, tx.Commit(t.Context()))
	w.settle()
	require.Equal(t, []string{"1", "-", "-"}, w.values("a", "b", "z"))
	require.Empty(t, w.locks())
}

// S8: a transaction that was given up must not hold others up, also where its Rollback does not
// get through and its caller forgets it: nobody keeps its claims alive.
func TestFailedRollbackKeepsNothingAlive(t *testing.T) {
	w := newWorld(t, "m")
	c := w.coordinator()
	tx, err := New(c).Begin(t.Context(), Pessimistic())
	require.NoError(t, err)
	_, err = tx.GetForUpdate(t.Context(), "a")
	require.NoError(t, err)
	require.Len(t, c.keeper.kept, 1)
	w.fault = func(*routing.Call) fault { return lost }
	require.Error(t, tx.Rollback(t.Context()))
	require.Empty(t, c.keeper.kept)
}
