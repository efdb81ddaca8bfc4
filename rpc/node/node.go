package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
	"go.etcd.io/raft/v3/raftpb"
	"go.opentelemetry.io/otel/trace"

	"github.com/shaledb/shale/rpc/client"
	"github.com/shaledb/shale/rpc/server"
	"github.com/shaledb/shale/shard/host"
	"github.com/shaledb/shale/shard/meter"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/txn"
)

// Config says what a node needs to know. The zero value of what is not named there is its
// default.
type Config struct {
	Dir       string       // required
	Listen    string       // host:port; port 0 takes a free one
	Listener  net.Listener // instead of Listen, where it is open already
	Advertise string       // how others reach this node; default: the address listened on
	Join      []string
	Insecure  bool // serve without TLS: the only way so far, and only when told so
	Version   string
	Log       *slog.Logger
	Host      host.Config // Dir, Node and Log are filled in
	// SlowTransaction: a Commit or a request to a shard that takes longer is logged and kept
	// for Explain; default 250 ms, negative: none is.
	SlowTransaction time.Duration
	// Tracer makes the spans of this node; nil: it traces nothing.
	Tracer    trace.TracerProvider
	TraceKeys bool // traces name keys, in the formatter's form
	// Flags are settings of the program that only Settings looks at.
	Flags []Flag
}

// slowDefault is from where on a transaction is slow.
const slowDefault = 250 * time.Millisecond

func (c Config) filled() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.SlowTransaction == 0 {
		c.SlowTransaction = slowDefault
	}
	return c
}

// Node is a running node. Its methods may be called by any goroutine.
type Node struct {
	cfg     Config
	address string // what others are told
	lock    *flock.Flock
	lis     net.Listener
	server  *server.Server

	founding sync.Mutex // one Init at a time
	placing  sync.Mutex // one change from no cluster to a cluster

	mu   sync.Mutex
	self identity

	// Set once, before joined is closed.
	host    *host.Host
	cluster *client.Cluster
	peers   *client.Peers[*raftpb.Message]
	tasks   *txn.Goroutines
	txns    *txn.Coordinator
	joined  chan struct{}

	began    time.Time
	observer *observer
	kept     kept
	commits  [txn.Modes]meter.Durations
	slow     atomic.Uint64 // transactions and requests
	untimed  atomic.Uint64 // timings that found no room

	news   chan struct{}
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	failed chan error
}

// Start takes the directory, opens the port and, where the directory belongs to a cluster,
// its replicas. It returns when the port answers; Stop ends it.
func Start(cfg Config) (*Node, error) {
	if !cfg.Insecure {
		return nil, errors.New("this version serves without TLS only: say so with --insecure, on a network you trust")
	}
	cfg = cfg.filled()
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	self, err := loadIdentity(cfg.Dir)
	if err != nil {
		lock.Unlock()
		return nil, err
	}
	n := &Node{cfg: cfg, lock: lock, self: *self, began: time.Now(), joined: make(chan struct{}),
		news: make(chan struct{}, 1), failed: make(chan error, 1)}
	n.observer = newObserver(n)
	n.ctx, n.cancel = context.WithCancel(context.Background())
	if err := n.open(); err != nil {
		n.Stop(context.Background())
		return nil, err
	}
	return n, nil
}

// open listens and serves; a member's replicas are opened first, so that a directory that
// cannot be used never answers.
func (n *Node) open() error {
	lis := n.cfg.Listener
	if lis == nil {
		var err error
		if lis, err = net.Listen("tcp", n.cfg.Listen); err != nil {
			return fmt.Errorf("listen on %s: %w", n.cfg.Listen, err)
		}
	}
	n.lis = lis
	n.address = n.cfg.Advertise
	if n.address == "" {
		n.address = lis.Addr().String()
	}
	var h *host.Host
	var err error
	if me := n.whoami(); me.member() {
		if h, err = n.openHost(me.NodeID); err != nil {
			return err
		}
	}
	if n.server, err = server.New(n.serverConfig()); err != nil {
		return err
	}
	n.wg.Go(func() {
		if err := n.server.Serve(lis); err != nil && n.ctx.Err() == nil {
			n.fatal(fmt.Errorf("the port failed: %w", err))
		}
	})
	if h != nil {
		return n.serve(h)
	}
	n.wg.Go(func() { n.join(n.ctx) })
	return nil
}

