package host

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// timed is a host of which nothing runs but the clock.
func timed(slow time.Duration) (h *Host, told *[]*Timing) {
	told = new([]*Timing)
	h = &Host{cfg: Config{Slow: slow}, start: time.Now().Add(-time.Minute)}
	h.ports.Timed = func(t *Timing) { *told = append(*told, t) }
	return h, told
}

// unsampled is a transaction that is not in the sample, sampled one that is.
func unsampled(t testing.TB, want bool) timestamp.Timestamp {
	for ts := timestamp.At(time.UnixMilli(1_000_000)); ; ts++ {
		if Sampled(ts) == want {
			return ts
		}
	}
}

// TestAnswered: the phases add up to the total, and only what is slow, traced or in the sample
// is told.
func TestAnswered(t *testing.T) {
	h, told := timed(time.Second)
	s := &slot{id: 7}
	answer := func(took time.Duration, txn timestamp.Timestamp, trace *routing.Trace) *Timing {
		*told = nil
		now := h.mono()
		w := &waiting{req: &mvcc.PrewriteArgs{Start: txn}, trace: trace, came: now - took, stepped: now - took*9/10}
		h.answered(s, w, &shard.Spent{shard.WaitLock: took / 2, shard.WaitConsensus: took * 3 / 10}, PhaseApply, now-took/10, nil)
		if len(*told) == 0 {
			return nil
		}
		return (*told)[0]
	}
	quick := 10 * time.Millisecond
	require.Nil(t, answer(quick, unsampled(t, false), nil))
	require.NotNil(t, answer(quick, unsampled(t, true), nil))
	require.NotNil(t, answer(quick, unsampled(t, false), &routing.Trace{Flags: 1}))
	slow := answer(2*time.Second, unsampled(t, false), nil)
	require.NotNil(t, slow)
	require.Equal(t, "prewrite", slow.Kind)
	require.Equal(t, routing.ShardID(7), slow.Shard)
	sum := time.Duration(0)
	for _, p := range slow.Phases {
		sum += p
	}
	require.InDelta(t, slow.Total, sum, float64(time.Millisecond))
	require.Equal(t, time.Second, slow.Phases[PhaseLock])
	r := h.metrics.Requests[kindPrewrite].Read()
	require.Equal(t, uint64(4), r.Count)
	r = h.metrics.Phases[PhaseLatch].Read()
	require.Zero(t, r.Count, "what took no time is not counted")
}

func TestSample(t *testing.T) {
	n := 0
	for i := range 1 << 20 {
		if Sampled(timestamp.At(time.UnixMilli(1_000_000)) + timestamp.Timestamp(i)) {
			n++
		}
	}
	require.InDelta(t, 1<<10, n, 100)
	require.False(t, Sampled(0), "what belongs to no transaction")
}

// BenchmarkAnswered is what a written request costs to be measured.
func BenchmarkAnswered(b *testing.B) {
	h, _ := timed(time.Hour)
	s := &slot{id: 7}
	w := &waiting{req: &mvcc.PrewriteArgs{Start: unsampled(b, false)}, came: 1, stepped: 2}
	spent := &shard.Spent{shard.WaitConsensus: time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		h.answered(s, w, spent, PhaseApply, 3, nil)
	}
}
