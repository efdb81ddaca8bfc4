package txn

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

func TestUpdateRunsAgainAfterADefiniteAbort(t *testing.T) {
	w := newWorld(t, "m")
	db, rival := New(w.coordinator()), New(w.coordinator())
	runs := 0
	err := db.Update(t.Context(), func(tx *Txn) error {
		runs++
		v, err := tx.Get(t.Context(), "n")
		if err != nil {
			return err
		}
		if runs == 1 {
			require.NoError(t, rival.Put(t.Context(), "n", []byte("r")))
		}
		return errors.Join(tx.Put("n", append(v, 'x')), tx.Put("a", []byte("side")))
	})
	require.NoError(t, err)
	require.Equal(t, 2, runs)
	require.Equal(t, []string{"rx", "side"}, w.values("n", "a"), "no update is lost")
}

// The body runs again after nothing but a definite abort: not after its own error, and not
// where the outcome is open.
func TestUpdateDoesNotRunAgain(t *testing.T) {
	w := newWorld(t)
	db := New(w.coordinator())
	own, runs := errors.New("own"), 0
	require.Equal(t, own, db.Update(t.Context(), func(tx *Txn) error {
		runs++
		return errors.Join(tx.Put("a", []byte("1")), own)
	}).(interface{ Unwrap() []error }).Unwrap()[0])
	require.Equal(t, 1, runs)
	require.Equal(t, []string{"-"}, w.values("a"))
	w.fault = func(call *routing.Call) fault {
		if kind(call.Req) == "one-phase" {
			return deaf
		}
		return none
	}
	err := db.Update(t.Context(), func(tx *Txn) error { runs++; return tx.Put("a", []byte("1")) })
	require.True(t, isUndetermined(err), "%v", err)
	require.Equal(t, 2, runs)
}

func TestCommitCanBeCalledAgain(t *testing.T) {
	w := newWorld(t)
	db := New(w.coordinator())
	tx, err := db.Begin(t.Context())
	require.NoError(t, err)
	require.NoError(t, tx.Put("a", []byte("1")))
	w.fault = func(*routing.Call) fault { return deaf }
	require.True(t, isUndetermined(tx.Commit(t.Context())))
	require.ErrorIs(t, tx.Put("b", []byte("1")), ErrEnded, "the content stands")
	w.fault = nil
	require.NoError(t, tx.Commit(t.Context()))
	require.NotZero(t, tx.CommitTS())
	require.NoError(t, tx.Commit(t.Context()))
	require.ErrorIs(t, tx.Rollback(t.Context()), ErrCommitted)
}

func TestRollback(t *testing.T) {
	w := newWorld(t, "m")
	db := New(w.coordinator())
	tx, err := db.Begin(t.Context())
	require.NoError(t, err)
	require.NoError(t, tx.Put("a", []byte("1")))
	before := len(w.sent)
	require.NoError(t, tx.Rollback(t.Context()))
	require.Len(t, w.sent, before, "what was never sent has nothing to roll back")
	require.ErrorIs(t, tx.Commit(t.Context()), ErrEnded)

	tx, err = db.Begin(t.Context())
	require.NoError(t, err)
	require.NoError(t, errors.Join(tx.Put("a", []byte("1")), tx.Put("z", []byte("1"))))
	w.fault = func(*routing.Call) fault { return deaf }
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, tx.Commit(ctx))
	w.fault = nil
	require.NoError(t, tx.Rollback(t.Context()))
	require.Equal(t, []string{"-", "-"}, w.values("a", "z"))
	_, err = db.c.Commit(t.Context(), tx.tx, mvcc.Content{Mutations: tx.buffer.mutations()})
	require.True(t, aborted(err))
}

func TestReadOnly(t *testing.T) {
	w := newWorld(t)
	db := New(w.coordinator())
	require.ErrorIs(t, db.View(t.Context(), func(tx *Txn) error { return tx.Put("a", nil) }), ErrReadOnly)
}

// What one transaction makes of several operations on one key.
func TestBuffer(t *testing.T) {
	op := func(op mvcc.MutationOp) mvcc.Mutation { return mvcc.Mutation{Op: op, Key: "k", Value: []byte("v")} }
	for _, c := range []struct {
		name string
		ops  []mvcc.MutationOp
		want []mvcc.MutationOp
		err  bool
	}{
		{"the last put counts", []mvcc.MutationOp{mvcc.MutationPut, mvcc.MutationDelete, mvcc.MutationPut}, []mvcc.MutationOp{mvcc.MutationPut}, false},
		{"delete, then insert is put", []mvcc.MutationOp{mvcc.MutationDelete, mvcc.MutationInsert}, []mvcc.MutationOp{mvcc.MutationPut}, false},
		{"an insert stays one when put again", []mvcc.MutationOp{mvcc.MutationInsert, mvcc.MutationPut}, []mvcc.MutationOp{mvcc.MutationInsert}, false},
		{"an insert taken back was one", []mvcc.MutationOp{mvcc.MutationInsert, mvcc.MutationDelete},
			[]mvcc.MutationOp{mvcc.MutationCheckAbsent, mvcc.MutationDelete}, false},
		{"a check beside a write", []mvcc.MutationOp{mvcc.MutationPut, mvcc.MutationCheckExists},
			[]mvcc.MutationOp{mvcc.MutationCheckExists, mvcc.MutationPut}, false},
		{"insert over an own put", []mvcc.MutationOp{mvcc.MutationPut, mvcc.MutationInsert}, nil, true},
		{"two checks", []mvcc.MutationOp{mvcc.MutationCheckAbsent, mvcc.MutationCheckExists}, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b buffer
			var err error
			for _, o := range c.ops {
				err = errors.Join(err, b.add(op(o)))
			}
			require.Equal(t, c.err, err != nil, "%v", err)
			if c.err {
				return
			}
			var got []mvcc.MutationOp
			for _, m := range b.mutations() {
				got = append(got, m.Op)
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestBufferIsBounded(t *testing.T) {
	var b buffer
	value := make([]byte, mvcc.MaxValueSize)
	var err error
	n := 0
	for ; err == nil; n++ {
		err = b.add(mvcc.Mutation{Op: mvcc.MutationPut, Key: mvcc.Key([]byte{'k', byte(n)}), Value: value})
	}
	var invalid *mvcc.InvalidError
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, mvcc.ReasonTransactionTooLarge, invalid.Reason)
	require.LessOrEqual(t, b.size, mvcc.MaxTransactionSize)
	require.Equal(t, 15, b.keys.Len())
	require.NoError(t, b.add(mvcc.Mutation{Op: mvcc.MutationDelete, Key: mvcc.Key([]byte{'k', 0})}), "what makes it smaller is taken")
}
