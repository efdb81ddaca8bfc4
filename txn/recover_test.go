package txn

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// laid has some of an asynchronous commit's locks laid by a coordinator that then dies.
func laid(t *testing.T, w *world, content mvcc.Content, keys string) (Transaction, *commit) {
	c := w.coordinator()
	tx := Transaction{Start: begin(t, c)}
	dead, err := c.newCommit(tx, content)
	require.NoError(t, err)
	for _, m := range content.Mutations {
		if !strings.Contains(keys, string(m.Key)) {
			continue
		}
		d, err := w.lookup(t.Context(), m.Key)
		require.NoError(t, err)
		call := &routing.Call{To: d[0], Req: dead.prewriteArgs([]mvcc.Mutation{m}, c.expiry())}
		w.Send(t.Context(), []*routing.Call{call}, nil)
		require.NoError(t, call.Err)
	}
	return tx, dead
}

// A transaction may go on at a gateway that has never asked the oracle: its locks are as good as
// others' all the same (S8).
func TestLocksOfAGatewayThatHasJustStarted(t *testing.T) {
	w := newWorld(t, "g", "p")
	w.clock += time.Hour // the oracle's time is no small number
	alive := func(tx Transaction) {
		require.NotEmpty(t, w.locks())
		for _, l := range w.locks() {
			require.Greater(t, l.Expires, tx.Start.Add(time.Second))
		}
	}
	tx := Transaction{Start: begin(t, w.coordinator()), Pessimistic: true}
	_, err := w.coordinator().Claim(t.Context(), &tx, []mvcc.Key{"a", "z"})
	require.NoError(t, err)
	alive(tx)
	_, err = w.coordinator().Commit(t.Context(), tx, puts("a", "1"))
	require.NoError(t, err)
	w.settle()
	tx = Transaction{Start: begin(t, w.coordinator())}
	_, err = w.coordinator().Commit(t.Context(), tx, puts("a", "2", "h", "2"))
	require.NoError(t, err)
	alive(tx)
}

// An acknowledged commit is committed to whoever asks, also before its record is written; and
// asking writes nothing.
func TestOutcomeBeforeTheRecord(t *testing.T) {
	content := puts("a", "1", "h", "2", "z", "3")
	for _, keys := range []string{"a", "h", "z", "ah", "az", "hz", "ahz"} {
		w := newWorld(t, "g", "p")
		tx, _ := laid(t, w, content, keys)
		locks := w.locks()
		status, err := w.coordinator().Outcome(t.Context(), tx.Start, "a")
		require.NoError(t, err)
		if keys == "ahz" {
			require.Equal(t, mvcc.Committed, status.Decision)
			at, err := w.coordinator().Commit(t.Context(), tx, content)
			require.NoError(t, err)
			require.Equal(t, at, status.CommitTS)
			continue
		}
		require.Equal(t, mvcc.Undecided, status.Decision, keys)
		require.Equal(t, locks, w.locks())
	}
}

// Whatever part of the locks stands when the coordinator dies, and whoever comes then: all
// stand, and it is committed, at once; one is missing, and it is aborted once the locks' time
// is over. Everybody hears the same (P2, S7, S8).
func TestRecoveryOfAnAsynchronousCommit(t *testing.T) {
	content := puts("a", "1", "h", "2", "z", "3")
	visitors := map[string]func(t *testing.T, w *world, tx Transaction){
		"a reader": func(t *testing.T, w *world, tx Transaction) { w.values("a", "h", "z") },
		"a sweep": func(t *testing.T, w *world, tx Transaction) {
			w.coordinator().Resolve(w.locks())
			w.settle()
		},
		"a rollback": func(t *testing.T, w *world, tx Transaction) {
			tx.Primary = "a"
			_, err := w.coordinator().Rollback(t.Context(), tx)
			require.NoError(t, err)
			w.values("a", "h", "z")
		},
		"a repeat": func(t *testing.T, w *world, tx Transaction) {
			_, err := w.coordinator().Commit(t.Context(), tx, content)
			require.NoError(t, err)
			w.settle()
		},
	}
	for name, visit := range visitors {
		for _, keys := range []string{"a", "h", "z", "ah", "az", "hz", "ahz"} {
			t.Run(fmt.Sprint(name, " finds ", keys), func(t *testing.T) {
				w := newWorld(t, "g", "p")
				tx, dead := laid(t, w, content, keys)
				began := w.clock
				visit(t, w, tx)
				all := keys == "ahz" || name == "a repeat"
				want, decision := []string{"-", "-", "-"}, mvcc.Aborted
				if all {
					want, decision = []string{"1", "2", "3"}, mvcc.Committed
					require.Less(t, w.clock-began, time.Second, "nobody waits for what is committed")
				} else if name != "a rollback" {
					require.GreaterOrEqual(t, w.clock-began, 4*time.Second, "a lock's time is its own")
				}
				require.Equal(t, want, w.values("a", "h", "z"))
				require.Empty(t, w.locks())
				status, err := w.coordinator().Outcome(t.Context(), tx.Start, "a")
				require.NoError(t, err)
				require.Equal(t, decision, status.Decision)
				_, err = dead.run(context.Background()) // the dead rise, and find it decided
				require.Equal(t, all, err == nil, "%v", err)
				w.settle()
				require.Equal(t, want, w.values("a", "h", "z"))
				require.Empty(t, w.locks())
			})
		}
	}
}

// A coordinator that is refused at one shard aborts only through recovery: its copy at another
// gateway may have laid all (P2, S7 iv).
func TestARefusedCopyOfACommittedOne(t *testing.T) {
	w := newWorld(t, "m")
	first, second := w.coordinator(), w.coordinator()
	tx, content := Transaction{Start: begin(t, first)}, puts("a", "1", "z", "1")
	var commitTS any
	w.after = func(call *routing.Call) {
		if kind(call.Req) != "prewrite" || !call.To.Span.Contains("z") {
			return
		}
		w.after = nil
		ts, err := second.Commit(t.Context(), tx, content)
		require.NoError(t, err)
		commitTS = ts
		call.Res, call.Err = nil, &mvcc.WriteConflictError{Key: "z", StartTS: tx.Start, ConflictTS: tx.Start + 9}
	}
	again, err := first.Commit(t.Context(), tx, content)
	require.NoError(t, err)
	require.Equal(t, commitTS, any(again))
	w.settle()
	require.Equal(t, []string{"1", "1"}, w.values("a", "z"))
	require.Empty(t, w.locks())
}

// Async is a function of the content: gateways choose the same.
func TestAsync(t *testing.T) {
	key := func(i, size int) mvcc.Mutation {
		return mvcc.Mutation{Op: mvcc.MutationPut, Key: mvcc.Key(fmt.Sprintf("%0*d", size, i))}
	}
	many := func(n, size int) (c mvcc.Content) {
		for i := range n {
			c.Mutations = append(c.Mutations, key(i, size))
		}
		return c
	}
	for _, c := range []struct {
		name string
		mvcc.Content
		want bool
	}{
		{"a few keys", many(3, 8), true},
		{"256 keys", many(256, 8), true},
		{"257 keys", many(257, 8), false},
		{"64 KiB of keys", many(16, 4096), true},
		{"more", many(17, 4096), false},
		{"serializable, nothing read", mvcc.Content{Mutations: many(3, 8).Mutations, Serializable: true}, true},
		{"serializable", mvcc.Content{Mutations: many(3, 8).Mutations, Serializable: true, ReadKeys: []mvcc.Key{"x"}}, false},
	} {
		require.Equal(t, c.want, Async(&c.Content), c.name)
	}
}
