package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	shalev1 "github.com/shaledb/shale/proto/shale/v1"
)

func newShardCommand() *cobra.Command {
	return group("shard", "Look at the shards, split them, move their leaders",
		newShardLsCommand(), newShardShowCommand(), newShardSplitCommand(), newShardTransferLeaderCommand(),
		newShardMergeCommand(), newShardMoveCommand())
}

// listShards lists the shards in the order of their keys, or one alone.
func listShards(ctx context.Context, conn *connection, only uint64) ([]*shalev1.Shard, error) {
	res, err := anyHost(ctx, conn, func(ctx context.Context, host string) (*shalev1.ListShardsResponse, error) {
		return conn.cluster(host).ListShards(ctx, &shalev1.ListShardsRequest{ShardId: only})
	})
	return res.GetShards(), err
}

// number reads a shard's or node's number.
func number(what, text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n == 0 {
		return 0, usageError("%s is a number above zero, not %q", what, text)
	}
	return n, nil
}

func shardListing(shards []*shalev1.Shard, keys *keyOptions) *listing {
	l := &listing{header: []string{"id", "start", "end", "leader", "nodes", "epoch", "term", "size", "locks", "waiting"},
		whole: &shalev1.ListShardsResponse{Shards: shards}}
	for _, s := range shards {
		l.add(s, decimal(s.Id), keys.format(s.StartKey), keys.format(s.EndKey), leaderOf(s), nodesOf(s),
			epochOf(s), decimal(s.Term), decimal(s.SizeBytes), decimal(s.Locks), decimal(s.Waiting))
	}
	return l
}

func leaderOf(s *shalev1.Shard) string {
	if s.LeaderNode == 0 {
		return "none"
	}
	return decimal(s.LeaderNode)
}

func nodesOf(s *shalev1.Shard) string {
	nodes := make([]string, len(s.Replicas))
	for i, r := range s.Replicas {
		nodes[i] = decimal(r.Node)
	}
	return strings.Join(nodes, ",")
}

func epochOf(s *shalev1.Shard) string {
	return decimal(s.GetEpoch().GetBounds()) + "." + decimal(s.GetEpoch().GetMembers())
}
