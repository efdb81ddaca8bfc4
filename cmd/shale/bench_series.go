package main

import (
	"context"
	"fmt"
	"io"

	"github.com/shaledb/shale/bench"
	"github.com/shaledb/shale/txn"
)

// series are several runs on one cluster, with the same options but for a few properties.
type series struct {
	o        *benchOptions
	db       *txn.DB
	conn     *connection
	prepared map[string]bool // workloads that were: their data serve the next run, too
}

func (o *benchOptions) series(ctx context.Context) (*series, error) {
	orDefault(&o.run.Threads, 16)
	db, err := o.open(ctx)
	if err != nil {
		return nil, err
	}
	return &series{o: o, db: db, conn: newConnection(o.connect.hosts), prepared: map[string]bool{}}, nil
}

func (s *series) close() {
	s.conn.http.CloseIdleConnections()
	// The end of a program: there is nobody left to whom a failing Close matters.
	_ = s.db.Close()
}

// run makes one run. Only the first of a workload splits and prepares; none verifies more
// than what it needs to run.
func (s *series) run(ctx context.Context, workload string, p bench.Properties, say io.Writer) (*bench.Report, error) {
	o := *s.o
	for name, value := range p {
		o.properties = append(o.properties[:len(o.properties):len(o.properties)], name+"="+value)
	}
	w, err := o.workload(workload)
	if err != nil {
		return nil, err
	}
	if !s.prepared[workload] {
		if err := o.split(ctx, w); err != nil {
			return nil, err
		}
	}
	o.run.SkipPrepare, o.run.SkipVerify = o.run.SkipPrepare || s.prepared[workload], true
	o.run.Meter = meter(s.conn)
	report, err := bench.Run(ctx, bench.NewStore(s.db), w, o.run, say)
	if err == nil && ctx.Err() != nil {
		err = errInterrupted
	}
	s.prepared[workload] = true
	return report, broken(err)
}

// progress says what is about to be measured.
func (o *benchOptions) progress(say io.Writer, format string, args ...any) {
	if !o.run.Quiet {
		fmt.Fprintf(say, format+"\n", args...)
	}
}
