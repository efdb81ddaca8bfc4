package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	shalev1 "github.com/shaledb/shale/proto/shale/v1"
)

// shardShowOptions are the flags of shale shard show.
type shardShowOptions struct {
	connect connectOptions
	output  outputOptions
	keys    keyOptions
	watch   watchOptions
}

func newShardShowCommand() *cobra.Command {
	var o shardShowOptions
	c := &cobra.Command{
		Use: "show ID", Short: "Show one shard and its replicas", Args: cobra.ExactArgs(1),
		ValidArgsFunction: completeArg(shardIDs),
		RunE: func(c *cobra.Command, args []string) error {
			return o.watch.run(c.Context(), c.OutOrStdout(), func(ctx context.Context, out io.Writer) error {
				return runShardShow(ctx, &o, args[0], out)
			})
		},
	}
	o.connect.register(c)
	o.output.register(c)
	o.keys.register(c)
	o.watch.register(c)
	return c
}

func runShardShow(ctx context.Context, o *shardShowOptions, id string, out io.Writer) error {
	n, err := number("a shard's ID", id)
	if err != nil {
		return err
	}
	ctx, conn, done, err := o.connect.open(ctx, &o.output, &o.keys)
	if err != nil {
		return err
	}
	defer done()
	shards, err := listShards(ctx, conn, n)
	if err != nil {
		return err
	}
	if len(shards) == 0 {
		return &missingError{What: "there is no shard " + id}
	}
	if o.output.format != "table" {
		l := shardListing(shards, &o.keys)
		l.whole = shards[0]
		return o.output.print(out, l)
	}
	return o.output.print(out, shardDetails(shards[0], &o.keys))
}

// shardDetails has a line for each fact and for each replica.
func shardDetails(s *shalev1.Shard, keys *keyOptions) *listing {
	l := &listing{header: []string{"what", "is"}, rows: [][]string{
		{"shard", decimal(s.Id)},
		{"start", keys.format(s.StartKey)},
		{"end", keys.format(s.EndKey)},
		{"epoch", epochOf(s)},
		{"leader", leaderOf(s)},
		{"term", decimal(s.Term)},
		{"size", decimal(s.SizeBytes) + " bytes"},
		{"locks", decimal(s.Locks)},
		{"waiting", decimal(s.Waiting)},
	}}
	for _, r := range s.Replicas {
		state := "applied " + decimal(r.AppliedIndex) + ", flushed " + decimal(r.FlushedIndex)
		if r.AppliedIndex == 0 {
			state = "does not answer"
		}
		if r.Quarantine != "" {
			state = "in quarantine: " + r.Quarantine
		}
		l.rows = append(l.rows, []string{"replica " + decimal(r.Id), "node " + decimal(r.Node) + ", " + state})
	}
	return l
}
