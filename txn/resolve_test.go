package txn

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// The holder of a lock dies with nothing decided. The next visitor waits until the locks' time
// is over, by oracle time, and goes on; a heartbeat sent in time makes it wait (P9, S8).
func TestLocksOfTheDeadExpire(t *testing.T) {
	w := newWorld(t, "m")
	dead, alive := w.coordinator(), w.coordinator()
	start := begin(t, dead)
	w.fault = func(call *routing.Call) fault {
		if kind(call.Req) == "commit primary" {
			w.dead = true
			return lost
		}
		return none
	}
	_, err := dead.Commit(t.Context(), Transaction{Start: start}, wide("a", "1", "z", "1"))
	require.ErrorIs(t, err, errDead)
	w.fault, w.dead, w.tasks = nil, false, nil
	require.Len(t, w.locks(), 2+asyncKeysMax)
	began := w.clock
	require.NoError(t, New(alive).Update(t.Context(), func(tx *Txn) error { return tx.Put("z", []byte("2")) }))
	require.Equal(t, []string{"-", "2"}, w.values("a", "z"))
	waited := w.clock - began
	require.GreaterOrEqual(t, waited, 4*time.Second, "a lock's time is its own")
	require.Less(t, waited, 6*time.Second)
	_, err = dead.Commit(t.Context(), Transaction{Start: start}, wide("a", "1", "z", "1"))
	require.True(t, aborted(err), "the dead do not rise: %v", err)
}

func TestVerdict(t *testing.T) {
	l := mvcc.Lock{Key: "z", StartTS: 10, Primary: "a", Digest: mvcc.Digest{1}}
	other := mvcc.Digest{2}
	for _, c := range []struct {
		name   string
		status mvcc.TxnStatus
		want   string
	}{
		{"committed", mvcc.TxnStatus{Decision: mvcc.Committed, CommitTS: 12, Digest: l.Digest}, "commit"},
		{"another content committed", mvcc.TxnStatus{Decision: mvcc.Committed, CommitTS: 12, Digest: other}, "rollback"},
		{"committed, but the key was no primary of it", mvcc.TxnStatus{Decision: mvcc.Committed, CommitTS: 12}, "rollback"},
		{"aborted", mvcc.TxnStatus{Decision: mvcc.Aborted, Digest: l.Digest}, "rollback"},
		{"fenced", mvcc.TxnStatus{Decision: mvcc.Aborted}, "rollback"},
		{"alive", mvcc.TxnStatus{Locked: true, Digest: l.Digest}, ""},
		{"the primary is not there yet", mvcc.TxnStatus{Expires: 20}, ""},
		{"another content holds the primary", mvcc.TxnStatus{Locked: true, Digest: other}, "rollback"},
		{"too old to tell", mvcc.TxnStatus{Expired: true}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := verdict(l, &c.status)
			if c.want == "" {
				require.Nil(t, got)
				return
			}
			require.Equal(t, c.want, kind(got))
			require.Equal(t, []mvcc.Key{"z"}, requestKeys(got))
		})
	}
}

func TestResolveInTheBackground(t *testing.T) {
	w := newWorld(t, "m")
	c := w.coordinator()
	w.fault = func(call *routing.Call) fault {
		if kind(call.Req) == "commit" {
			return death
		}
		return none
	}
	_, err := c.Commit(t.Context(), Transaction{Start: begin(t, c)}, puts("a", "1", "z", "1"))
	require.NoError(t, err)
	w.settle()
	w.fault, w.dead = nil, false
	w.coordinator().Resolve(w.locks())
	w.settle()
	require.Empty(t, w.locks())
}

func TestHeartbeats(t *testing.T) {
	w := newWorld(t, "m")
	c := w.coordinator()
	start := begin(t, c)
	content := puts("a", "1", "z", "1")
	tx, err := c.newCommit(Transaction{Start: start}, content)
	require.NoError(t, err)
	require.NoError(t, tx.prewrite(t.Context()))
	before := w.locks()[0].Expires
	done := c.keeper.keep(start, "a")
	w.clock += 2 * time.Second
	old, more := c.keeper.due(time.Second)
	require.True(t, more)
	c.keeper.beat(t.Context(), old)
	require.Greater(t, w.locks()[0].Expires, before)
	done()
	_, more = c.keeper.due(time.Second)
	require.False(t, more, "the keeper rests when there is nothing to keep")
}

// patience: what does not pass is not waited for, what passes is, and not for ever.
func TestPatience(t *testing.T) {
	w := newWorld(t)
	c := w.coordinator()
	p := c.patience()
	odd := errors.New("odd")
	require.Equal(t, odd, p.pause(t.Context(), odd))
	away := &routing.UnavailableError{Why: "away"}
	tries := 0
	for p.pause(t.Context(), away) == nil {
		tries++
	}
	require.Greater(t, tries, 100)
	require.GreaterOrEqual(t, w.clock, 30*time.Second)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	q := c.patience()
	require.ErrorIs(t, q.pause(ctx, away), context.Canceled)
}
