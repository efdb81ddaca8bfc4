package bench

import (
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
)

// zipfTheta is YCSB's skew. The standard library's Zipf cannot do it: it wants more than 1.
const zipfTheta = 0.99

// scrambledItems is how many items YCSB's scrambled generator imagines, whatever there are:
// so the skew does not depend on the number of records.
const scrambledItems = 10_000_000_000

// chooser picks the number of a record.
type chooser interface{ next(rng *rand.Rand) uint64 }

// uniform picks each of n alike.
type uniform struct{ n uint64 }

func (u uniform) next(rng *rand.Rand) uint64 { return rng.Uint64N(u.n) }

// zipfian picks 0 most often, then 1, then 2, by the method of Gray et al., "Quickly
// generating billion-record synthetic databases" (SIGMOD 1994): two exact cases, and one
// power for the rest.
type zipfian struct {
	n                 uint64
	zeta, alpha, half float64 // half: the weight of the two first items
	eta               float64
}

func newZipfian(n uint64) zipfian { return zipfianOf(n, zeta(n)) }

func zipfianOf(n uint64, zetaN float64) zipfian {
	second := math.Pow(0.5, zipfTheta)
	return zipfian{n: n, zeta: zetaN, alpha: 1 / (1 - zipfTheta), half: 1 + second,
		eta: (1 - math.Pow(2/float64(n), 1-zipfTheta)) / (1 - (1+second)/zetaN)}
}

func (z zipfian) next(rng *rand.Rand) uint64 {
	u := rng.Float64()
	switch uz := u * z.zeta; {
	case uz < 1 || z.n == 1:
		return 0
	case uz < z.half || z.n == 2:
		return 1
	}
	return min(uint64(float64(z.n)*math.Pow(z.eta*u-z.eta+1, z.alpha)), z.n-1)
}

// zeta is the sum of 1/i^theta for i from 1 to n: exact for the first items, by the
// Euler-Maclaurin formula from there on, since n may be ten milliards.
func zeta(n uint64) float64 {
	const exact = 10_000
	sum := 0.0
	for i := uint64(1); i <= min(n, exact); i++ {
		sum += math.Pow(float64(i), -zipfTheta)
	}
	if n <= exact {
		return sum
	}
	a, b := float64(exact), float64(n)
	f := func(x float64) float64 { return math.Pow(x, -zipfTheta) }
	slope := func(x float64) float64 { return -zipfTheta * math.Pow(x, -zipfTheta-1) }
	integral := (math.Pow(b, 1-zipfTheta) - math.Pow(a, 1-zipfTheta)) / (1 - zipfTheta)
	return sum + integral + (f(b)-f(a))/2 + (slope(b)-slope(a))/12
}

// scrambled spreads the zipfian's popular items over all n records, so that they are no
// neighbours.
type scrambled struct {
	zipf zipfian
	n    uint64
}

func newScrambled(n uint64) scrambled { return scrambled{newZipfian(scrambledItems), n} }

func (s scrambled) next(rng *rand.Rand) uint64 { return fnv(s.zipf.next(rng)) % s.n }

// latest prefers the records that were inserted last.
type latest struct {
	inserted *sequence
	mu       sync.Mutex
	zipf     atomic.Pointer[zipfian]
}

func newLatest(inserted *sequence) *latest {
	l := &latest{inserted: inserted}
	z := newZipfian(inserted.count())
	l.zipf.Store(&z)
	return l
}

func (l *latest) next(rng *rand.Rand) uint64 {
	n := l.inserted.count()
	z := l.zipf.Load()
	if z.n < n {
		z = l.grow(n)
	}
	return n - 1 - min(z.next(rng), n-1)
}

// grow extends the sum by the new items alone.
func (l *latest) grow(n uint64) *zipfian {
	l.mu.Lock()
	defer l.mu.Unlock()
	z := l.zipf.Load()
	if z.n >= n {
		return z
	}
	sum := z.zeta
	for i := z.n + 1; i <= n; i++ {
		sum += math.Pow(float64(i), -zipfTheta)
	}
	grown := zipfianOf(n, sum)
	l.zipf.Store(&grown)
	return &grown
}

// sequence numbers inserted records. A number counts as inserted once it and all before it
// are done, so that nobody asks for a record that is still on its way.
type sequence struct {
	mu   sync.Mutex
	free uint64 // the next number to take
	done uint64 // all numbers below are done
	wait map[uint64]bool
}

func newSequence(from uint64) *sequence {
	return &sequence{free: from, done: from, wait: map[uint64]bool{}}
}

func (s *sequence) take() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free++
	return s.free - 1
}

func (s *sequence) finish(n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wait[n] = true
	for s.wait[s.done] {
		delete(s.wait, s.done)
		s.done++
	}
}

func (s *sequence) count() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done
}

// fnv hashes a number as YCSB does: FNV-1a over its eight bytes, low byte first, and the
// sign taken away.
func fnv(n uint64) uint64 {
	hash := uint64(0xCBF29CE484222325)
	for range 8 {
		hash = (hash ^ n&0xff) * 1099511628211
		n >>= 8
	}
	if int64(hash) < 0 {
		return -hash
	}
	return hash
}
