// Package meter counts how long things took and how large they were, at the cost of two atomic
// additions each.
//
//	Observe(31 µs) ─▶ ≤10 µs │ ≤20 │ ≤40 │ ≤80 │ … │ ≤42 s │ above      Read ─▶ Prometheus
//	                                 +1
//
// The bounds of the buckets double, so that a bucket is found by the position of the highest
// bit; a quantile that is read out of them is at most a factor of two too high. The zero value
// of every type is ready to use, and may be used by any goroutine.
//
// What it does not do: name, label or export anything. That is package node's matter.
package meter
