package isolation

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
	"github.com/shaledb/shale/txn"
)

// testPast reads as of every moment of a short history: x and y are written together, so
// that each state of the past is x = y.
//
//	     C1      C2      C3
//	none │ 1 1   │ 2 2   │ 3 3 ── now
func testPast(t *testing.T, w *world) {
	for _, l := range w.lanes {
		if l.mode != optimistic {
			continue // reading the past is the same for all
		}
		l = l.beside(t, "past")
		t.Run(l.place.String(), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), stepTimeout)
			defer cancel()
			commits := writeHistory(t, ctx, l)
			for i, at := range commits {
				requirePast(t, ctx, l, at.Prev(), i) // just before it: the state of the one before
				requirePast(t, ctx, l, at, i+1)
			}
			requireStale(t, ctx, l, len(commits))
		})
	}
	t.Run("bounds", func(t *testing.T) { testBounds(t, w) })
}

// writeHistory commits 1, 2, 3 to both keys; leaders move in between, and at the end a shard
// splits under the history.
func writeHistory(t *testing.T, ctx context.Context, l *lane) []timestamp.Timestamp {
	var commits []timestamp.Timestamp
	for i := range 3 {
		tx, err := l.w.db(i).Begin(ctx)
		require.NoError(t, err)
		for _, name := range []string{"x", "y"} {
			require.NoError(t, tx.Put(l.key(name), strconv.AppendInt(nil, int64(i+1), 10)))
		}
		require.NoError(t, tx.Commit(ctx))
		commits = append(commits, tx.CommitTS())
		if l.place == moved {
			_, err := l.w.move(ctx, l.key("x"))
			require.NoError(t, err)
		}
	}
	require.NoError(t, l.w.split(ctx, l.key("xm")))
	return commits
}

// requirePast reads as of a moment, by keys and by a scan, and finds the i-th state.
func requirePast(t *testing.T, ctx context.Context, l *lane, at timestamp.Timestamp, i int) {
	t.Helper()
	pair, err := readPair(ctx, l.w.db(1), l, txn.AsOf(at))
	require.NoError(t, err)
	require.Equal(t, [2]int{i, i}, pair)
	tx, err := l.w.db(2).Begin(ctx, txn.AsOf(at))
	require.NoError(t, err)
	require.Equal(t, at, tx.ReadTS())
	require.ErrorIs(t, tx.Put(l.key("x"), nil), txn.ErrReadOnly)
	all, n := l.span("", ""), 0
	for e, err := range tx.Scan(ctx, all.Start, all.End) {
		require.NoError(t, err)
		require.Equal(t, strconv.Itoa(i), string(e.Value))
		require.LessOrEqual(t, e.CommitTS, at)
		n++
	}
	require.Equal(t, min(i, 1)*2, n)
}

// requireStale reads with a bound on staleness: some state of the past, whole, and the same
// one for all its reads. A process that has just heard of a timestamp has the newest one.
func requireStale(t *testing.T, ctx context.Context, l *lane, newest int) {
	t.Helper()
	for i := range processes {
		pair, err := readPair(ctx, l.w.db(i), l, txn.MaxStaleness(time.Minute))
		require.NoError(t, err)
		require.Equal(t, pair[0], pair[1])
		_, err = l.w.db(i).Begin(ctx)
		require.NoError(t, err)
		pair, err = readPair(ctx, l.w.db(i), l, txn.MaxStaleness(time.Minute))
		require.NoError(t, err)
		require.Equal(t, [2]int{newest, newest}, pair)
	}
}

// testBounds asks for what is out of range, and for what is just within.
func testBounds(t *testing.T, w *world) {
	ctx, cancel := context.WithTimeout(t.Context(), stepTimeout)
	defer cancel()
	db := w.db(0)
	now, err := db.Coordinator().Now(ctx)
	require.NoError(t, err)
	_, err = db.Begin(ctx, txn.AsOf(now.Add(time.Hour)))
	var future *mvcc.FutureError
	require.ErrorAs(t, err, &future)
	require.GreaterOrEqual(t, future.Newest, now)

	_, err = db.Begin(ctx, txn.AsOf(now.Add(-txn.Retention)-1))
	var below *mvcc.BelowSafepointError
	require.ErrorAs(t, err, &below)
	require.Greater(t, below.Safepoint, below.TS)

	for _, at := range []timestamp.Timestamp{now, now.Add(time.Minute - txn.Retention)} {
		tx, err := db.Begin(ctx, txn.AsOf(at))
		require.NoError(t, err)
		_, err = tx.Get(ctx, "past")
		require.NoError(t, err)
	}
	_, err = db.Begin(ctx, txn.AsOf(now), txn.Pessimistic())
	var invalid *mvcc.InvalidError
	require.ErrorAs(t, err, &invalid)
}
