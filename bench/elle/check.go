package elle

import (
	"fmt"

	"github.com/shaledb/shale/bench/history"
)

// Report is what Check found.
type Report struct {
	Level     history.Level
	Committed int // also those of unknown outcome that were seen
	Aborted   int
	Unseen    int // of unknown outcome, and not seen
	Reads     int // of committed transactions
	Appends   int
	Keys      int
	Edges     int
	// Allowed counts the knots that snapshot isolation allows and a serializable store does
	// not: write skew. They show that the history was able to show something.
	Allowed int
	history.Findings
}

// Summary is the verdict, and what it rests on.
func (r *Report) Summary() string {
	verdict := fmt.Sprintf("no anomaly under %s", r.Level)
	if !r.OK() {
		verdict = fmt.Sprintf("ANOMALIES under %s: %s", r.Level, r.Counts())
	}
	s := fmt.Sprintf("lists: %s\n       %d transactions committed, %d aborted, %d unknown and unseen\n"+
		"       %d appends and %d reads of %d lists, %d dependencies", verdict, r.Committed, r.Aborted, r.Unseen,
		r.Appends, r.Reads, r.Keys, r.Edges)
	if r.Level == history.SnapshotIsolation {
		s += fmt.Sprintf("; write skew, which is allowed: %d", r.Allowed)
	}
	return s
}

// Check looks for anomalies that the level forbids.
func Check(txns []history.Txn, level history.Level) *Report {
	r := &Report{Level: level}
	x := observe(txns, r)
	x.orderVersions(r)
	x.findLostUpdates(r, level)
	g := x.graph(level)
	r.Edges = len(g.edges)
	for _, knot := range g.knots() {
		c := newSearch(g, knot).shortest()
		r.Add(c.name(), "%s", explained{c, x})
	}
	if level == history.SnapshotIsolation && r.OK() {
		r.Allowed = len(x.graph(history.Serializable).knots())
	}
	return r
}
