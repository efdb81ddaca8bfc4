package main

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	shalev1 "github.com/shaledb/shale/proto/shale/v1"
)

func newNodeCommand() *cobra.Command {
	return group("node", "Look at the nodes, drain them", newNodeLsCommand(), newNodeDrainCommand(), newNodeDecommissionCommand())
}

// nodeLsOptions are the flags of shale node ls.
type nodeLsOptions struct {
	connect connectOptions
	output  outputOptions
	watch   watchOptions
}

func newNodeLsCommand() *cobra.Command {
	var o nodeLsOptions
	c := &cobra.Command{
		Use: "ls", Short: "List the nodes", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return o.watch.run(c.Context(), c.OutOrStdout(), func(ctx context.Context, out io.Writer) error {
				return runNodeLs(ctx, &o, out)
			})
		},
	}
	o.connect.register(c)
	o.output.register(c)
	o.watch.register(c)
	return c
}

func listNodes(ctx context.Context, conn *connection) ([]*shalev1.Node, error) {
	res, err := anyHost(ctx, conn, func(ctx context.Context, host string) (*shalev1.ListNodesResponse, error) {
		return conn.cluster(host).ListNodes(ctx, &shalev1.ListNodesRequest{})
	})
	return res.GetNodes(), err
}

func runNodeLs(ctx context.Context, o *nodeLsOptions, out io.Writer) error {
	ctx, conn, done, err := o.connect.open(ctx, &o.output)
	if err != nil {
		return err
	}
	defer done()
	nodes, err := listNodes(ctx, conn)
	if err != nil {
		return err
	}
	return o.output.print(out, nodeListing(nodes))
}

func nodeListing(nodes []*shalev1.Node) *listing {
	l := &listing{header: []string{"id", "address", "alive", "replicas", "leaders", "version", "uptime", "draining"},
		whole: &shalev1.ListNodesResponse{Nodes: nodes}}
	for _, n := range nodes {
		uptime := ""
		if n.UptimeSeconds > 0 {
			uptime = (time.Duration(n.UptimeSeconds) * time.Second).String()
		}
		l.add(n, decimal(n.Id), n.Address, strconv.FormatBool(n.Alive), count(n.Replicas), count(n.Leaders), n.Version, uptime,
			strconv.FormatBool(n.Draining))
	}
	return l
}