func (n *Node) openHost(id routing.NodeID) (*host.Host, error) {
	cfg := n.cfg.Host
	cfg.Dir, cfg.Node, cfg.Log = n.cfg.Dir, id, n.cfg.Log
	cfg.Slow = max(n.cfg.SlowTransaction, 0)
	return host.Open(cfg)
}

// Stop drains and closes everything, in order: the port, the transactions under way, the
// replicas, the directory.
func (n *Node) Stop(ctx context.Context) error {
	n.cancel()
	if n.server != nil {
		n.server.Shutdown(ctx)
	} else if n.lis != nil {
		n.lis.Close()
	}
	n.wg.Wait()
	if n.tasks != nil {
		n.tasks.Close()
	}
	var err error
	if n.host != nil {
		err = n.host.Stop(ctx)
	}
	if n.peers != nil {
		n.peers.Close()
	}
	if n.cluster != nil {
		n.cluster.Close()
	}
	if e := n.lock.Unlock(); err == nil {
		err = e
	}
	return err
}

// Address is where others reach this node.
func (n *Node) Address() string { return n.address }

// Failed delivers the error after which the node can promise nothing and has to end.
func (n *Node) Failed() <-chan error { return n.failed }

// Joined is closed when the node belongs to a cluster and serves.
func (n *Node) Joined() <-chan struct{} { return n.joined }

func (n *Node) fatal(err error) {
	select {
	case n.failed <- err:
	default:
	}
}

// serve wires the parts around the replicas and sets them going.
func (n *Node) serve(h *host.Host) error {
	me := n.whoami()
	cfg := client.Config{Log: n.cfg.Log, Local: h, Node: me.NodeID, ClusterID: me.ClusterID, Nodes: me.Peers}
	if me.System != nil {
		cfg.System = *me.System
	}
	cluster, err := client.Dial(n.ctx, n.cfg.Join, cfg)
	if err != nil {
		h.Stop(context.Background())
		return err
	}
	peers := client.NewPeers[*raftpb.Message](cfg)
	peers.SetAddresses(me.Peers)
	n.host, n.cluster, n.peers = h, cluster, peers
	n.tasks = txn.NewGoroutines()
	n.txns = txn.NewCoordinator(txn.Windows{Sender: cluster, Timestamps: cluster,
		Shards: txn.NewShardCache(cluster.Lookup), Tasks: n.tasks}, txn.Config{Ended: n.observer.ended})
	h.Start(host.Ports{
		Transport:  transport{peers},
		Timestamps: cluster.Next,
		Resolve:    n.txns.Resolve,
		Waits:      n.txns.Waits,
		Changed:    n.changed,
		Timed:      n.observer.timed,
		Fatal:      n.fatal,
	})
	close(n.joined)
	n.wg.Go(func() { n.report(n.ctx) })
	n.wg.Go(func() { n.observer.run(n.ctx) })
	return nil
}

// whoami is a copy of the identity.
func (n *Node) whoami() identity {
	n.mu.Lock()
	defer n.mu.Unlock()
	id := n.self
	id.Peers = maps.Clone(id.Peers)
	return id
}

// remember changes the identity, durably.
func (n *Node) remember(change func(*identity)) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	next := n.self
	change(&next)
	if err := next.save(n.cfg.Dir); err != nil {
		return fmt.Errorf("write %s: %w", identityFile, err)
	}
	n.self = next
	return nil
}
