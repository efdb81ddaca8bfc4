package shard

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/shaledb/shale/mvcc"
)

// The sketch against a map, while it takes every key: a count is never too low, and at most its
// error too high; whoever is missing was asked for no more often than the least one there.
func TestHotAgainstAMap(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h, twin := newHot(0), map[mvcc.Key]float64{}
		for range rapid.IntRange(0, hotTaken-1).Draw(r, "n") {
			n := rapid.IntRange(0, 9).Draw(r, "tenth")
			k := mvcc.Key(fmt.Sprint(n))
			if n == 0 {
				k = mvcc.Key(fmt.Sprint("cold", rapid.IntRange(0, 1000).Draw(r, "cold")))
			}
			twin[k]++
			h.asked(0, &mvcc.GetArgs{Keys: []mvcc.Key{k}})
		}
		least := 0.0
		for i := range h.entries {
			e := &h.entries[i]
			require.GreaterOrEqual(r, e.count(), twin[e.key])
			require.LessOrEqual(r, e.count()-e.over, twin[e.key])
			if len(h.entries) == hotKeys && (i == 0 || e.count() < least) {
				least = e.count()
			}
		}
		for k, n := range twin {
			if _, ok := h.at[k]; !ok {
				require.LessOrEqual(r, n, least, k)
			}
		}
		require.Len(r, h.at, len(h.entries))
	})
}

// Where much is asked the sketch takes one key in many. The shares of the busy ones are still about
// right, the same requests give the same sketch, and old ones fade.
func TestHotTakesFewOfMany(t *testing.T) {
	fill := func() *hot {
		h := newHot(0)
		for i := range 1_000_000 { // a pattern: every tenth key is the busy one
			k := mvcc.Key(fmt.Sprint("k", i%5000))
			if i%10 == 0 {
				k = "busy"
			}
			h.asked(time.Duration(i)*time.Microsecond, &mvcc.PrewriteArgs{Mutations: []mvcc.Mutation{{Key: k}}})
		}
		return h
	}
	h := fill()
	require.Equal(t, h.answer(time.Second, mvcc.Span{}, 0), fill().answer(time.Second, mvcc.Span{}, 0))
	require.EqualValues(t, 1_000_000, h.written)
	require.Equal(t, hotEvery, h.every)
	top := h.answer(time.Second, mvcc.Span{}, 1).Keys
	require.Len(t, top, 1)
	require.Equal(t, mvcc.Key("busy"), top[0].Key)
	require.InDelta(t, 100_000, top[0].Writes-top[0].Error/2, 30_000)
	require.Empty(t, h.answer(time.Second, mvcc.Span{Start: "x"}, 0).Keys, "beyond the bounds")
	faded := h.answer(41*time.Second, mvcc.Span{}, 1).Keys
	require.InEpsilon(t, top[0].Writes/16, faded[0].Writes, 0.01)
	require.Less(t, h.every, hotEvery, "little is asked now")
	require.Empty(t, h.answer(time.Hour, mvcc.Span{}, 1).Keys)
}
