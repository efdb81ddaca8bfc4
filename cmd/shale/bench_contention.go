package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/shaledb/shale/bench"
)

// contentionOptions are the flags of shale bench contention.
type contentionOptions struct {
	bench  benchOptions
	thetas []string
	modes  []string
	chart  string
}

func newBenchContentionCommand() *cobra.Command {
	o := contentionOptions{}
	c := &cobra.Command{
		Use:   "contention",
		Short: "Measure how transactions that meet hold each other up, from little skew to much",
		Long: `Run transactions that read and write two records each, chosen by Zipf distributions of
growing skew; for each skew the modes one right after the other. An optimistic transaction
that is aborted is run again; a pessimistic one waits for its locks.

The table goes to stdout; --chart writes the same as a picture (SVG).`,
		Example: "  shale bench contention --threads 32 --duration 5s --chart contention.svg",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return runBenchContention(c.Context(), &o, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	o.bench.register(c)
	f := c.Flags()
	f.StringSliceVar(&o.thetas, "zipf", []string{"0.5", "0.6", "0.7", "0.8", "0.9", "1.0", "1.1", "1.2"}, "the skews")
	f.StringSliceVar(&o.modes, "modes", []string{"optimistic", "pessimistic"}, "of these and serializable")
	f.StringVar(&o.chart, "chart", "", "file for the picture")
	return c
}

func runBenchContention(ctx context.Context, o *contentionOptions, out, say io.Writer) error {
	if err := o.bench.validate(); err != nil {
		return err
	}
	orDefault(&o.bench.run.Duration, 5*time.Second)
	s, err := o.bench.series(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	var points []bench.Point
	for _, theta := range o.thetas {
		skew, err := strconv.ParseFloat(theta, 64)
		if err != nil || skew < 0 {
			return usageError("--zipf: %q is no skew, such as 0.9", theta)
		}
		for _, mode := range o.modes {
			o.bench.progress(say, "skew %s, %s", theta, mode)
			r, err := s.run(ctx, "contend", bench.Properties{"theta": theta, "mode": mode}, say)
			if err != nil {
				return err
			}
			all := r.Kinds[len(r.Kinds)-1]
			points = append(points, bench.Point{Mode: mode, Theta: skew, OpsPerSec: r.OpsPerSec, AbortRate: r.AbortRate(),
				P50: all.P50, P99: all.P99})
		}
	}
	if o.chart != "" {
		if err := writeChart(o.chart, points, o.bench.run.Threads); err != nil {
			return err
		}
	}
	if o.bench.format == "json" {
		return json.NewEncoder(out).Encode(points)
	}
	return bench.WriteSweep(out, points)
}

func writeChart(path string, points []bench.Point, threads int) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return bench.WriteChart(f, fmt.Sprintf("Two reads and two writes in each transaction, %d threads", threads), points)
}

// orDefault sets what nobody has given.
func orDefault[T comparable](v *T, def T) {
	var none T
	if *v == none {
		*v = def
	}
}
