package meter

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// buckets is how many bounds there are; one more bucket takes what lies above them.
const buckets = 23

// histogram counts values in buckets: bucket i holds those up to unit·2^i.
type histogram struct {
	counts [buckets + 1]atomic.Uint64
	sum    atomic.Uint64
}

func (h *histogram) observe(v, unit uint64) {
	i := 0
	if v > unit {
		i = bits.Len64((v - 1) / unit)
	}
	h.counts[min(i, buckets)].Add(1)
	h.sum.Add(v)
}

// Reading is a histogram at one moment, in base units: seconds, bytes, or plain numbers.
type Reading struct {
	Bounds     []float64 // of the buckets
	Cumulative []uint64  // how many values lie at or below each bound
	Count      uint64
	Sum        float64
}

// read makes a reading with values of one base unit. Count is what the buckets add up to,
// whatever is observed meanwhile.
func (h *histogram) read(unit uint64, base float64) Reading {
	r := Reading{Bounds: make([]float64, buckets), Cumulative: make([]uint64, buckets)}
	for i := range buckets {
		r.Count += h.counts[i].Load()
		r.Bounds[i], r.Cumulative[i] = float64(unit<<i)/base, r.Count
	}
	r.Count += h.counts[buckets].Load()
	r.Sum = float64(h.sum.Load()) / base
	return r
}

// Quantile is a bound that at least the share q of the values does not exceed; zero without
// any. What lies above all bounds counts as the last one.
func (r *Reading) Quantile(q float64) float64 {
	for i, n := range r.Cumulative {
		if n > 0 && float64(n) >= q*float64(r.Count) {
			return r.Bounds[i]
		}
	}
	if r.Count == 0 {
		return 0
	}
	return r.Bounds[len(r.Bounds)-1]
}

// Durations are from 10 µs to 42 s.
type Durations struct{ h histogram }

// The first bounds.
const (
	durationUnit = uint64(10 * time.Microsecond)
	sizeUnit     = 256 // bytes; the last bound is 1 GiB
)

// Observe counts one duration.
func (d *Durations) Observe(took time.Duration) { d.h.observe(uint64(max(took, 0)), durationUnit) }

// Read is in seconds.
func (d *Durations) Read() Reading { return d.h.read(durationUnit, float64(time.Second)) }

// Sizes are from 256 bytes to 1 GiB.
type Sizes struct{ h histogram }

// Observe counts one size.
func (s *Sizes) Observe(bytes int64) { s.h.observe(uint64(max(bytes, 0)), sizeUnit) }

// Read is in bytes.
func (s *Sizes) Read() Reading { return s.h.read(sizeUnit, 1) }

// Numbers are from 1 to 4 million.
type Numbers struct{ h histogram }

// Observe counts one number.
func (n *Numbers) Observe(v int) { n.h.observe(uint64(max(v, 0)), 1) }

// Read is in plain numbers.
func (n *Numbers) Read() Reading { return n.h.read(1, 1) }
