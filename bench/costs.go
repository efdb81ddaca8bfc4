package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Counters are what the nodes of a cluster have counted since they began, summed up.
type Counters struct {
	Rounds float64 `json:"consensusRounds"` // entries proposed to a shard's group
	Oracle float64 `json:"oracleRequests"`  // answered by the oracle, however many timestamps each
	Syncs  float64 `json:"fsyncs"`          // of the log and of SQLite, on all replicas
	SQLite float64 `json:"sqliteTransactions"`
	// Began adds up when the nodes' processes began: another sum, and one was started anew.
	Began float64 `json:"-"`
}

// Meter reads the counters of a store under test.
type Meter func(ctx context.Context) (Counters, error)

// ReadCounters adds up what one node shows on /metrics (Prometheus's text format).
func ReadCounters(r io.Reader) (Counters, error) {
	var c Counters
	into := map[string]*float64{
		"shale_entries_proposed_total":    &c.Rounds,
		"shale_oracle_requests_total":     &c.Oracle,
		"shale_log_syncs_total":           &c.Syncs,
		"shale_flushes_durable_total":     &c.Syncs,
		"shale_sqlite_transactions_total": &c.SQLite,
		"process_start_time_seconds":      &c.Began,
	}
	found := 0
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		to := into[name]
		if to == nil {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil {
			return c, fmt.Errorf("the metric %s is %q", name, value)
		}
		*to += n
		found++
	}
	if err := lines.Err(); err != nil {
		return c, err
	}
	if found < len(into) {
		return c, fmt.Errorf("the node shows %d of %d metrics", found, len(into))
	}
	return c, nil
}

// Add sums nodes up.
func (c Counters) Add(other Counters) Counters {
	return Counters{c.Rounds + other.Rounds, c.Oracle + other.Oracle, c.Syncs + other.Syncs, c.SQLite + other.SQLite,
		c.Began + other.Began}
}

// costs are the counters' growth for each acknowledged operation. False: there was none, or
// a node has begun anew meanwhile.
func costs(before, after Counters, operations int64) (Counters, bool) {
	per := func(before, after float64) float64 { return (after - before) / float64(operations) }
	c := Counters{Rounds: per(before.Rounds, after.Rounds), Oracle: per(before.Oracle, after.Oracle),
		Syncs: per(before.Syncs, after.Syncs), SQLite: per(before.SQLite, after.SQLite)}
	return c, operations > 0 && before.Began == after.Began
}

// String is the line of a report.
func (c Counters) String() string {
	return fmt.Sprintf("for each: %.2f consensus rounds, %.2f oracle requests, %.2f fsyncs, %.3f SQLite transactions",
		c.Rounds, c.Oracle, c.Syncs, c.SQLite)
}

// metered measures, and adds what it cost the store. A meter that fails costs the figures, not
// the run: a node may be down on purpose.
func (m Meter) metered(ctx context.Context, measure func() (*Report, error)) (*Report, error) {
	if m == nil {
		return measure()
	}
	before, errBefore := m(ctx)
	report, err := measure()
	after, errAfter := m(ctx)
	if report == nil || errBefore != nil || errAfter != nil {
		return report, err
	}
	if c, ok := costs(before, after, report.Operations); ok {
		report.Costs = &c
	}
	return report, err
}
