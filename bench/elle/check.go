package elle

import (
	"fmt"

	"github.com/shaledb/shale/bench/history"
)

// anomaliesMax bounds what is written out; the rest is counted.
const anomaliesMax = 20

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
	Allowed   int
	Anomalies []history.Anomaly
	More      int // anomalies beyond those
}

// OK says that nothing was found.
func (r *Report) OK() bool { return len(r.Anomalies) == 0 }

// Summary is the verdict, and what it rests on.
func (r *Report) Summary() string {
	verdict := fmt.Sprintf("no anomaly under %s", r.Level)
	if !r.OK() {
		verdict = fmt.Sprintf("%d ANOMALIES under %s", len(r.Anomalies)+r.More, r.Level)
	}
	s := fmt.Sprintf("lists: %s: %d transactions committed, %d aborted, %d unknown and unseen\n"+
		"       %d appends and %d reads of %d lists, %d dependencies", verdict, r.Committed, r.Aborted, r.Unseen,
		r.Appends, r.Reads, r.Keys, r.Edges)
	if r.Level == history.SnapshotIsolation {
		s += fmt.Sprintf("; write skew, which is allowed: %d", r.Allowed)
	}
	return s
}

func (r *Report) add(name, format string, args ...any) {
	if len(r.Anomalies) == anomaliesMax {
		r.More++
		return
	}
	r.Anomalies = append(r.Anomalies, history.Anomaly{Name: name, Text: fmt.Sprintf(format, args...)})
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
		r.add(c.name(), "%s", c.explain(x))
	}
	if level == history.SnapshotIsolation && r.OK() {
		r.Allowed = len(x.graph(history.Serializable).knots())
	}
	return r
}
