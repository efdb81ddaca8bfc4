package txn

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// Two transactions that overlap and add to the same numbers both commit, in one shard and over
// two: no abort, and nothing is lost.
func TestAdditionsDoNotConflict(t *testing.T) {
	for _, splits := range [][]mvcc.Key{nil, {"m"}} {
		w := newWorld(t, splits...)
		var txs []*Txn
		for range 3 {
			tx, err := New(w.coordinator()).Begin(t.Context())
			require.NoError(t, err)
			require.NoError(t, tx.Add("a", 2))
			require.NoError(t, tx.Add("z", -2))
			txs = append(txs, tx)
		}
		for _, tx := range txs {
			require.NoError(t, tx.Commit(t.Context()))
		}
		require.NoError(t, New(w.coordinator()).Add(t.Context(), "a", 1))
		w.settle()
		require.Equal(t, []string{"7", "-6"}, w.values("a", "z"))
	}
}

// A refused operation never commits later, also where the value becomes a number meanwhile.
func TestARefusedOperationStaysRefused(t *testing.T) {
	for _, splits := range [][]mvcc.Key{nil, {"m"}} {
		w := newWorld(t, splits...)
		put(t, w, "z", "text")
		c := w.coordinator()
		tx := Transaction{Start: begin(t, c)}
		content := puts("a", "1")
		content.Mutations = append(content.Mutations, addition("z", 1))
		_, err := c.Commit(t.Context(), tx, content)
		var atomic *mvcc.AtomicError
		require.ErrorAs(t, err, &atomic)
		require.Equal(t, mvcc.Key("z"), atomic.Key)
		w.settle()
		put(t, w, "z", "5")
		_, err = c.Commit(t.Context(), tx, content)
		require.True(t, aborted(err), "%v", err)
		require.Equal(t, []string{"-", "5"}, w.values("a", "z"))
		require.Empty(t, w.locks())
	}
}

// What a transaction reads of a key that it has added to, and what becomes of several
// operations on one key.
func TestOwnAtomicOperations(t *testing.T) {
	type op = mvcc.Mutation
	add := func(n int64) op { return addition("k", n) }
	one := func(o mvcc.MutationOp, v string) op { return op{Op: o, Key: "k", Value: []byte(v)} }
	for _, c := range []struct {
		name, before string // "-": nothing is there
		ops          []op
		want         string
		bad          bool
	}{
		{"add to nothing", "-", []op{add(3)}, "3", false},
		{"add twice", "1", []op{add(3), add(-5)}, "-1", false},
		{"add to an own put", "1", []op{one(mvcc.MutationPut, "7"), add(1)}, "8", false},
		{"put over an addition", "1", []op{add(1), one(mvcc.MutationPut, "7")}, "7", false},
		{"add after a delete", "1", []op{one(mvcc.MutationDelete, ""), add(1)}, "1", false},
		{"delete an addition", "1", []op{add(1), one(mvcc.MutationDelete, "")}, "-", false},
		{"append", "x", []op{one(mvcc.MutationAppend, "y"), one(mvcc.MutationAppend, "z")}, "xyz", false},
		{"the larger", "5", []op{one(mvcc.MutationMax, "3"), one(mvcc.MutationMax, "9")}, "9", false},
		{"the smaller", "5", []op{one(mvcc.MutationMin, "3"), one(mvcc.MutationMin, "9")}, "3", false},
		{"two kinds", "5", []op{one(mvcc.MutationMin, "3"), add(1)}, "", true},
		{"insert over an addition", "-", []op{add(1), one(mvcc.MutationInsert, "1")}, "", true},
		{"no number", "5", []op{one(mvcc.MutationAdd, "x")}, "", true},
		{"own put is no number", "5", []op{one(mvcc.MutationPut, "x"), add(1)}, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			if c.before != "-" {
				put(t, w, "k", c.before)
			}
			tx, err := New(w.coordinator()).Begin(t.Context())
			require.NoError(t, err)
			for _, o := range c.ops {
				if err == nil {
					err = tx.write(o)
				}
			}
			require.Equal(t, c.bad, err != nil, "%v", err)
			if c.bad {
				return
			}
			show := func(found bool, v []byte) string {
				if !found {
					return "-"
				}
				return string(v)
			}
			entries, err := tx.MultiGet(t.Context(), "k")
			require.NoError(t, err)
			require.Equal(t, c.want, show(entries[0].Found, entries[0].Value))
			scanned := "-"
			for e, err := range tx.Scan(t.Context(), "", "") {
				require.NoError(t, err)
				scanned = string(e.Value)
			}
			require.Equal(t, c.want, scanned)
			require.NoError(t, tx.Commit(t.Context()))
			require.Equal(t, []string{c.want}, w.values("k"))
		})
	}
}

// P17: a large transaction has no more than a window of it under way at any time.
func TestLargeContentGoesInWindows(t *testing.T) {
	w := newWorld(t, "m")
	c := w.coordinator()
	content := mvcc.Content{}
	for i := range 40 {
		content.Mutations = append(content.Mutations, mvcc.Mutation{Op: mvcc.MutationPut,
			Key: mvcc.Key(fmt.Sprintf("%c%02d", 'a'+i%2*20, i)), Value: make([]byte, 1<<20)})
	}
	largest, underway := 0, 0
	w.fault = func(call *routing.Call) fault {
		if a, ok := call.Req.(*mvcc.PrewriteArgs); ok {
			for _, m := range a.Mutations {
				underway += len(m.Value)
			}
		}
		return none
	}
	w.sending = func() { largest, underway = max(largest, underway), 0 }
	_, err := c.Commit(t.Context(), Transaction{Start: begin(t, c)}, content)
	require.NoError(t, err)
	w.settle()
	require.Empty(t, w.locks())
	require.LessOrEqual(t, largest, windowSize)
	require.Greater(t, largest, windowSize/2, "but not one after the other either")
}
