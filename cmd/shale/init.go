package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
)

// initOptions are the flags of shale init.
type initOptions struct{ connect connectOptions }

func newInitCommand() *cobra.Command {
	var o initOptions
	c := &cobra.Command{
		Use:   "init --host HOST:PORT",
		Short: "Begin a new cluster, once",
		Long: `Begin a cluster on a node and on those that its --join names: three, or it alone. They
must be running. Running it again says that the cluster is there, and exits 0; after a
failure half-way, run it again on the same node.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runInit(c.Context(), &o, c.ErrOrStderr()) },
	}
	o.connect.register(c)
	return c
}

func runInit(ctx context.Context, o *initOptions, say io.Writer) error {
	ctx, conn, done, err := o.connect.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	// One host alone: a second one, asked because the first was slow, would begin a cluster
	// of its own.
	conn.hosts = conn.hosts[:1]
	res, err := anyHost(ctx, conn, func(ctx context.Context, host string) (*nodev1.InitResponse, error) {
		return conn.node(host).Init(ctx, &nodev1.InitRequest{})
	})
	switch {
	case connect.CodeOf(err) == connect.CodeFailedPrecondition:
		return errors.New(message(err)) // a peer that is missing: no conflict with anybody's data
	case err != nil:
		return err
	}
	if res.Already {
		fmt.Fprintf(say, "cluster %s is there already, nothing to do\n", res.ClusterId)
		return nil
	}
	if err := settled(ctx, conn); err != nil {
		return fmt.Errorf("cluster %s has begun, but does not serve yet: %w", res.ClusterId, err)
	}
	fmt.Fprintf(say, "cluster %s has begun\n", res.ClusterId)
	slices.SortFunc(res.Nodes, func(a, b *nodev1.NodeAddress) int { return cmp.Compare(a.Id, b.Id) })
	for _, n := range res.Nodes {
		fmt.Fprintf(say, "  node %d at %s\n", n.Id, n.Address)
	}
	return nil
}

// settlePoll is between two looks at a cluster that elects its first leaders.
const settlePoll = 50 * time.Millisecond

// settled waits until every shard has a leader.
func settled(ctx context.Context, conn *connection) error {
	for {
		st, err := status(ctx, conn)
		if err == nil && st.Healthy {
			return nil
		}
		if err == nil && len(st.Problems) > 0 {
			err = &unhealthyError{Problems: st.Problems}
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(settlePoll):
		}
	}
}
