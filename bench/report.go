package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Report is what a run measured and found.
type Report struct {
	Threads    int               `json:"threads"`
	Seed       uint64            `json:"seed"`
	Seconds    float64           `json:"seconds"`
	Operations int64             `json:"operations"` // acknowledged
	OpsPerSec  float64           `json:"opsPerSec"`
	Retries    int64             `json:"retries"`
	Errors     map[string]int64  `json:"errors,omitempty"` // by kind
	Examples   map[string]string `json:"errorExamples,omitempty"`
	Kinds      []KindReport      `json:"kinds"`
	Costs      *Counters         `json:"costs,omitempty"`  // for each acknowledged operation
	Checks     int64             `json:"checks"`           // Watch calls that held
	LongestGap Millis            `json:"longestGapMs"`     // without any success
	LaneGap    Millis            `json:"longestLaneGapMs"` // without one in some lane
	Findings   []string          `json:"findings,omitempty"`
}

// KindReport is one kind of operation, or all of them together under the name "all".
type KindReport struct {
	Kind      string  `json:"kind"`
	Count     int64   `json:"count"`
	OpsPerSec float64 `json:"opsPerSec"`
	Mean      Millis  `json:"meanMs"`
	P50       Millis  `json:"p50Ms"`
	P95       Millis  `json:"p95Ms"`
	P99       Millis  `json:"p99Ms"`
	P999      Millis  `json:"p999Ms"`
	Max       Millis  `json:"maxMs"`
}

// Millis is a duration in milliseconds, the unit of every figure in a report.
type Millis float64

func millis(d time.Duration) Millis { return Millis(float64(d.Microseconds()) / 1000) }

func (m Millis) String() string {
	switch {
	case m < 10:
		return fmt.Sprintf("%.2f", float64(m))
	case m < 100:
		return fmt.Sprintf("%.1f", float64(m))
	}
	return fmt.Sprintf("%.0f", float64(m))
}

// WriteJSON writes the report as one line.
func (r *Report) WriteJSON(w io.Writer) error { return json.NewEncoder(w).Encode(r) }

// WriteTable writes the report for people.
func (r *Report) WriteTable(w io.Writer) error {
	e := &errWriter{w: w}
	e.printf("%-18s %10s %10s %9s %9s %9s %9s %9s  (ms)\n",
		"kind", "count", "ops/s", "p50", "p95", "p99", "p99.9", "max")
	for _, k := range r.Kinds {
		e.printf("%-18s %10d %10.0f %9s %9s %9s %9s %9s\n",
			k.Kind, k.Count, k.OpsPerSec, k.P50, k.P95, k.P99, k.P999, k.Max)
	}
	e.printf("%d threads, %.1f s, %d retries, longest gap without a success %s ms",
		r.Threads, r.Seconds, r.Retries, r.LongestGap)
	if r.LaneGap > 0 {
		e.printf(" (in one lane %s ms)", r.LaneGap)
	}
	e.printf(", seed %d\n", r.Seed)
	if r.Costs != nil {
		e.printf("%s\n", r.Costs)
	}
	for _, kind := range slices.Sorted(maps.Keys(r.Errors)) {
		e.printf("errors: %s × %d, such as: %s\n", kind, r.Errors[kind], r.Examples[kind])
	}
	if r.Checks > 0 {
		e.printf("%d checks while it ran, all held\n", r.Checks)
	}
	for _, f := range r.Findings {
		e.printf("%s\n", f)
	}
	return e.err
}

// errWriter keeps the first error, so that a table reads as a table.
type errWriter struct {
	w   io.Writer
	err error
}

func (e *errWriter) printf(format string, args ...any) {
	if e.err == nil {
		_, e.err = fmt.Fprintf(e.w, format, args...)
	}
}

// kindReports lists the kinds by name and then, where there are several, all together.
func kindReports(all *hdrhistogram.Histogram, kinds map[string]*hdrhistogram.Histogram, seconds float64) []KindReport {
	var out []KindReport
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		out = append(out, kindReport(kind, kinds[kind], seconds))
	}
	if len(kinds) != 1 {
		out = append(out, kindReport("all", all, seconds))
	}
	return out
}

// Kind is the report of one kind of operation.
func (r *Report) Kind(name string) (KindReport, bool) {
	i := slices.IndexFunc(r.Kinds, func(k KindReport) bool { return k.Kind == name })
	if i < 0 {
		return KindReport{}, false
	}
	return r.Kinds[i], true
}

// Median is the middle one of a figure in several reports.
func Median(reports []*Report, figure func(*Report) float64) float64 {
	values := make([]float64, len(reports))
	for i, r := range reports {
		values[i] = figure(r)
	}
	slices.Sort(values)
	if len(values) == 0 {
		return 0
	}
	return values[len(values)/2]
}

// AbortRate is the share of transactions that were begun and aborted, whether they were run
// again or given up.
func (r *Report) AbortRate() float64 {
	aborted := r.Retries + r.Errors[kindAborted] + r.Errors[kindDeadlock]
	if aborted == 0 {
		return 0
	}
	return float64(aborted) / float64(aborted+r.Operations)
}

func kindReport(kind string, h *hdrhistogram.Histogram, seconds float64) KindReport {
	at := func(quantile float64) Millis { return micros(h.ValueAtQuantile(quantile)) }
	return KindReport{Kind: kind, Count: h.TotalCount(), OpsPerSec: perSecond(h.TotalCount(), seconds),
		Mean: Millis(h.Mean() / 1000), P50: at(50), P95: at(95), P99: at(99), P999: at(99.9), Max: micros(h.Max())}
}

func micros(us int64) Millis { return Millis(float64(us) / 1000) }
