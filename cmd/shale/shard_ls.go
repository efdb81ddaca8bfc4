package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"
)

// shardLsOptions are the flags of shale shard ls.
type shardLsOptions struct {
	connect connectOptions
	output  outputOptions
	keys    keyOptions
	watch   watchOptions
}

func newShardLsCommand() *cobra.Command {
	var o shardLsOptions
	c := &cobra.Command{
		Use: "ls", Short: "List the shards in the order of their keys", Args: cobra.NoArgs,
		Long: `List the shards in the order of their keys. The first is the system's own: the directory
and the timestamp oracle.`,
		RunE: func(c *cobra.Command, _ []string) error {
			return o.watch.run(c.Context(), c.OutOrStdout(), func(ctx context.Context, out io.Writer) error {
				return runShardLs(ctx, &o, out)
			})
		},
	}
	o.connect.register(c)
	o.output.register(c)
	o.keys.register(c)
	o.watch.register(c)
	return c
}

func runShardLs(ctx context.Context, o *shardLsOptions, out io.Writer) error {
	ctx, conn, done, err := o.connect.open(ctx, &o.output, &o.keys)
	if err != nil {
		return err
	}
	defer done()
	shards, err := listShards(ctx, conn, 0)
	if err != nil {
		return err
	}
	return o.output.print(out, shardListing(shards, &o.keys))
}
