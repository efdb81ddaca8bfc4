package tables

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/shaledb/shale/cmd/shale/virtual"
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Whatever the shards, the size of pages, and the splits between any two of them: every
// version comes once, in order.
func TestVersionsComeOnceWhateverIsSplit(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	for range 60 {
		w := &world{shards: shardsAt("d", "m", "t"), pageMax: 1 + rng.IntN(7), clock: 5000}
		want := []string{}
		for k := 'a'; k <= 'z'; k++ {
			for n := rng.IntN(4); n > 0; n-- {
				w.put(mvcc.Key(k), timestamp.Timestamp(10*int(k)+n), fmt.Sprint(n))
				want = append(want, fmt.Sprintf("%c %d", k, 10*int(k)+n))
				w.recorded = append(w.recorded, mvcc.Record{Key: mvcc.Key(k), StartTS: timestamp.Timestamp(1 + rng.IntN(5)*10 + n)})
			}
		}
		next := routing.ShardID(50)
		w.before = func(w *world, _ int) {
			if rng.IntN(3) == 0 {
				next++
				w.split(mvcc.Key('a'+rune(rng.IntN(26)))+"0", next)
			}
		}
		w.known = shardsAt("d", "m", "t") // the directory hears of nothing
		c := w.cluster()
		rows := mustScan(t, t.Context(), named(t, c.Tables(), "versions"), equals())
		require.Equal(t, want, texts(rows, 1, 2), "seed %d", seed)
		seen := map[string]bool{}
		for _, name := range texts(mustScan(t, t.Context(), named(t, c.Tables(), "txns"), equals()), 1, 2) {
			require.False(t, seen[name], "twice: %s, seed %d", name, seed)
			seen[name] = true
		}
		distinct := map[mvcc.RecordName]bool{}
		for _, r := range w.recorded {
			distinct[mvcc.RecordName{Key: r.Key, StartTS: r.StartTS}] = true
		}
		require.Len(t, seen, len(distinct), "seed %d", seed)
	}
}

// A statement reads at one timestamp, however many of its tables ask; at() at its own.
func TestOneCut(t *testing.T) {
	w := &world{shards: shardsAt("m"), clock: 100}
	w.put("a", 50, "old")
	w.put("a", 90, "new")
	w.put("z", 60, "z")
	c := w.cluster()
	ctx := virtual.WithStatement(t.Context(), &virtual.Statement{})
	for range 3 {
		mustScan(t, ctx, named(t, c.Tables(), "versions"), equals())
	}
	for _, f := range c.Functions() {
		if f.Name == "ts_now" {
			now, err := f.Call(ctx, nil)
			require.NoError(t, err)
			require.Equal(t, int64(101), now)
		}
	}
	for _, a := range w.asked {
		require.Equal(t, timestamp.Timestamp(101), a.ReadTS)
	}
	require.Equal(t, 1, w.lists, "and the map is drawn once")
	rows := mustScan(t, ctx, named(t, c.Tables(), "at"), equals("ts", int64(60)))
	require.Equal(t, []string{"a old 50", "z z 60"}, texts(rows, 0, 1, 2))
	require.Equal(t, timestamp.Timestamp(101), w.clock, "nothing more was drawn")

	back := virtual.WithStatement(t.Context(), &virtual.Statement{AsOf: 55})
	rows = mustScan(t, back, named(t, c.Tables(), "latest"), equals())
	require.Equal(t, []string{"a old"}, texts(rows, 0, 1))
	_, err := scan(ctx, named(t, c.Tables(), "at"), equals("ts", int64(200)))
	require.ErrorContains(t, err, "later than now")
	_, err = scan(ctx, named(t, c.Tables(), "at"), equals("ts", "yesterday"))
	require.ErrorContains(t, err, "ts('2026-11-23 10:00')")
}

// A shard that cannot be read fails the statement, by name; those that it does not ask for do
// not.
func TestUnreadableShard(t *testing.T) {
	gone := &routing.UnavailableError{Shard: 3, Why: "no leader answers"}
	w := &world{shards: shardsAt("d", "m"), clock: 100, down: map[routing.ShardID]error{3: gone}}
	w.put("a", 50, "1")
	w.put("e", 50, "2")
	w.put("p", 50, "3")
	c := w.cluster()
	for _, name := range []string{"versions", "locks", "txns", "readable", "blame", "waits", "hot"} {
		rows, err := scan(t.Context(), named(t, c.Tables(), name), equals())
		var unreadable *UnreadableError
		if name == "blame" { // its pages span shards: the error itself says which
			w.shards[0].Span.End = ""
			w.down[2] = gone
			rows, err = scan(t.Context(), named(t, c.Tables(), name), equals())
			w.shards[0].Span.End = "d"
			delete(w.down, 2)
		}
		require.ErrorAs(t, err, &unreadable, name)
		require.EqualValues(t, 3, unreadable.Shard)
		require.ErrorContains(t, err, "no leader answers")
		require.ErrorContains(t, err, "shale status")
		require.Less(t, len(rows), 3, name)
	}
	require.Len(t, mustScan(t, t.Context(), named(t, c.Tables(), "versions"), equals("shard", int64(4))), 1)
	require.Len(t, mustScan(t, t.Context(), named(t, c.Tables(), "versions"), equals("key", "a")), 1)
}

