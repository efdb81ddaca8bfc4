package bench

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const shown = `# HELP shale_entries_proposed_total Entries proposed.
shale_entries_proposed_total 100
shale_oracle_requests_total 1e+02
shale_log_syncs_total 300
shale_flushes_durable_total 10
shale_sqlite_transactions_total 40
shale_rpc_total{code="ok"} 7
process_start_time_seconds 5
`

// What nodes show is read, and a node that does not show it is no zero.
func TestReadCounters(t *testing.T) {
	c, err := ReadCounters(strings.NewReader(shown))
	require.NoError(t, err)
	require.Equal(t, Counters{Rounds: 100, Oracle: 100, Syncs: 310, SQLite: 40, Began: 5}, c)
	_, err = ReadCounters(strings.NewReader("shale_log_syncs_total 300\n"))
	require.ErrorContains(t, err, "1 of 6")
}

// A report has what each operation cost: over the measured part alone, and not at all where a
// node was away or began anew.
func TestCosts(t *testing.T) {
	run := func(answers ...any) *Report {
		w, err := New("put", Properties{"recordcount": "10", "fieldlength": "10"})
		require.NoError(t, err)
		meter := func(context.Context) (Counters, error) {
			next := answers[0]
			answers = answers[1:]
			if err, ok := next.(error); ok {
				return Counters{}, err
			}
			return next.(Counters), nil
		}
		report, err := Run(t.Context(), newMemory(1), w, Options{Threads: 1, Operations: 50, Meter: meter}, io.Discard)
		require.NoError(t, err)
		require.Empty(t, answers)
		return report
	}
	report := run(Counters{100, 10, 30, 4, 7}, Counters{150, 35, 180, 9, 7})
	require.Equal(t, &Counters{Rounds: 1, Oracle: 0.5, Syncs: 3, SQLite: 0.1}, report.Costs)
	var out bytes.Buffer
	require.NoError(t, report.WriteTable(&out))
	require.Contains(t, out.String(), "for each: 1.00 consensus rounds, 0.50 oracle requests, 3.00 fsyncs, 0.100 SQLite transactions")
	require.Nil(t, run(Counters{100, 10, 30, 4, 7}, Counters{150, 35, 180, 9, 8}).Costs)
	require.Nil(t, run(Counters{}, errors.New("away")).Costs)
}

// Each way to commit draws records as its name says.
func TestCommitsLieWhereTheyShould(t *testing.T) {
	for _, way := range []string{OnePhase, AsyncWay, TwoPhase} {
		w, err := New("commit", Properties{"kind": way, "shards": "4"})
		require.NoError(t, err)
		c := w.(*commits)
		rng := rand.New(rand.NewPCG(1, 1))
		for range 200 {
			op := c.Generate(rng, 0).(*commitOp)
			require.Equal(t, way, op.Kind())
			require.NotEqual(t, op.pair.from, op.pair.to)
			require.Equal(t, way == OnePhase, c.shardOf(op.pair.from) == c.shardOf(op.pair.to))
		}
	}
	report, err := runOn(t, newVersions(1), "commit", nil, 300)
	require.NoError(t, err)
	require.Len(t, report.Kinds, 4, "three ways, and all")
}

// The chart is well-formed and has both modes; the table has a line for each skew.
func TestSweep(t *testing.T) {
	points := []Point{{"optimistic", 0.5, 1000, 0.01, 1, 2}, {"pessimistic", 0.5, 900, 0, 1, 2},
		{"optimistic", 1.2, 200, 0.6, 3, 90}, {"pessimistic", 1.2, 400, 0.1, 5, 20}}
	var chart, table bytes.Buffer
	require.NoError(t, WriteChart(&chart, "a title", points))
	d := xml.NewDecoder(bytes.NewReader(chart.Bytes()))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
	}
	require.Equal(t, 8, strings.Count(chart.String(), "<circle"))
	require.NoError(t, WriteSweep(&table, points))
	require.Equal(t, 4, strings.Count(table.String(), "\n"))
	require.Contains(t, table.String(), "1.20           200     60.0%      3.00      90.0")
	require.InDelta(t, 0.6, (&Report{Operations: 40, Retries: 50, Errors: map[string]int64{"deadlock": 10}}).AbortRate(), 1e-9)
}

// The Zipf table has the shares of its definition, also where Gray's generator has none.
func TestZipfShares(t *testing.T) {
	for _, theta := range []float64{0, 0.5, 1, 1.2} {
		shares := zipfShares(100, theta)
		require.InDelta(t, 1, shares[99], 1e-9)
		require.InDelta(t, shares[0], (shares[1]-shares[0])*math.Pow(2, theta), 1e-9, "the first comes 2^theta times as often as the second")
	}
}
