package server

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/routing"
)

// clusters serves shale.v1.ClusterService, by asking the system group and the shards.
type clusters struct{ s *Server }

// MergeShards is not there yet.
func (clusters) MergeShards(context.Context, *shalev1.MergeShardsRequest) (*shalev1.MergeShardsResponse, error) {
	return nil, &wire.UnimplementedError{What: "MergeShards"}
}

// MoveReplica is not there yet.
func (clusters) MoveReplica(context.Context, *shalev1.MoveReplicaRequest) (*shalev1.MoveReplicaResponse, error) {
	return nil, &wire.UnimplementedError{What: "MoveReplica"}
}

// DecommissionNode is not there yet.
func (clusters) DecommissionNode(context.Context, *shalev1.DecommissionNodeRequest) (*shalev1.DecommissionNodeResponse, error) {
	return nil, &wire.UnimplementedError{What: "DecommissionNode"}
}

// ListNodes lists the nodes and what they hold.
func (h clusters) ListNodes(ctx context.Context, _ *shalev1.ListNodesRequest) (*shalev1.ListNodesResponse, error) {
	view, err := h.look(ctx, 0)
	if err != nil {
		return nil, err
	}
	return &shalev1.ListNodesResponse{Nodes: h.nodes(view)}, nil
}

// ListShards lists the shards, or one.
func (h clusters) ListShards(ctx context.Context, req *shalev1.ListShardsRequest) (*shalev1.ListShardsResponse, error) {
	view, err := h.look(ctx, routing.ShardID(req.GetShardId()))
	if err != nil {
		return nil, err
	}
	res := &shalev1.ListShardsResponse{}
	for i := range view.list.Shards {
		res.Shards = append(res.Shards, view.shard(&view.list.Shards[i]))
	}
	if req.GetShardId() != 0 && len(res.Shards) == 0 {
		return nil, &wire.NotFoundError{What: fmt.Sprintf("there is no shard %d", req.GetShardId())}
	}
	return res, nil
}

// TransferLeader moves a shard's leadership to another of its nodes.
func (h clusters) TransferLeader(ctx context.Context, req *shalev1.TransferLeaderRequest) (*shalev1.TransferLeaderResponse, error) {
	m, err := h.s.cfg.member()
	if err != nil {
		return nil, err
	}
	list, err := m.Cluster.List(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list.Shards, func(d routing.Descriptor) bool { return d.ID == routing.ShardID(req.GetShardId()) })
	if i < 0 {
		return nil, &wire.NotFoundError{What: fmt.Sprintf("there is no shard %d", req.GetShardId())}
	}
	d := list.Shards[i]
	if _, ok := d.On(routing.NodeID(req.GetToNode())); !ok {
		return nil, &wire.NotFoundError{What: fmt.Sprintf("node %d has no replica of shard %d", req.GetToNode(), d.ID)}
	}
	if drains(list, routing.NodeID(req.GetToNode())) {
		return nil, refused("NODE_DRAINING", fmt.Sprintf("node %d drains: it is to lead nothing", req.GetToNode()),
			"pick another of the shard's nodes, or end the drain: shale node drain --undo")
	}
	call := &routing.Call{To: d, Req: &routing.TransferArgs{To: routing.NodeID(req.GetToNode())}}
	m.Cluster.Send(ctx, []*routing.Call{call}, nil)
	if call.Err != nil {
		return nil, call.Err
	}
	res, ok := call.Res.(*routing.TransferResult)
	if !ok {
		return nil, fmt.Errorf("shard %d answered %T to a transfer", d.ID, call.Res)
	}
	return &shalev1.TransferLeaderResponse{LeaderNode: uint64(res.Leader)}, nil
}

// splitTries bounds how often a split follows a shard map that changes meanwhile.
const splitTries = 5

// SplitShard splits the shard that holds the key there. Where one begins at the key already,
// it says so by answering with both neighbours.
func (h clusters) SplitShard(ctx context.Context, req *shalev1.SplitShardRequest) (*shalev1.SplitShardResponse, error) {
	key := mvcc.Key(req.GetKey())
	if err := mvcc.ValidateKey(key); err != nil {
		return nil, err
	}
	m, err := h.s.cfg.member()
	if err != nil {
		return nil, err
	}
	for range splitTries {
		var res *routing.SplitResult
		res, err = splitOnce(ctx, m, key)
		var moved *routing.EpochMismatchError
		var unknown *routing.UnknownShardError
		switch {
		case err == nil:
			// The directory learns it now, not when the leaders next report.
			report := &directory.ReportArgs{Node: m.Node, Shards: []routing.Descriptor{res.Left, res.Right}}
			call := &routing.Call{To: m.Cluster.System(), Req: report}
			m.Cluster.Send(ctx, []*routing.Call{call}, nil)
			return &shalev1.SplitShardResponse{Left: publicShard(&res.Left), Right: publicShard(&res.Right)}, nil
		case errors.As(err, &moved):
			for i := range moved.Current { // what the shard knows better than the directory
				report := &directory.ReportArgs{Node: m.Node, Shards: moved.Current[i : i+1]}
				m.Cluster.Send(ctx, []*routing.Call{{To: m.Cluster.System(), Req: report}}, nil)
			}
		case !errors.As(err, &unknown):
			return nil, err
		}
	}
	return nil, err
}

func splitOnce(ctx context.Context, m *Member, key mvcc.Key) (*routing.SplitResult, error) {
	list, err := m.Cluster.List(ctx)
	if err != nil {
		return nil, err
	}
	var holder, left *routing.Descriptor
	for i := range list.Shards {
		d := &list.Shards[i]
		if d.Span.Contains(key) && (holder == nil || d.Span.Start > holder.Span.Start) {
			holder = d
		}
		if d.Span.End == key {
			left = d
		}
	}
	if holder == nil {
		return nil, &routing.UnavailableError{Why: fmt.Sprintf("the directory knows no shard that holds %s", mvcc.FormatKey(key))}
	}
	if holder.Span.Start == key {
		if left == nil {
			return nil, &mvcc.InvalidError{Reason: "SPLIT_KEY", Key: key,
				What: fmt.Sprintf("%s is the first key of its shard", mvcc.FormatKey(key)), Hint: "split at a later key"}
		}
		return &routing.SplitResult{Left: *left, Right: *holder}, nil
	}
	ids, err := m.Cluster.Allocate(ctx, len(holder.Replicas))
	if err != nil {
		return nil, err
	}
	call := &routing.Call{To: *holder, Req: &routing.SplitArgs{Key: key, Right: ids.Shard, Replicas: ids.Replicas}}
	m.Cluster.Send(ctx, []*routing.Call{call}, nil)
	if call.Err != nil {
		return nil, call.Err
	}
	res, ok := call.Res.(*routing.SplitResult)
	if !ok {
		return nil, fmt.Errorf("shard %d answered %T to a split", holder.ID, call.Res)
	}
	return res, nil
}
