package meter

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestBounds(t *testing.T) {
	var d Durations
	for _, took := range []time.Duration{-1, 0, 10 * time.Microsecond, 10*time.Microsecond + 1, 20 * time.Microsecond,
		41 * time.Second, time.Hour} {
		d.Observe(took)
	}
	r := d.Read()
	require.InDelta(t, 10e-6, r.Bounds[0], 1e-12)
	require.InDelta(t, 41.94304, r.Bounds[len(r.Bounds)-1], 1e-9)
	require.Equal(t, []uint64{3, 5}, r.Cumulative[:2])
	require.Equal(t, uint64(6), r.Cumulative[len(r.Cumulative)-1])
	require.Equal(t, uint64(7), r.Count)
	require.InDelta(t, 3641, r.Sum, 0.01)
}

// TestPlaces: whatever is observed lies in the first bucket whose bound is not below it.
func TestPlaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Int64Range(0, 1<<40).Draw(t, "bytes")
		var s Sizes
		s.Observe(v)
		r := s.Read()
		for i, bound := range r.Bounds {
			want := uint64(0)
			if float64(v) <= bound {
				want = 1
			}
			require.Equal(t, want, r.Cumulative[i], "bound %v", bound)
		}
		require.Equal(t, uint64(1), r.Count)
		require.Equal(t, float64(v), r.Sum)
	})
}

func TestQuantile(t *testing.T) {
	var n Numbers
	zero := n.Read()
	require.Zero(t, zero.Quantile(0.5))
	for range 99 {
		n.Observe(1)
	}
	n.Observe(100)
	r := n.Read()
	require.Equal(t, 1.0, r.Quantile(0.99))
	require.Equal(t, 128.0, r.Quantile(0.995))
	n.Observe(1 << 62)
	r = n.Read()
	require.Equal(t, float64(1<<22), r.Quantile(1))
}

func BenchmarkObserve(b *testing.B) {
	var d Durations
	for b.Loop() {
		d.Observe(123 * time.Microsecond)
	}
}
