package bench

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

const draws = 400_000

func counts(c chooser, n int) []float64 {
	rng := rand.New(rand.NewPCG(7, 7))
	out := make([]float64, n)
	for range draws {
		out[c.next(rng)]++
	}
	return out
}

// requireShare wants a count within five standard deviations of its expectation.
func requireShare(t *testing.T, p, got float64) {
	t.Helper()
	want := p * draws
	require.InDelta(t, want, got, 5*math.Sqrt(want*(1-p))+1)
}

// The first items come as often as 1/rank^0.99 says; the first two are exact in Gray's
// method, the others nearly.
func TestZipfianFrequencies(t *testing.T) { // P38
	const n = 1000
	sum := 0.0
	for i := 1; i <= n; i++ {
		sum += 1 / math.Pow(float64(i), zipfTheta)
	}
	require.InDelta(t, sum, zeta(n), 1e-9)
	got := counts(newZipfian(n), n)
	requireShare(t, 1/sum, got[0])
	requireShare(t, 1/math.Pow(2, zipfTheta)/sum, got[1])
	// Beyond, the approximation is of the cumulative shares.
	cumulative, wanted := 0.0, 0.0
	for i := range n {
		cumulative += got[i] / draws
		wanted += 1 / math.Pow(float64(i+1), zipfTheta) / sum
		require.InDelta(t, wanted, cumulative, 0.03, "up to rank %d", i+1)
	}
}

// The sum for ten milliards of items is the constant that YCSB's users know.
func TestZetaOfManyItems(t *testing.T) { // P38
	require.InDelta(t, 26.46902820178302, zeta(scrambledItems), 1e-6)
	exact := 0.0
	for i := 1; i <= 300_000; i++ {
		exact += math.Pow(float64(i), -zipfTheta)
	}
	require.InDelta(t, exact, zeta(300_000), 1e-6)
}

// Scrambling moves the popular items about and keeps their popularity.
func TestScrambledFrequencies(t *testing.T) { // P38
	const n = 1000
	got := counts(newScrambled(n), n)
	first, second := fnv(0)%n, fnv(1)%n
	z := zeta(scrambledItems)
	require.NotEqual(t, uint64(0), first)
	// Others fall on the same records too: at least their own share, and little more.
	for _, c := range []struct {
		item uint64
		rank float64
	}{{first, 1}, {second, 2}} {
		p := 1 / math.Pow(c.rank, zipfTheta) / z
		require.Greater(t, got[c.item], draws*p*0.97)
		require.Less(t, got[c.item], draws*(p+0.01))
	}
}

func TestUniformFrequencies(t *testing.T) {
	for _, got := range counts(uniform{50}, 50) {
		requireShare(t, 1.0/50, got)
	}
}

// The newest record is the most popular, also after more were inserted.
func TestLatestFollowsInserts(t *testing.T) { // P38
	s := newSequence(100)
	l := newLatest(s)
	requireShare(t, 1/zeta(100), counts(l, 100)[99])
	for range 50 {
		s.finish(s.take())
	}
	got := counts(l, 150)
	requireShare(t, 1/zeta(150), got[149])
	require.Greater(t, got[149], got[99])
}

// A number counts only when all before it are done.
func TestSequenceWaitsForTheSlowest(t *testing.T) {
	s := newSequence(10)
	a, b := s.take(), s.take()
	s.finish(b)
	require.Equal(t, uint64(10), s.count())
	s.finish(a)
	require.Equal(t, uint64(12), s.count())
}

// These keys are those of YCSB's own records 0 and 1.
func TestKeysAreYCSBs(t *testing.T) {
	r := records{hashed: true, padding: 1}
	require.Equal(t, "user6284781860667377211", string(r.key(0)))
	require.Equal(t, "user8517097267634966620", string(r.key(1)))
	require.Equal(t, "user00042", string((&records{padding: 5}).key(42)))
}
