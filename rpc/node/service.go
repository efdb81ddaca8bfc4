package node

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"

	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/proto/shale/node/v1/nodev1connect"
	"github.com/shaledb/shale/rpc/server"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/routing"
)

var _ nodev1connect.NodeServiceHandler = (*Node)(nil)

// errNoCluster: the node waits to be told its place.
var errNoCluster = errors.New("this node belongs to no cluster yet: run shale init on one of the first nodes")

func (n *Node) serverConfig() server.Config {
	return server.Config{
		Log: n.cfg.Log, Version: n.cfg.Version, Insecure: n.cfg.Insecure,
		Replicas: replicas{n}, Nodes: n, Member: n.member, Collectors: n.collectors(), Tracer: n.cfg.Tracer,
	}
}

// member is the node's place in its cluster.
func (n *Node) member() (*server.Member, error) {
	select {
	case <-n.joined:
	default:
		return nil, errNoCluster
	}
	me := n.whoami()
	return &server.Member{ClusterID: me.ClusterID, Node: me.NodeID, Cluster: n.cluster, Txns: n.txns}, nil
}

// Hello says who this node is. It answers before the node belongs to a cluster, too.
func (n *Node) Hello(context.Context, *nodev1.HelloRequest) (*nodev1.HelloResponse, error) {
	me := n.whoami()
	res := &nodev1.HelloResponse{StoreId: me.StoreID, Address: n.address, Version: n.cfg.Version, Join: n.cfg.Join}
	select {
	case <-n.joined:
	default:
		return res, nil
	}
	res.ClusterId, res.Node = me.ClusterID, uint64(me.NodeID)
	system := n.cluster.System()
	res.System = wire.EncodeDescriptor(&system)
	res.Nodes = n.addresses()
	return res, nil
}

func (n *Node) addresses() []*nodev1.NodeAddress {
	var list []*nodev1.NodeAddress
	for id, address := range n.cluster.Nodes() {
		list = append(list, &nodev1.NodeAddress{Id: uint64(id), Address: address})
	}
	return list
}

// Init begins a cluster.
func (n *Node) Init(ctx context.Context, _ *nodev1.InitRequest) (*nodev1.InitResponse, error) {
	id, already, err := n.found(ctx)
	if err != nil {
		return nil, connect.NewError(connect.CodeFailedPrecondition, fmt.Errorf("INIT: %w", err))
	}
	res := &nodev1.InitResponse{ClusterId: id, Already: already}
	if _, err := n.member(); err == nil {
		res.Nodes = n.addresses()
	}
	return res, nil
}

// Join gives a directory its node id, through the system group.
func (n *Node) Join(ctx context.Context, req *nodev1.JoinRequest) (*nodev1.JoinResponse, error) {
	if _, err := n.member(); err != nil {
		return nil, wire.Public(&routing.UnavailableError{Why: err.Error()})
	}
	call := &routing.Call{To: n.cluster.System(), Timeout: helloTimeout,
		Req: &directory.JoinArgs{StoreID: req.StoreId, Address: req.Address}}
	if n.cluster.Send(ctx, []*routing.Call{call}, nil); call.Err != nil {
		return nil, wire.Public(call.Err)
	}
	joined, ok := call.Res.(*directory.JoinResult)
	if !ok {
		return nil, wire.Public(fmt.Errorf("the directory answered a join with %T", call.Res))
	}
	list, err := n.cluster.List(ctx)
	if err != nil {
		return nil, wire.Public(err)
	}
	system := n.cluster.System()
	res := &nodev1.JoinResponse{ClusterId: joined.ClusterID, Node: uint64(joined.Node), System: wire.EncodeDescriptor(&system)}
	for _, o := range list.Nodes {
		res.Nodes = append(res.Nodes, &nodev1.NodeAddress{Id: uint64(o.ID), Address: o.Address, StoreId: o.StoreID})
	}
	return res, nil
}
