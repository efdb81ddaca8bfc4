package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	shalev1 "github.com/shaledb/shale/proto/shale/v1"
)

// shardTransferLeaderOptions are the flags of shale shard transfer-leader.
type shardTransferLeaderOptions struct {
	connect connectOptions
	output  outputOptions
}

func newShardTransferLeaderCommand() *cobra.Command {
	var o shardTransferLeaderOptions
	c := &cobra.Command{
		Use: "transfer-leader ID NODE", Short: "Move a shard's leadership to its replica on a node", Args: cobra.ExactArgs(2),
		ValidArgsFunction: completeArg(shardIDs, nodeIDs),
		RunE: func(c *cobra.Command, args []string) error {
			return runShardTransferLeader(c.Context(), &o, args[0], args[1], c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	o.connect.register(c)
	o.output.register(c)
	return c
}

// transferTry bounds one attempt. Raft gives a transfer up in silence where its target does
// not campaign, as one that was split off a moment ago does not: then it is asked for again.
const transferTry = 2 * time.Second

func transferLeader(ctx context.Context, conn *connection, shard, node uint64) (*shalev1.TransferLeaderResponse, error) {
	for {
		try, cancel := context.WithTimeout(ctx, transferTry)
		res, err := anyHostSoon(try, conn, func(ctx context.Context, host string) (*shalev1.TransferLeaderResponse, error) {
			return conn.cluster(host).TransferLeader(ctx, &shalev1.TransferLeaderRequest{ShardId: shard, ToNode: node})
		})
		over := try.Err() != nil
		cancel()
		if err == nil || !over || ctx.Err() != nil {
			return res, err
		}
	}
}

func runShardTransferLeader(ctx context.Context, o *shardTransferLeaderOptions, shardText, nodeText string, out, say io.Writer) error {
	shard, err := number("a shard's ID", shardText)
	if err != nil {
		return err
	}
	node, err := number("a NODE", nodeText)
	if err != nil {
		return err
	}
	ctx, conn, done, err := o.connect.open(ctx, &o.output)
	if err != nil {
		return err
	}
	defer done()
	res, err := transferLeader(ctx, conn, shard, node)
	if err != nil {
		return err
	}
	fmt.Fprintf(say, "shard %d is led by node %d\n", shard, res.LeaderNode)
	l := &listing{header: []string{"shard", "leader"}, whole: res, items: []proto.Message{res},
		rows: [][]string{{decimal(shard), decimal(res.LeaderNode)}}}
	return o.output.print(out, l)
}
