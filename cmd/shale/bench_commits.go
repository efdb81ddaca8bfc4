package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/shaledb/shale/bench"
)

// commitsOptions are the flags of shale bench commits.
type commitsOptions struct {
	bench  benchOptions
	rounds int
}

func newBenchCommitsCommand() *cobra.Command {
	o := commitsOptions{}
	c := &cobra.Command{
		Use:   "commits",
		Short: "Measure what a commit costs in each of its three ways",
		Long: `Commit two blind writes in one shard (one-phase), in two shards (async), and in two shards
after a read that is validated (two-phase: serializable). Each way alone, in turn, several
times: that gives what each costs. Then all three in one run: that gives their latencies side
by side. The records have to lie in the shards that --split makes; -p shards=N says how many.`,
		Example: "  shale bench commits --split 8 --threads 32 --duration 5s",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return runBenchCommits(c.Context(), &o, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	o.bench.register(c)
	c.Flags().IntVar(&o.rounds, "rounds", 3, "how often each way is measured; the median is shown")
	return c
}

// commitCost is one row of the report.
type commitCost struct {
	Way       string         `json:"way"`
	OpsPerSec float64        `json:"opsPerSec"` // alone
	P50       bench.Millis   `json:"p50Ms"`     // alone
	Mixed     bench.Millis   `json:"mixedP50Ms"`
	Costs     bench.Counters `json:"costs"`
}

func runBenchCommits(ctx context.Context, o *commitsOptions, out, say io.Writer) error {
	if o.rounds < 1 {
		return usageError("--rounds is at least 1")
	}
	if err := o.bench.validate(); err != nil {
		return err
	}
	orDefault(&o.bench.run.Duration, 5*time.Second)
	if o.bench.splits > 1 {
		o.bench.properties = append(o.bench.properties, fmt.Sprintf("shards=%d", o.bench.splits))
	}
	s, err := o.bench.series(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	ways := []string{bench.OnePhase, bench.AsyncWay, bench.TwoPhase}
	alone := map[string][]*bench.Report{}
	var mixed []*bench.Report
	for range o.rounds {
		for _, way := range append(ways, "mixed") {
			o.bench.progress(say, "%s", way)
			r, err := s.run(ctx, "commit", bench.Properties{"kind": way}, say)
			if err != nil {
				return err
			}
			if way == "mixed" {
				mixed = append(mixed, r)
			} else {
				alone[way] = append(alone[way], r)
			}
		}
	}
	rows := make([]commitCost, len(ways))
	for i, way := range ways {
		rows[i] = costOf(way, alone[way], mixed)
	}
	if o.bench.format == "json" {
		return json.NewEncoder(out).Encode(rows)
	}
	printCommits(out, rows)
	return nil
}

// costOf takes the median of each figure.
func costOf(way string, alone, mixed []*bench.Report) commitCost {
	p50 := func(r *bench.Report) float64 {
		k, _ := r.Kind(way)
		return float64(k.P50)
	}
	cost := func(of func(bench.Counters) float64) float64 {
		return bench.Median(alone, func(r *bench.Report) float64 {
			if r.Costs == nil {
				return 0
			}
			return of(*r.Costs)
		})
	}
	return commitCost{Way: way,
		OpsPerSec: bench.Median(alone, func(r *bench.Report) float64 { return r.OpsPerSec }),
		P50:       bench.Millis(bench.Median(alone, p50)),
		Mixed:     bench.Millis(bench.Median(mixed, p50)),
		Costs: bench.Counters{
			Rounds: cost(func(c bench.Counters) float64 { return c.Rounds }),
			Oracle: cost(func(c bench.Counters) float64 { return c.Oracle }),
			Syncs:  cost(func(c bench.Counters) float64 { return c.Syncs }),
			SQLite: cost(func(c bench.Counters) float64 { return c.SQLite }),
		}}
}

func printCommits(out io.Writer, rows []commitCost) {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"commit", "tx/s", "p50 ms", "p50 ms mixed", "rounds", "oracle", "fsyncs", "SQLite tx"})
	for _, r := range rows {
		t.AppendRow(table.Row{r.Way, fmt.Sprintf("%.0f", r.OpsPerSec), r.P50, r.Mixed, fmt.Sprintf("%.2f", r.Costs.Rounds),
			fmt.Sprintf("%.2f", r.Costs.Oracle), fmt.Sprintf("%.2f", r.Costs.Syncs), fmt.Sprintf("%.3f", r.Costs.SQLite)})
	}
	fmt.Fprintln(out, t.Render())
	if rows[0].Mixed > 0 {
		fmt.Fprintf(out, "a cross-shard async commit takes %.2f × a one-shard commit's median, in the same runs\n",
			float64(rows[1].Mixed/rows[0].Mixed))
	}
}
