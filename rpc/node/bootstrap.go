package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	"github.com/shaledb/shale/mvcc"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/proto/shale/node/v1/nodev1connect"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/routing"
)

// plan is a cluster at its beginning: which directories are its first nodes, and where the
// system group and the first shard live. Once written down it never changes, so that
// founding can be repeated until all of it stands.
type plan struct {
	ClusterID string     `json:"clusterId"`
	Nodes     []planNode `json:"nodes"`
}

type planNode struct {
	ID      routing.NodeID `json:"id"`
	StoreID string         `json:"storeId"`
	Address string         `json:"address"`
}

// firstShard is the first shard of the users' keys.
const firstShard routing.ShardID = 2

// shards are the descriptors of the first two shards: the system's and the users'.
func (p *plan) shards() []routing.Descriptor {
	replicas := make([]routing.Replica, 0, len(p.Nodes))
	for i, n := range p.Nodes {
		replicas = append(replicas, routing.Replica{ID: routing.ReplicaID(i + 1), Node: n.ID, Role: routing.Voter})
	}
	epoch := routing.Epoch{Bounds: 1, Members: 1}
	return []routing.Descriptor{
		{ID: routing.SystemShard, Span: mvcc.Span{End: mvcc.FirstUserKey}, Epoch: epoch, Replicas: replicas},
		{ID: firstShard, Span: mvcc.Span{Start: mvcc.FirstUserKey}, Epoch: epoch, Replicas: replicas},
	}
}

func (p *plan) systemRows() []mvcc.SystemRow {
	nodes := make([]directory.Node, 0, len(p.Nodes))
	for _, n := range p.Nodes {
		nodes = append(nodes, directory.Node{ID: n.ID, StoreID: n.StoreID, Address: n.Address})
	}
	return directory.Bootstrap(p.ClusterID, nodes, p.shards())
}

func (p *plan) addresses() map[routing.NodeID]string {
	m := make(map[routing.NodeID]string, len(p.Nodes))
	for _, n := range p.Nodes {
		m[n.ID] = n.Address
	}
	return m
}

// foundingSizes are how many nodes a cluster may begin with.
func foundingSize(n int) bool { return n == 1 || n == 3 }

// helloTimeout bounds one question to another node while a cluster is founded or joined.
const helloTimeout = 3 * time.Second

// found begins a cluster on this node and those it was told to join; or says that it has
// begun already.
func (n *Node) found(ctx context.Context) (id string, already bool, err error) {
	n.founding.Lock()
	defer n.founding.Unlock()
	me := n.whoami()
	if me.member() && me.Plan == nil {
		return me.ClusterID, true, nil
	}
	p := me.Plan
	if p == nil {
		if p, err = n.makePlan(ctx); err != nil {
			return "", false, err
		}
		if err := n.remember(func(id *identity) { id.Plan = p }); err != nil {
			return "", false, err
		}
	}
	for _, other := range p.Nodes {
		if other.StoreID == me.StoreID {
			continue
		}
		if err := n.enlist(ctx, p, other); err != nil {
			return "", false, fmt.Errorf("node %d at %s did not take its place in the new cluster: %w; "+
				"mend that and run init again", other.ID, other.Address, err)
		}
	}
	if err := n.takePlace(p, me.StoreID); err != nil {
		return "", false, err
	}
	return p.ClusterID, false, n.remember(func(id *identity) { id.Plan = nil })
}

// makePlan asks the nodes named by --join who they are.
func (n *Node) makePlan(ctx context.Context) (*plan, error) {
	me := n.whoami()
	p := &plan{ClusterID: uuid.NewString(), Nodes: []planNode{{ID: 1, StoreID: me.StoreID, Address: n.address}}}
	for _, address := range n.others() {
		hello, err := n.hello(ctx, address)
		if err != nil {
			return nil, fmt.Errorf("node %s, named by --join, does not answer: start it, or start this one "+
				"without it (%w)", address, err)
		}
		if hello.ClusterId != "" {
			return nil, fmt.Errorf("node %s belongs to cluster %s already", address, hello.ClusterId)
		}
		known := func(o planNode) bool { return o.StoreID == hello.StoreId }
		if slices.ContainsFunc(p.Nodes, known) {
			continue // this node under another name, or one named twice
		}
		p.Nodes = append(p.Nodes, planNode{ID: routing.NodeID(len(p.Nodes) + 1),
			StoreID: hello.StoreId, Address: hello.Address})
	}
	if len(p.Nodes) > 3 {
		p.Nodes = p.Nodes[:3] // the rest join
	}
	if !foundingSize(len(p.Nodes)) {
		return nil, fmt.Errorf("a cluster begins with 1 or 3 nodes, --join names %d: start one more, or each alone",
			len(p.Nodes))
	}
	return p, nil
}

// enlist gives another node its place.
func (n *Node) enlist(ctx context.Context, p *plan, other planNode) error {
	ctx, cancel := context.WithTimeout(ctx, 4*helloTimeout)
	defer cancel()
	req := &nodev1.BootstrapRequest{ClusterId: p.ClusterID, Node: uint64(other.ID), StoreId: other.StoreID}
	for _, o := range p.Nodes {
		req.Nodes = append(req.Nodes, &nodev1.NodeAddress{Id: uint64(o.ID), Address: o.Address, StoreId: o.StoreID})
	}
	for _, d := range p.shards() {
		req.Shards = append(req.Shards, wire.EncodeDescriptor(&d))
	}
	_, err := n.dial(other.Address).Bootstrap(ctx, req)
	return err
}

