package txn

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
)

// settleAll settles every lock that stands, and returns what was decided last.
func settleAll(t *testing.T, w *world, force bool) mvcc.TxnStatus {
	var last mvcc.TxnStatus
	for _, l := range w.locks() {
		status, err := w.coordinator().Settle(t.Context(), l, force)
		require.NoError(t, err)
		last = status
	}
	return last
}

// An operator meets the locks of a transaction that is alive: asked, they stand; by force it
// is aborted, and its commit is refused (P9).
func TestSettleClaims(t *testing.T) {
	w := newWorld(t, "m")
	holder := w.coordinator()
	tx := Transaction{Start: begin(t, holder), Pessimistic: true}
	_, err := holder.Claim(t.Context(), &tx, []mvcc.Key{"a", "z"})
	require.NoError(t, err)

	status := settleAll(t, w, false)
	require.Equal(t, mvcc.Undecided, status.Decision)
	require.Positive(t, status.Expires)
	require.Len(t, w.locks(), 2)

	require.Equal(t, mvcc.Aborted, settleAll(t, w, true).Decision)
	require.Empty(t, w.locks())
	_, err = holder.Commit(t.Context(), tx, puts("a", "1", "z", "1"))
	require.True(t, aborted(err), "%v", err)
	require.Equal(t, []string{"-", "-"}, w.values("a", "z"))
}

// Past its expiry no force is needed.
func TestSettleTheDead(t *testing.T) {
	w := newWorld(t, "m")
	holder := w.coordinator()
	tx := Transaction{Start: begin(t, holder), Pessimistic: true}
	_, err := holder.Claim(t.Context(), &tx, []mvcc.Key{"a", "z"})
	require.NoError(t, err)
	w.clock += 2 * holder.cfg.LockTTL
	require.Equal(t, mvcc.Aborted, settleAll(t, w, false).Decision)
	require.Empty(t, w.locks())
}

// Force never aborts an asynchronous commit all of whose locks stand: it is committed, and its
// client may have been told (P2). Where one is missing, it is fenced first.
func TestForceRecoversAsynchronousCommits(t *testing.T) {
	for _, c := range []struct {
		name, laid string
		want       mvcc.Decision
		values     []string
	}{
		{"all stand", "abz", mvcc.Committed, []string{"1", "2", "3"}},
		{"one is missing", "az", mvcc.Aborted, []string{"-", "-", "-"}},
		{"the primary is missing", "bz", mvcc.Aborted, []string{"-", "-", "-"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "m")
			laid(t, w, puts("a", "1", "b", "2", "z", "3"), c.laid)
			if c.name != "all stand" {
				require.Equal(t, mvcc.Undecided, settleAll(t, w, false).Decision, "it may be under way")
				require.Len(t, w.locks(), len(c.laid))
			}
			require.Equal(t, c.want, settleAll(t, w, true).Decision)
			require.Empty(t, w.locks())
			require.Equal(t, c.values, w.values("a", "b", "z"))
		})
	}
}
