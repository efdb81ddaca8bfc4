package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/proto/shale/node/v1/nodev1connect"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// Cluster is the way to a cluster's nodes. Its methods may be called by any goroutine.
type Cluster struct {
	cfg       Config
	hosts     []string // as the user named them: the way back when all else is lost
	transport *http.Transport
	http      *http.Client
	ctx       context.Context
	cancel    context.CancelFunc
	tasks     sync.WaitGroup
	clock     *timestamp.Client
	metrics   Metrics

	mu         sync.RWMutex
	id         string
	nodes      map[routing.NodeID]string
	system     routing.Descriptor
	links      map[string]*link // by address
	refreshed  time.Time
	refreshing bool

	leaders sync.Map // routing.ShardID → routing.NodeID: who answered last
}

// Dial reaches a cluster through any of the hosts; the others may be dead. It asks one of
// them for the nodes and for the place of the system group, until ctx ends or each host has
// failed for good.
func Dial(ctx context.Context, hosts []string, cfg Config) (*Cluster, error) {
	cfg.fill()
	c := &Cluster{cfg: cfg, transport: newTransport(&cfg), id: cfg.ClusterID,
		nodes: maps.Clone(cfg.Nodes), system: cfg.System, links: map[string]*link{}}
	for _, h := range hosts {
		if h = strings.TrimSpace(h); h != "" {
			c.hosts = append(c.hosts, h)
		}
	}
	c.http = &http.Client{Transport: c.transport}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.clock = timestamp.NewClient(c)
	if c.nodes == nil {
		c.nodes = map[routing.NodeID]string{}
	}
	if cfg.System.ID != 0 {
		return c, nil
	}
	if len(c.hosts) == 0 {
		c.Close()
		return nil, errors.New("no host is given: name at least one node as HOST:PORT")
	}
	if err := c.meet(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Close ends all streams. Calls under way are answered as unavailable.
func (c *Cluster) Close() {
	c.cancel()
	c.tasks.Wait()
	c.transport.CloseIdleConnections()
}

// ID names the cluster.
func (c *Cluster) ID() string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.id
}

// System says where the system group lives, as far as it is known.
func (c *Cluster) System() routing.Descriptor {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.system
}

// SetSystem takes a newer descriptor of the system group in; older ones are ignored.
func (c *Cluster) SetSystem(d routing.Descriptor) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d.ID == routing.SystemShard && (c.system.ID == 0 || !c.system.Epoch.Newer(d.Epoch)) {
		c.system = d
	}
}

// Nodes are the addresses known.
func (c *Cluster) Nodes() map[routing.NodeID]string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return maps.Clone(c.nodes)
}

// SetNodes takes addresses in, in place of those known for the same nodes.
func (c *Cluster) SetNodes(nodes map[routing.NodeID]string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.Copy(c.nodes, nodes)
}

// submitter is the way to a node: in process to the own one, else its link.
func (c *Cluster) submitter(node routing.NodeID) (Local, error) {
	if c.cfg.Local != nil && node == c.cfg.Node {
		return c.cfg.Local, nil
	}
	c.mu.RLock()
	address := c.nodes[node]
	l := c.links[address]
	c.mu.RUnlock()
	if l != nil {
		return l, nil
	}
	if address == "" {
		return nil, &routing.UnavailableError{Why: fmt.Sprintf("the address of node %d is not known", node)}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if l = c.links[address]; l == nil {
		l = newLink(c.ctx, &c.cfg, c.http, address)
		c.links[address] = l
	}
	return l, nil
}

func (c *Cluster) leader(id routing.ShardID) routing.NodeID {
	if n, ok := c.leaders.Load(id); ok {
		return n.(routing.NodeID)
	}
	return 0
}

func (c *Cluster) learnLeader(id routing.ShardID, node routing.NodeID) {
	if c.leader(id) != node {
		c.leaders.Store(id, node)
	}
}

func (c *Cluster) forgetLeader(id routing.ShardID, node routing.NodeID) {
	c.leaders.CompareAndDelete(id, node)
}

// meet asks the hosts, all at once, until one of them knows its cluster.
func (c *Cluster) meet(ctx context.Context) error {
	type met struct {
		host string
		err  error
	}
	got := make(chan met, len(c.hosts))
	ctx, cancel := context.WithTimeout(ctx, 5*c.cfg.DialTimeout)
	defer cancel()
	for _, host := range c.hosts {
		c.tasks.Go(func() { got <- met{host, c.hello(ctx, host)} })
	}
	var said []string
	for range c.hosts {
		m := <-got
		if m.err == nil {
			return nil
		}
		said = append(said, fmt.Sprintf("%s: %v", m.host, m.err))
	}
	slices.Sort(said)
	return &routing.UnavailableError{Why: "no node can be reached: " + strings.Join(said, "; ")}
}

// hello learns what a node knows of its cluster.
func (c *Cluster) hello(ctx context.Context, address string) error {
	options := append(clientOptions(), connectReadMax(1<<20))
	node := nodev1connect.NewNodeServiceClient(c.http, "http://"+address, options...)
	res, err := node.Hello(ctx, &nodev1.HelloRequest{})
	if err != nil {
		return err
	}
	if res.GetClusterId() == "" {
		return errors.New("the node belongs to no cluster yet: run `shale init`")
	}
	system, err := wire.DecodeDescriptor(res.GetSystem())
	if err != nil {
		return fmt.Errorf("it does not know where the system group is: %w", err)
	}
	nodes := map[routing.NodeID]string{}
	for _, n := range res.GetNodes() {
		if n.GetAddress() != "" {
			nodes[routing.NodeID(n.GetId())] = n.GetAddress()
		}
	}
	if err := c.claim(res.GetClusterId()); err != nil {
		return err
	}
	c.SetNodes(nodes)
	c.SetSystem(system)
	return nil
}

// claim settles which cluster this is; a host of another one is refused.
func (c *Cluster) claim(id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.id == "" {
		c.id = id
	}
	if c.id != id {
		return fmt.Errorf("it belongs to cluster %s, not to %s", id, c.id)
	}
	return nil
}

// refreshEvery bounds how often nodes are asked anew where the others are.
const refreshEvery = 500 * time.Millisecond

// refreshSoon asks the nodes known for what has changed, in the background.
func (c *Cluster) refreshSoon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refreshing || c.ctx.Err() != nil || time.Since(c.refreshed) < refreshEvery {
		return
	}
	c.refreshing = true
	c.tasks.Go(c.refresh)
}

func (c *Cluster) refresh() {
	defer func() {
		c.mu.Lock()
		c.refreshing, c.refreshed = false, time.Now()
		c.mu.Unlock()
	}()
	addresses := slices.Clone(c.hosts)
	for node, address := range c.Nodes() {
		if node != c.cfg.Node && !slices.Contains(addresses, address) {
			addresses = append(addresses, address)
		}
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.cfg.DialTimeout)
	defer cancel()
	var asking sync.WaitGroup
	for _, address := range addresses {
		asking.Go(func() {
			if err := c.hello(ctx, address); err != nil {
				c.cfg.Log.Debug("a node does not say who it is", "address", address, "err", err)
			}
		})
	}
	asking.Wait()
}
