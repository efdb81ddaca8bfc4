package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
)

// shardSplitOptions are the flags of shale shard split.
type shardSplitOptions struct {
	connect connectOptions
	output  outputOptions
	keys    keyOptions
}

func newShardSplitCommand() *cobra.Command {
	var o shardSplitOptions
	c := &cobra.Command{
		Use: "split KEY", Short: "Split the shard that holds a key, at that key", Args: cobra.ExactArgs(1),
		Long: `Split the shard that holds KEY: KEY becomes the first key of the right one. Where a shard
begins there already, nothing changes, and both neighbours are printed all the same.`,
		RunE: func(c *cobra.Command, args []string) error {
			return runShardSplit(c.Context(), &o, args[0], c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	o.connect.register(c)
	o.output.register(c)
	o.keys.register(c)
	return c
}

func splitShard(ctx context.Context, conn *connection, key mvcc.Key) (*shalev1.SplitShardResponse, error) {
	return anyHostSoon(ctx, conn, func(ctx context.Context, host string) (*shalev1.SplitShardResponse, error) {
		return conn.cluster(host).SplitShard(ctx, &shalev1.SplitShardRequest{Key: []byte(key)})
	})
}

func runShardSplit(ctx context.Context, o *shardSplitOptions, text string, out, say io.Writer) error {
	key, err := o.keys.parse(text)
	if err != nil {
		return err
	}
	ctx, conn, done, err := o.connect.open(ctx, &o.output, &o.keys)
	if err != nil {
		return err
	}
	defer done()
	res, err := splitShard(ctx, conn, key)
	if err != nil {
		return err
	}
	fmt.Fprintf(say, "shard %d ends and shard %d begins at %s\n", res.Left.GetId(), res.Right.GetId(), o.keys.format([]byte(key)))
	l := shardListing([]*shalev1.Shard{res.Left, res.Right}, &o.keys)
	l.whole = res
	return o.output.print(out, l)
}
