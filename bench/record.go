package bench

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Bounds of the histograms: a microsecond to two minutes, three digits.
const (
	latencyMin    = 1
	latencyMax    = int64(2 * time.Minute / time.Microsecond)
	latencyDigits = 3
)

// recorder gathers what the threads measured. Each thread has a part of its own, so that
// they do not meet.
type recorder struct {
	parts []recorderPart
	gaps  *gaps
}

type recorderPart struct {
	mu       sync.Mutex
	kinds    map[string]*hdrhistogram.Histogram
	interval *hdrhistogram.Histogram // since the last progress line
	errors   map[string]int64
	examples map[string]string
	fresh    int64 // errors since the last progress line
	retries  int64
	_        [64]byte // neighbours share no cache line
}

func newRecorder(threads int, gaps *gaps) *recorder {
	r := &recorder{parts: make([]recorderPart, threads), gaps: gaps}
	for i := range r.parts {
		r.parts[i] = recorderPart{kinds: map[string]*hdrhistogram.Histogram{}, interval: newHistogram(),
			errors: map[string]int64{}, examples: map[string]string{}}
	}
	return r
}

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(latencyMin, latencyMax, latencyDigits)
}

// success takes one acknowledged operation in.
func (r *recorder) success(thread int, op Op, latency time.Duration, retries int, at time.Duration) {
	r.gaps.success(op, at)
	us := min(max(latency.Microseconds(), latencyMin), latencyMax)
	p := &r.parts[thread]
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.kinds[op.Kind()]
	if h == nil {
		h = newHistogram()
		p.kinds[op.Kind()] = h
	}
	_ = h.RecordValue(us) // it fails only outside the bounds
	_ = p.interval.RecordValue(us)
	p.retries += int64(retries)
}

// failure counts an operation that was not acknowledged.
func (r *recorder) failure(thread int, kind string, err error, retries int) {
	p := &r.parts[thread]
	p.mu.Lock()
	defer p.mu.Unlock()
	p.errors[kind]++
	p.examples[kind] = err.Error()
	p.fresh++
	p.retries += int64(retries)
}

// tick is what happened since the last call.
func (r *recorder) tick() (interval *hdrhistogram.Histogram, errors int64) {
	interval = newHistogram()
	for i := range r.parts {
		p := &r.parts[i]
		p.mu.Lock()
		interval.Merge(p.interval)
		p.interval.Reset()
		errors += p.fresh
		p.fresh = 0
		p.mu.Unlock()
	}
	return interval, errors
}

// report sums everything up; seconds is how long it was measured.
func (r *recorder) report(seconds float64) *Report {
	out := &Report{Seconds: seconds, Errors: map[string]int64{}, Examples: map[string]string{}}
	all, kinds := newHistogram(), map[string]*hdrhistogram.Histogram{}
	for i := range r.parts {
		p := &r.parts[i]
		p.mu.Lock()
		for kind, h := range p.kinds {
			if kinds[kind] == nil {
				kinds[kind] = newHistogram()
			}
			kinds[kind].Merge(h)
			all.Merge(h)
		}
		for kind, n := range p.errors {
			out.Errors[kind] += n
			out.Examples[kind] = p.examples[kind]
		}
		out.Retries += p.retries
		p.mu.Unlock()
	}
	out.Operations = all.TotalCount()
	out.OpsPerSec = perSecond(out.Operations, seconds)
	out.Kinds = kindReports(all, kinds, seconds)
	out.LongestGap, out.LaneGap = r.gaps.longest(time.Duration(seconds * float64(time.Second)))
	return out
}

func perSecond(n int64, seconds float64) float64 {
	if seconds <= 0 {
		return 0
	}
	return float64(n) / seconds
}