// What WHERE says reaches the servers.
func TestPushDown(t *testing.T) {
	w := &world{shards: shardsAt("d", "m"), clock: 100}
	for i, k := range []mvcc.Key{"a", "b", "c", "e", "p"} {
		w.put(k, timestamp.Timestamp(50+i), "v")
	}
	c := w.cluster()
	versions := named(t, c.Tables(), "versions")
	ask := func(q *virtual.Query) ([]string, []mvcc.VersionsArgs) {
		w.asked = nil
		rows := mustScan(t, t.Context(), versions, q)
		return texts(rows, 1), w.asked
	}
	for _, k := range []any{"b", []byte("b")} {
		rows, asked := ask(equals("key", k))
		require.Equal(t, []string{"b"}, rows)
		require.Len(t, asked, 1)
		require.Equal(t, mvcc.KeySpan("b"), asked[0].Span)
	}
	require.Zero(t, w.lists, "a point needs no map")

	q := equals()
	q.Lows["key"], q.Highs["key"] = virtual.Bound{Value: "b"}, virtual.Bound{Value: []byte("e"), Inclusive: true}
	rows, asked := ask(q)
	require.Equal(t, []string{"c", "e"}, rows)
	require.Len(t, asked, 2, "shards outside the range are not asked")

	rows, asked = ask(equals("shard", int64(3)))
	require.Equal(t, []string{"e"}, rows)
	require.Len(t, asked, 1)

	q = equals("start_ts", int64(51))
	q.Lows["commit_ts"] = virtual.Bound{Value: int64(50), Inclusive: true}
	q.Highs["commit_ts"] = virtual.Bound{Value: int64(53)}
	q.Used = map[string]bool{"key": true}
	rows, asked = ask(q)
	require.Equal(t, []string{"c"}, rows)
	require.EqualValues(t, 49, asked[0].Above)
	require.EqualValues(t, 52, asked[0].ReadTS)
	require.EqualValues(t, 51, asked[0].StartTS)
	require.True(t, asked[0].KeysOnly)

	q = equals()
	q.Lows["commit_ts"] = virtual.Bound{Value: int64(1000)}
	rows, asked = ask(q)
	require.Empty(t, rows)
	require.Empty(t, asked)

	w.shards = append(w.shards[:2], shardsAt("d", "m")[2])
	w.known = append([]routing.Descriptor{}, w.shards...)
	w.split("p", 99) // the directory has not heard of 99: it is found all the same
	rows, _ = ask(equals("shard", int64(99)))
	require.Contains(t, rows, "p")
}

// A comparison that reaches below the safepoint is no wish to see that moment.
func TestBelowTheSafepoint(t *testing.T) {
	w := &safe{world{shards: shardsAt(), clock: 100}}
	w.put("a", 50, "v")
	c := &Cluster{pager: w, network: w}
	q := equals()
	q.Highs["commit_ts"] = virtual.Bound{Value: int64(30)}
	rows := mustScan(t, t.Context(), named(t, c.Tables(), "versions"), q)
	require.Len(t, rows, 1, "SQLite leaves it out")
	_, err := scan(t.Context(), named(t, c.Tables(), "diff"), equals("ts1", int64(20), "ts2", int64(30)))
	var below *mvcc.BelowSafepointError
	require.ErrorAs(t, err, &below)
}

// safe refuses reads below 40.
type safe struct{ world }

func (s *safe) Versions(ctx context.Context, a mvcc.VersionsArgs) (*mvcc.VersionsResult, routing.Descriptor, error) {
	if a.ReadTS < 40 {
		return nil, routing.Descriptor{}, &mvcc.BelowSafepointError{TS: a.ReadTS, Safepoint: 40}
	}
	return s.world.Versions(ctx, a)
}

// The next page and two more shards are under way while one is used, and no more; who stops
// early, or whose context ends, leaves nothing running (TestMain).
func TestPagesAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{shards: shardsAt("d", "g", "j", "m", "p", "s"), clock: 100, pageMax: 1}
		for k := 'a'; k <= 'z'; k++ {
			w.put(mvcc.Key(k), 50, "v")
		}
		versions := named(t, w.cluster().Tables(), "versions")
		for range versions.Scan(t.Context(), equals()) {
			synctest.Wait()
			w.mu.Lock()
			// Of each of three shards: one page used or waiting, one waiting to be taken.
			require.LessOrEqual(t, w.requests, 3*3)
			require.Greater(t, w.requests, 3)
			w.mu.Unlock()
			break
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		why := errors.New("interrupted")
		n := 0
		var err error
		for _, err = range versions.Scan(ctx, equals()) {
			if n++; n == 2 {
				cancel(why)
				synctest.Wait() // those under way have ended, without a word
			}
		}
		require.ErrorIs(t, err, why, "a scan that was cut off is no whole one")
		require.LessOrEqual(t, n, 4, "the first three rows, and the error: nothing of other shards")
	})
}
