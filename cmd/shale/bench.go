package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shaledb/shale/bench"
	"github.com/shaledb/shale/txn"
)

// benchOptions are the flags of shale bench.
type benchOptions struct {
	connect    connectOptions
	files      []string
	properties []string
	check      string
	history    string
	run        bench.Options
	verifyOnly bool
	splits     int
	format     string
}

func newBenchCommand() *cobra.Command {
	var o benchOptions
	c := &cobra.Command{
		Use:   "bench " + strings.Join(bench.Names(), "|"),
		Short: "Put work on the cluster, measure it, and check what came of it",
		Long: `Prepare data, run a workload on many threads, and verify at the end that the cluster holds
what was acknowledged. A line of progress a second goes to stderr, the report to stdout.

Properties have YCSB's names where YCSB has one; -P takes its files, and workloada to
workloadf also where there is no such file. A later -p wins. Data of an earlier run are
used again.

append and registers write down what every client saw, and check it at the end: append for
anomalies under --check, registers for linearizability. With --history FILE the history is
kept, and shale bench check looks at it again; one with an anomaly is kept in any case.

A promise that the cluster broke exits 5, whatever else was measured.`,
		Example: `  shale bench bank --threads 32 --duration 60s
  shale bench ycsb -P workloada -p recordcount=10000 --threads 128
  shale bench bank --verify-only -p ledger=ledger.jsonl
  shale bench append --check serializable --history h.jsonl --split 8`,
		Args: cobra.ExactArgs(1), ValidArgs: bench.Names(),
		RunE: func(c *cobra.Command, args []string) error {
			return runBench(c.Context(), &o, args[0], c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	c.AddCommand(newBenchCheckCommand(), newBenchContentionCommand(), newBenchCommitsCommand())
	o.register(c)
	f := c.Flags()
	f.StringVar(&o.check, "check", "", "isolation to hold the cluster to: si or serializable (append, skew; default si)")
	f.StringVar(&o.history, "history", "", "new file for what every client saw (append, registers)")
	f.BoolVar(&o.verifyOnly, "verify-only", false, "only check the data")
	return c
}

// register adds the flags that all benches have.
func (o *benchOptions) register(c *cobra.Command) {
	o.connect.register(c)
	f := c.Flags()
	f.StringArrayVarP(&o.files, "properties", "P", nil, "a property file, or workloada … workloadf")
	f.StringArrayVarP(&o.properties, "property", "p", nil, "name=value")
	f.IntVar(&o.run.Threads, "threads", 0, "operations under way at once (0: 16)")
	f.DurationVar(&o.run.Duration, "duration", 0, "how long to measure (0: by --operations, or 10s)")
	f.Int64Var(&o.run.Operations, "operations", 0, "how many operations to measure")
	f.DurationVar(&o.run.WarmUp, "warmup", 0, "run so long before measuring")
	f.Float64Var(&o.run.Target, "target", 0, "operations a second over all threads (0: as fast as they go)")
	f.DurationVar(&o.run.Timeout, "op-timeout", 0, "bound of one operation (0: 30s)")
	f.DurationVar(&o.run.Patience, "patience", 0, "how long prepare and verify wait for a cluster that is away (0: 1m)")
	f.Uint64Var(&o.run.Seed, "seed", 0, "repeat a run's choices (0: draw a seed)")
	f.IntVar(&o.splits, "split", 0, "first split the keys of the workload into so many shards")
	f.BoolVar(&o.run.SkipPrepare, "skip-prepare", false, "take the data as they are")
	f.BoolVar(&o.run.SkipVerify, "skip-verify", false, "leave the data unchecked at the end")
	f.BoolVar(&o.run.Quiet, "quiet", false, "without the lines of progress")
	f.StringVarP(&o.format, "output", "o", "table", "table or json")
}

func (o *benchOptions) validate() error {
	if o.format != "table" && o.format != "json" {
		return usageError("-o is table or json, not %q", o.format)
	}
	if o.splits < 0 {
		return usageError("--split is zero or more")
	}
	return o.connect.validate()
}

// workload makes the workload of all properties, and takes the run's settings out of them.
func (o *benchOptions) workload(name string) (bench.Workload, error) {
	properties := bench.Properties{}
	for _, path := range o.files {
		loaded, err := bench.LoadProperties(path)
		if err != nil {
			return nil, err
		}
		properties = properties.Merge(loaded)
	}
	for _, assignment := range o.properties {
		if err := properties.Set(assignment); err != nil {
			return nil, err
		}
	}
	for name, value := range map[string]string{"check": o.check, "history": o.history} {
		if value != "" {
			properties[name] = value
		}
	}
	run, err := properties.Options(o.run)
	if err != nil {
		return nil, err
	}
	o.run = run
	return bench.New(name, properties)
}

func runBench(ctx context.Context, o *benchOptions, name string, out, say io.Writer) error {
	if err := o.validate(); err != nil {
		return err
	}
	w, err := o.workload(name)
	if err != nil {
		return err
	}
	if c, ok := w.(bench.Closer); ok {
		defer c.Close()
	}
	db, err := o.open(ctx)
	if err != nil {
		return err
	}
	// The end of a program: there is nobody left to whom a failing Close matters.
	defer func() { _ = db.Close() }()
	if o.verifyOnly {
		findings, err := bench.Verify(ctx, bench.NewStore(db), w, o.run)
		for _, f := range findings {
			fmt.Fprintln(out, f)
		}
		return broken(err)
	}
	if err := o.split(ctx, w); err != nil {
		return err
	}
	conn := newConnection(o.connect.hosts)
	defer conn.http.CloseIdleConnections()
	o.run.Meter = meter(conn)
	report, err := bench.Run(ctx, bench.NewStore(db), w, o.run, say)
	if report != nil {
		if e := o.print(out, report); e != nil {
			return e
		}
	}
	if err == nil && ctx.Err() != nil {
		err = errInterrupted
	}
	return broken(err)
}

// open waits, with the run's patience, for a cluster that was just started again.
func (o *benchOptions) open(ctx context.Context) (*txn.DB, error) {
	end := time.Now().Add(max(o.run.Patience, o.connect.timeout))
	for {
		db, err := txn.Open(ctx, o.connect.hosts)
		if err == nil || ctx.Err() != nil || time.Now().After(end) {
			return db, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(settlePoll):
		}
	}
}

func (o *benchOptions) split(ctx context.Context, w bench.Workload) error {
	if o.splits < 2 {
		return nil
	}
	conn := newConnection(o.connect.hosts)
	defer conn.http.CloseIdleConnections()
	for _, k := range w.SplitKeys(o.splits) {
		if _, err := splitShard(ctx, conn, k); err != nil {
			return fmt.Errorf("split: %w", err)
		}
	}
	return settled(ctx, conn)
}

func (o *benchOptions) print(out io.Writer, r *bench.Report) error {
	if o.format == "json" {
		return r.WriteJSON(out)
	}
	return r.WriteTable(out)
}

// broken marks a cluster that broke a promise as unhealthy.
func broken(err error) error {
	var b *bench.BrokenError
	if errors.As(err, &b) {
		return &unhealthyError{Problems: []string{err.Error()}}
	}
	return err
}
