package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// trio is a cluster of nodes in one process, on real ports and files.
type trio struct {
	t         *testing.T
	dirs      []string
	addresses []string
	nodes     []*Node
	configure func(*Config) // nil: as it is
}

// newTrio starts and founds a cluster of n nodes.
func newTrio(t *testing.T, n int) *trio { return newTrioOf(t, n, nil) }

// newTrioOf is newTrio with another configuration.
func newTrioOf(t *testing.T, n int, configure func(*Config)) *trio {
	c := &trio{t: t, nodes: make([]*Node, n), configure: configure}
	listeners := make([]net.Listener, n)
	for i := range n {
		lis, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		listeners[i] = lis
		c.addresses = append(c.addresses, lis.Addr().String())
		c.dirs = append(c.dirs, filepath.Join(t.TempDir(), fmt.Sprint("node", i+1)))
	}
	for i := range n {
		c.startOn(i, listeners[i])
	}
	t.Cleanup(c.stopAll)
	_, already, err := c.nodes[0].found(c.ctx())
	require.NoError(t, err)
	require.False(t, already)
	for _, n := range c.nodes {
		<-n.Joined()
	}
	return c
}

func (c *trio) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	c.t.Cleanup(cancel)
	return ctx
}

func (c *trio) startOn(i int, lis net.Listener) {
	cfg := Config{Dir: c.dirs[i], Listener: lis, Listen: c.addresses[i], Join: c.addresses, Insecure: true,
		Log: slog.New(slog.NewTextHandler(c.t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo})).With("n", i+1)}
	if c.configure != nil {
		c.configure(&cfg)
	}
	n, err := Start(cfg)
	require.NoError(c.t, err)
	c.nodes[i] = n
}

func (c *trio) start(i int) { c.startOn(i, nil) }

func (c *trio) stop(i int) {
	require.NoError(c.t, c.nodes[i].Stop(c.ctx()))
	c.nodes[i] = nil
}

func (c *trio) stopAll() {
	for i, n := range c.nodes {
		if n != nil {
			c.stop(i)
		}
	}
}

// call sends one request to the shard that holds the key, through node i.
func (c *trio) call(i int, k mvcc.Key, req routing.Request) (routing.Response, error) {
	ctx := c.ctx()
	ds, err := c.nodes[i].cluster.Lookup(ctx, k)
	if err != nil {
		return nil, err
	}
	for {
		call := &routing.Call{To: ds[0], Req: req, Timeout: 10 * time.Second}
		c.nodes[i].cluster.Send(ctx, []*routing.Call{call}, nil)
		var again *routing.UnavailableError
		if !errors.As(call.Err, &again) || ctx.Err() != nil {
			return call.Res, call.Err
		}
	}
}

func (c *trio) put(i int, k mvcc.Key, value string) timestamp.Timestamp {
	start, err := c.nodes[i].cluster.Next(c.ctx())
	require.NoError(c.t, err)
	res, err := c.call(i, k, &mvcc.PrewriteArgs{Start: start, Primary: k, OnePhase: true, Autocommit: true,
		Expires: start.Add(5 * time.Second), Mutations: []mvcc.Mutation{{Op: mvcc.MutationPut, Key: k, Value: []byte(value)}}})
	require.NoError(c.t, err)
	return res.(*mvcc.PrewriteResult).CommitTS
}

func (c *trio) get(i int, k mvcc.Key) string {
	res, err := c.call(i, k, &mvcc.GetArgs{Keys: []mvcc.Key{k}})
	require.NoError(c.t, err)
	return string(res.(*mvcc.GetResult).Versions[0].Value)
}

func TestOneNode(t *testing.T) {
	c := newTrio(t, 1)
	c.put(0, "a", "1")
	require.Equal(t, "1", c.get(0, "a"))
	c.stop(0)
	c.start(0)
	require.Equal(t, "1", c.get(0, "a"))
}

func TestThreeNodesLoseOne(t *testing.T) {
	c := newTrio(t, 3)
	for i := range 3 {
		c.put(i, mvcc.Key(fmt.Sprint("k", i)), fmt.Sprint(i))
	}
	for i := range 3 {
		c.stop(i)
		rest := (i + 1) % 3
		for j := range 50 {
			c.put(rest, mvcc.Key(fmt.Sprintf("k%d-%d", i, j)), fmt.Sprint(j))
		}
		require.Equal(t, "0", c.get(rest, "k0"))
		c.start(i)
		require.Equal(t, "49", c.get(i, mvcc.Key(fmt.Sprintf("k%d-49", i))))
	}
	for i := range 3 {
		c.stop(i)
	}
	for i := range 3 {
		c.start(i)
	}
	require.Equal(t, "7", c.get(1, "k2-7"))
}