// Bootstrap takes this node's place in a new cluster. It may be repeated.
func (n *Node) Bootstrap(_ context.Context, req *nodev1.BootstrapRequest) (*nodev1.BootstrapResponse, error) {
	p := &plan{ClusterID: req.ClusterId}
	for _, o := range req.Nodes {
		p.Nodes = append(p.Nodes, planNode{ID: routing.NodeID(o.Id), StoreID: o.StoreId, Address: o.Address})
	}
	if !foundingSize(len(p.Nodes)) || p.ClusterID == "" {
		return nil, connect.NewError(connect.CodeInvalidArgument,
			errors.New("BOOTSTRAP_PLAN: a cluster begins with an id and 1 or 3 nodes"))
	}
	if err := n.takePlace(p, req.StoreId); err != nil {
		return nil, connect.NewError(connect.CodeFailedPrecondition, fmt.Errorf("BOOTSTRAP: %w", err))
	}
	return &nodev1.BootstrapResponse{}, nil
}

// takePlace makes the first replicas on this node and starts to serve. What was done before
// is kept.
func (n *Node) takePlace(p *plan, storeID string) error {
	n.placing.Lock()
	defer n.placing.Unlock()
	me := n.whoami()
	if me.StoreID != storeID {
		return fmt.Errorf("store %s was meant, this is store %s", storeID, me.StoreID)
	}
	i := slices.IndexFunc(p.Nodes, func(o planNode) bool { return o.StoreID == storeID })
	if i < 0 {
		return fmt.Errorf("store %s is not in the plan", storeID)
	}
	if me.member() {
		if me.ClusterID != p.ClusterID || me.NodeID != p.Nodes[i].ID {
			return fmt.Errorf("this node is node %d of cluster %s already", me.NodeID, me.ClusterID)
		}
		return nil
	}
	h, err := n.openHost(p.Nodes[i].ID)
	if err != nil {
		return err
	}
	for _, d := range p.shards() {
		if slices.Contains(h.Shards(), d.ID) {
			continue
		}
		var rows []mvcc.SystemRow
		if d.ID == routing.SystemShard {
			rows = p.systemRows()
		}
		if err := h.Create(d, rows); err != nil {
			h.Stop(context.Background())
			return err
		}
	}
	err = n.remember(func(id *identity) {
		id.ClusterID, id.NodeID, id.Peers = p.ClusterID, p.Nodes[i].ID, p.addresses()
		id.System = &p.shards()[0]
	})
	if err != nil {
		h.Stop(context.Background())
		return err
	}
	return n.serve(h)
}

// joinPause is between two attempts of a new node to join.
const joinPause = time.Second

// join asks, until it is told, for this node's place in the cluster that the nodes named by
// --join belong to. A node of the plan of a cluster that is just being founded waits for
// its Bootstrap instead: its place has replicas.
func (n *Node) join(ctx context.Context) {
	for {
		for _, address := range n.others() {
			if n.whoami().member() || ctx.Err() != nil {
				return
			}
			if err := n.joinThrough(ctx, address); err != nil {
				n.cfg.Log.Debug("not joined yet", "through", address, "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-n.joined:
			return
		case <-time.After(joinPause):
		}
	}
}

func (n *Node) joinThrough(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	hello, err := n.dial(address).Hello(ctx, &nodev1.HelloRequest{})
	if err != nil {
		return err
	}
	if hello.ClusterId == "" {
		return errors.New("it belongs to no cluster yet")
	}
	me := n.whoami()
	res, err := n.dial(address).Join(ctx, &nodev1.JoinRequest{StoreId: me.StoreID, Address: n.address})
	if err != nil {
		return err
	}
	system, err := wire.DecodeDescriptor(res.System)
	if err != nil {
		return err
	}
	if _, has := system.On(routing.NodeID(res.Node)); has {
		return errors.New("this node is to be one of the first, and waits for its replicas")
	}
	n.placing.Lock()
	defer n.placing.Unlock()
	if n.whoami().member() {
		return nil
	}
	h, err := n.openHost(routing.NodeID(res.Node))
	if err != nil {
		return err
	}
	peers := map[routing.NodeID]string{}
	for _, o := range res.Nodes {
		peers[routing.NodeID(o.Id)] = o.Address
	}
	err = n.remember(func(id *identity) {
		id.ClusterID, id.NodeID, id.Peers, id.System = res.ClusterId, routing.NodeID(res.Node), peers, &system
	})
	if err != nil {
		h.Stop(context.Background())
		return err
	}
	n.cfg.Log.Info("joined", "cluster", res.ClusterId, "node", res.Node)
	return n.serve(h)
}

// others are the addresses of --join without this node's own.
func (n *Node) others() []string {
	var out []string
	for _, a := range n.cfg.Join {
		if a = strings.TrimSpace(a); a != "" && a != n.address && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

func (n *Node) hello(ctx context.Context, address string) (*nodev1.HelloResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	return n.dial(address).Hello(ctx, &nodev1.HelloRequest{})
}

func (n *Node) dial(address string) nodev1connect.NodeServiceClient {
	return nodev1connect.NewNodeServiceClient(http.DefaultClient, "http://"+address,
		connect.WithReadMaxBytes(1<<20), connect.WithSendMaxBytes(1<<20))
}
