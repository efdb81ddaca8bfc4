package deadlock

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

func edge(waiter, holder int, key mvcc.Key) mvcc.WaitEdge {
	return mvcc.WaitEdge{Waiter: timestamp.Timestamp(waiter), Holder: timestamp.Timestamp(holder), Key: key}
}

func lines(cycles [][]mvcc.WaitEdge) (out []string) {
	for _, c := range cycles {
		line := ""
		for _, e := range c {
			line += fmt.Sprintf("%d-%s-%d ", e.Waiter, e.Key, e.Holder)
		}
		out = append(out, line)
	}
	return out
}

// TestAWayOfManyHops: S23. Five transactions of five nodes wait for each other in a circle,
// told one at a time and among others that wait for the same ones; the last one told closes it.
func TestAWayOfManyHops(t *testing.T) {
	d := New(Config{})
	tell := func(at time.Duration, edges ...mvcc.WaitEdge) []string { return lines(d.Told(at, edges)) }
	require.Empty(t, tell(0, edge(1, 2, "a"), edge(9, 2, "a"), edge(8, 1, "e")))
	require.Empty(t, tell(100, edge(2, 3, "b"), edge(2, 7, "q")))
	require.Empty(t, tell(200, edge(4, 5, "d")))
	require.Empty(t, tell(300, edge(3, 4, "c"), edge(3, 6, "r")))
	require.Equal(t, []string{"5-e-1 1-a-2 2-b-3 3-c-4 4-d-5 "}, tell(400, edge(5, 1, "e")))
	require.Empty(t, tell(500, edge(1, 2, "a"), edge(2, 3, "b"), edge(3, 4, "c"), edge(4, 5, "d")),
		"what is told again finds no second victim")
	require.Equal(t, []string{"5-e-1 1-a-2 2-b-3 3-c-4 4-d-5 "}, tell(600, edge(5, 1, "e"), edge(5, 2, "f")),
		"the news was lost: the same one is found again, and once")
}

// TestEdgesAreForgotten: an edge dies when it is not told again, and lives on when it is.
func TestEdgesAreForgotten(t *testing.T) {
	d := New(Config{TTL: 3 * time.Second})
	require.Empty(t, d.Told(0, []mvcc.WaitEdge{edge(1, 2, "a")}))
	require.Empty(t, d.Told(3*time.Second, []mvcc.WaitEdge{edge(2, 1, "b")}))
	require.Equal(t, 1, d.Len())
	require.Empty(t, d.Told(5*time.Second, []mvcc.WaitEdge{edge(2, 1, "b")}))
	require.Len(t, d.Told(7*time.Second, []mvcc.WaitEdge{edge(1, 2, "a")}), 1)
	require.Empty(t, d.Told(20*time.Second, nil))
	require.Zero(t, d.Len())
	require.Empty(t, d.waits)
}

// TestEdgesAreBounded: beyond the bound the one told longest ago goes.
func TestEdgesAreBounded(t *testing.T) {
	d := New(Config{EdgesMax: 100})
	for i := range 1000 {
		require.Empty(t, d.Told(0, []mvcc.WaitEdge{edge(i+10, 1, "k")}))
		require.LessOrEqual(t, d.Len(), 100)
	}
	require.Len(t, d.waits, 100)
	require.Len(t, d.Told(0, []mvcc.WaitEdge{edge(1, 1000, "j")}), 1)
}

// TestAgainstATwin: a detector finds a cycle if and only if one that keeps a list and looks
// at everything does, and what it answers is a cycle of living edges that begins with the one
// told.
func TestAgainstATwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, twin := New(Config{TTL: 30}), map[mvcc.WaitEdge]time.Duration{}
		now := time.Duration(0)
		for range rapid.IntRange(1, 60).Draw(t, "calls") {
			now += time.Duration(rapid.IntRange(0, 12).Draw(t, "later"))
			edges := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) mvcc.WaitEdge {
				return edge(rapid.IntRange(1, 7).Draw(t, "waiter"), rapid.IntRange(1, 7).Draw(t, "holder"),
					mvcc.Key(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "key")))
			}), 0, 4).Draw(t, "edges")
			cycles := d.Told(now, edges)
			victims := map[timestamp.Timestamp]bool{}
			for _, e := range edges {
				if e.Waiter == e.Holder || victims[e.Waiter] {
					continue
				}
				if !reaches(twin, now, e.Holder, e.Waiter) {
					twin[e] = now
					continue
				}
				require.NotEmpty(t, cycles, "the cycle of %v was not found", e)
				require.Equal(t, e, cycles[0][0])
				isCycle(t, twin, now, cycles[0])
				cycles, victims[e.Waiter] = cycles[1:], true
				for other := range twin {
					if other.Waiter == e.Waiter {
						delete(twin, other)
					}
				}
			}
			require.Empty(t, cycles, "cycles that are none")
		}
	})
}

// reaches says whether a way leads from one to the other, by adding whoever is reached until
// nobody comes any more.
func reaches(twin map[mvcc.WaitEdge]time.Duration, now time.Duration, from, to timestamp.Timestamp) bool {
	in := []timestamp.Timestamp{from}
	for grew := true; grew; {
		grew = false
		for e, at := range twin {
			if now-at < 30 && slices.Contains(in, e.Waiter) && !slices.Contains(in, e.Holder) {
				in, grew = append(in, e.Holder), true
			}
		}
	}
	return slices.Contains(in, to)
}

func isCycle(t *rapid.T, twin map[mvcc.WaitEdge]time.Duration, now time.Duration, cycle []mvcc.WaitEdge) {
	for i, e := range cycle {
		require.Equal(t, e.Holder, cycle[(i+1)%len(cycle)].Waiter)
		if i > 0 {
			at, kept := twin[e]
			require.True(t, kept && now-at < 30, "%v does not live", e)
		}
	}
}
