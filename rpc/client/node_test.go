package client

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/proto/shale/node/v1/nodev1connect"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/shard/routing"
)

// The tests run in bubbles of testing/synctest, over connections in memory: a minute of
// waiting takes no time, and the last microsecond of it is exact.

// node answers calls as its script says.
type node struct {
	id     routing.NodeID
	server *http.Server
	mux    *http.ServeMux
	lis    *pipes
	serve  func(got) (routing.Response, error) // nil response and error: no answer

	mu       sync.Mutex
	calls    []got
	canceled []uint64
	streams  int
}

type got struct {
	id  uint64
	hd  routing.Header
	req routing.Request
}

// Stream answers each frame's calls.
func (n *node) Stream(_ context.Context, stream *connect.BidiStream[nodev1.CallFrame, nodev1.ReplyFrame]) error {
	n.mu.Lock()
	n.streams++
	n.mu.Unlock()
	for {
		frame, err := stream.Receive()
		if err != nil {
			return nil
		}
		n.mu.Lock()
		n.canceled = append(n.canceled, frame.GetCancels()...)
		n.mu.Unlock()
		out := &nodev1.ReplyFrame{}
		for _, c := range frame.GetCalls() {
			hd, req, err := wire.DecodeCall(c)
			if err != nil {
				return err
			}
			g := got{c.GetId(), hd, req}
			n.mu.Lock()
			n.calls = append(n.calls, g)
			n.mu.Unlock()
			res, err := n.serve(g)
			if errors.Is(err, errHangUp) {
				return err
			}
			if res != nil || err != nil {
				out.Replies = append(out.Replies, wire.EncodeReply(g.id, res, err))
			}
		}
		if err := stream.Send(out); err != nil {
			return err
		}
	}
}

// errHangUp ends the stream instead of an answer.
var errHangUp = errors.New("hang up")

func (n *node) asked() int {
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.calls)
}

// pipes is a listener in memory.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	close sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.close.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.done:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// net3 is a cluster of three nodes, with a client.
type net3 struct {
	t     *testing.T
	c     *Cluster
	nodes map[string]*node // by address
	mu    sync.Mutex
	dials map[string]int
}

// inNet3 runs a test inside a bubble.
func inNet3(t *testing.T, cfg Config, f func(t *testing.T, n *net3)) {
	synctest.Test(t, func(t *testing.T) {
		n := &net3{t: t, nodes: map[string]*node{}, dials: map[string]int{}}
		cfg.ClusterID = "c"
		cfg.System = routing.Descriptor{ID: routing.SystemShard}
		cfg.Nodes = map[routing.NodeID]string{1: "one", 2: "two", 3: "three"}
		for id, address := range cfg.Nodes {
			n.nodes[address] = newNode(id)
		}
		var err error
		n.c, err = Dial(t.Context(), nil, cfg)
		require.NoError(t, err)
		n.c.transport.DialContext = n.dial
		defer func() {
			n.c.Close()
			for _, node := range n.nodes {
				node.server.Close()
			}
			n.c.transport.CloseIdleConnections()
		}()
		f(t, n)
	})
}

func newNode(id routing.NodeID) *node {
	n := &node{id: id, lis: newPipes(), serve: func(got) (routing.Response, error) { return nil, nil }}
	n.mux = http.NewServeMux()
	n.mux.Handle(nodev1connect.NewShardServiceHandler(n))
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	n.server = &http.Server{Handler: n.mux, Protocols: protocols}
	go n.server.Serve(n.lis)
	return n
}

// greet makes the node say which cluster it belongs to.
func (n *node) greet(cluster string) {
	n.mux.Handle(nodev1connect.NewNodeServiceHandler(greeter{cluster: cluster}))
}

func (n *net3) dial(ctx context.Context, _, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	n.mu.Lock()
	n.dials[host]++
	n.mu.Unlock()
	return n.nodes[host].lis.dial(ctx)
}

// node finds one by number.
func (n *net3) node(i int) *node { return n.nodes[[...]string{1: "one", 2: "two", 3: "three"}[i]] }

// kill ends a node: nobody listens, and all its connections are gone.
func (n *net3) kill(i int) { n.node(i).server.Close() }

// shard is on all three nodes; the first is taken for its leader.
func shard() routing.Descriptor {
	return routing.Descriptor{ID: 7, Span: mvcc.Span{Start: "a"}, Leader: 1, Replicas: []routing.Replica{
		{ID: 1, Node: 1, Role: routing.Voter}, {ID: 2, Node: 2, Role: routing.Voter}, {ID: 3, Node: 3, Role: routing.Voter}}}
}

// send sends one request to the shard and returns what came of it.
func (n *net3) send(req routing.Request) *routing.Call {
	call := &routing.Call{To: shard(), Req: req}
	n.c.Send(n.t.Context(), []*routing.Call{call}, nil)
	return call
}

func get() *mvcc.GetArgs { return &mvcc.GetArgs{ReadTS: 5, Keys: []mvcc.Key{"k"}} }

func prewrite(autocommit bool) *mvcc.PrewriteArgs {
	return &mvcc.PrewriteArgs{Start: 5, Primary: "k", OnePhase: true, Autocommit: autocommit,
		Mutations: []mvcc.Mutation{{Op: mvcc.MutationPut, Key: "k", Value: []byte("v")}}}
}

func found(got) (routing.Response, error) { return &mvcc.GetResult{ReadTS: 5}, nil }

func unavailable(t *testing.T, err error) *routing.UnavailableError {
	t.Helper()
	var e *routing.UnavailableError
	require.ErrorAs(t, err, &e)
	return e
}
