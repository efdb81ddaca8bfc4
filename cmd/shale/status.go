package main

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/timestamp"
)

// statusOptions are the flags of shale status.
type statusOptions struct {
	connect connectOptions
	output  outputOptions
	watch   watchOptions
}

func newStatusCommand() *cobra.Command {
	var o statusOptions
	c := &cobra.Command{
		Use:   "status",
		Short: "Say whether the cluster is well, and what to do; exits 5 where it is not",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return o.watch.run(c.Context(), c.OutOrStdout(), func(ctx context.Context, out io.Writer) error {
				return runStatus(ctx, &o, out)
			})
		},
	}
	o.connect.register(c)
	o.output.register(c)
	o.watch.register(c)
	return c
}

func status(ctx context.Context, conn *connection) (*shalev1.StatusResponse, error) {
	return anyHost(ctx, conn, func(ctx context.Context, host string) (*shalev1.StatusResponse, error) {
		return conn.cluster(host).Status(ctx, &shalev1.StatusRequest{})
	})
}

func runStatus(ctx context.Context, o *statusOptions, out io.Writer) error {
	ctx, conn, done, err := o.connect.open(ctx, &o.output)
	if err != nil {
		return err
	}
	defer done()
	st, err := status(ctx, conn)
	if err != nil {
		return err
	}
	askEach(ctx, conn, st)
	if err := o.output.print(out, statusListing(st)); err != nil {
		return err
	}
	if !st.Healthy {
		return &unhealthyError{Problems: st.Problems}
	}
	return nil
}

func statusListing(st *shalev1.StatusResponse) *listing {
	alive := 0
	for _, n := range st.Nodes {
		if n.Alive {
			alive++
		}
	}
	l := &listing{header: []string{"what", "is"}, whole: st, items: []proto.Message{st}}
	l.rows = [][]string{
		{"cluster", st.ClusterId},
		{"healthy", strconv.FormatBool(st.Healthy)},
		{"nodes", strconv.Itoa(len(st.Nodes)) + ", alive " + strconv.Itoa(alive)},
		{"shards", count(st.Shards) + ", without a leader " + count(st.ShardsWithoutLeader)},
		{"timestamp", decimal(st.Timestamp)},
		{"oracle time", moment(st.Timestamp)},
		{"answered by", "node " + decimal(st.Node) + ", version " + st.Version + ", up " +
			(time.Duration(st.UptimeSeconds) * time.Second).String()},
	}
	for _, p := range troubles(st) {
		what := "problem"
		if p.Note {
			what = "note"
		}
		l.rows = append(l.rows, []string{what, p.What})
		if p.Advice != "" {
			l.rows = append(l.rows, []string{"  to do", p.Advice})
		}
	}
	return l
}

// troubles are what a node says is wrong; one of an earlier release gives no advice.
func troubles(st *shalev1.StatusResponse) []*shalev1.Problem {
	if len(st.Advice) > 0 {
		return st.Advice
	}
	var out []*shalev1.Problem
	for _, p := range st.Problems {
		out = append(out, &shalev1.Problem{What: p})
	}
	return out
}

func count(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// moment prints a timestamp's wall-clock time; nothing for none.
func moment(ts uint64) string {
	if ts == 0 {
		return ""
	}
	return timestamp.Timestamp(ts).Time().UTC().Format("2006-01-02 15:04:05.000")
}
