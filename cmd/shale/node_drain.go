package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	shalev1 "github.com/shaledb/shale/proto/shale/v1"
)

// nodeDrainOptions are the flags of shale node drain.
type nodeDrainOptions struct {
	connect connectOptions
	output  outputOptions
	undo    bool
}

func newNodeDrainCommand() *cobra.Command {
	var o nodeDrainOptions
	c := &cobra.Command{
		Use: "drain NODE", Short: "Move all leaderships away from a node, and keep them away", Args: cobra.ExactArgs(1),
		Long: `Mark a node as draining and move its leaderships to other nodes; done when it leads nothing.
The mark stays, also over restarts, until --undo: what an election brings the node it gives back by
itself. Its replicas go on taking part, so nothing is less safe meanwhile. --undo moves nothing
back: shale shard transfer-leader does.`,
		ValidArgsFunction: completeArg(nodeIDs),
		RunE: func(c *cobra.Command, args []string) error {
			return runNodeDrain(c.Context(), &o, args[0], c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	o.connect.register(c)
	o.output.register(c)
	c.Flags().BoolVar(&o.undo, "undo", false, "let the node lead again")
	return c
}

// drainPause is between two rounds.
const drainPause = 300 * time.Millisecond

func runNodeDrain(ctx context.Context, o *nodeDrainOptions, text string, out, say io.Writer) error {
	node, err := number("a NODE", text)
	if err != nil {
		return err
	}
	ctx, conn, done, err := o.connect.open(ctx, &o.output)
	if err != nil {
		return err
	}
	defer done()
	if err := drain(ctx, conn, &shalev1.DrainNodeRequest{Node: node, Undo: o.undo}, say); err != nil {
		return err
	}
	nodes, err := listNodes(ctx, conn)
	if err != nil {
		return err
	}
	nodes = slices.DeleteFunc(nodes, func(n *shalev1.Node) bool { return n.Id != node })
	return o.output.print(out, nodeListing(nodes))
}

// drain does round after round until a node leads nothing, twice in a row: what was given
// away a moment ago may be on its way back.
func drain(ctx context.Context, conn *connection, req *shalev1.DrainNodeRequest, say io.Writer) error {
	said := ""
	for quiet := 0; ; {
		res, err := anyHostSoon(ctx, conn, func(ctx context.Context, host string) (*shalev1.DrainNodeResponse, error) {
			return conn.cluster(host).DrainNode(ctx, req)
		})
		switch {
		case err != nil:
			return err
		case req.Undo:
			return nil
		case len(res.Leading)+len(res.Moved) == 0:
			if quiet++; quiet == 2 {
				return nil
			}
		default:
			quiet = 0
		}
		if len(res.Moved) > 0 {
			fmt.Fprintf(say, "moved the leadership of shard %s\n", numbers(res.Moved))
		}
		if now := strings.Join(res.Obstacles, "; "); now != "" && now != said {
			said = now
			fmt.Fprintf(say, "leads still: %s\n", now)
		}
		select {
		case <-ctx.Done():
			if !errors.Is(context.Cause(ctx), errTimeout) {
				return ctx.Err()
			}
			return &unreachableError{Said: []error{fmt.Errorf("node %d leads shards %s still: %s; it goes on giving them away by itself",
				req.Node, numbers(res.Leading), said)}}
		case <-time.After(drainPause):
		}
	}
}
