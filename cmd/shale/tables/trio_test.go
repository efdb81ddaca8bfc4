package tables_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/cmd/shale/tables"
	"github.com/shaledb/shale/cmd/shale/virtual"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/proto/shale/v1/shalev1connect"
	"github.com/shaledb/shale/rpc/node"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/txn"
)

// trio is a cluster of three nodes in this process, on free ports, with the shell's tables over
// it.
type trio struct {
	testing.TB
	dirs    []string
	nodes   []*node.Node
	hosts   []string
	cluster *tables.Cluster
	db      *txn.DB
}

func newTrio(t testing.TB) *trio {
	c := &trio{TB: t}
	dir := t.TempDir()
	var listeners []net.Listener
	for i := range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		listeners = append(listeners, l)
		c.hosts = append(c.hosts, l.Addr().String())
		c.dirs = append(c.dirs, filepath.Join(dir, fmt.Sprint("node", i+1)))
	}
	for i, l := range listeners {
		n, err := node.Start(node.Config{Dir: c.dirs[i], Listener: l, Join: c.hosts, Insecure: true, Version: "test",
			Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		c.nodes = append(c.nodes, n)
	}
	t.Cleanup(c.stop)
	_, err := c.nodes[0].Init(c.within(), &nodev1.InitRequest{})
	require.NoError(t, err)
	for _, n := range c.nodes {
		<-n.Joined()
	}
	c.cluster, err = tables.OpenCluster(c.within(), tables.Config{Hosts: c.hosts})
	require.NoError(t, err)
	c.db = c.cluster.DB()
	return c
}

func (c *trio) within() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	c.Cleanup(cancel)
	return ctx
}

func (c *trio) stop() {
	if c.cluster != nil {
		c.cluster.Close()
	}
	for _, n := range c.nodes {
		require.NoError(c, n.Stop(c.within()))
	}
	c.cluster, c.nodes = nil, nil
}

func (c *trio) split(key string) {
	c.Helper()
	ops := shalev1connect.NewClusterServiceClient(http.DefaultClient, "http://"+c.hosts[0])
	c.until("the split at "+key, func() bool {
		_, err := ops.SplitShard(c.within(), &shalev1.SplitShardRequest{Key: []byte(key)})
		return err == nil
	})
}

// until asks again until it is so.
func (c *trio) until(what string, so func() bool) {
	c.Helper()
	for ctx := c.within(); !so(); {
		require.NoError(c, ctx.Err(), "%s never came", what)
		runtime.Gosched()
	}
}

// session runs SQL over tables.
type session struct {
	*trio
	s *virtual.Session
}

func (c *trio) over(t []*virtual.Table, f []*virtual.Function) *session {
	s, err := virtual.Open(virtual.Config{Tables: t, Functions: f})
	require.NoError(c, err)
	c.Cleanup(func() { s.Close() })
	return &session{c, s}
}

func (c *trio) shell() *session { return c.over(c.cluster.Tables(), c.cluster.Functions()) }

// ask runs a statement; each row is its values, separated by bars.
func (s *session) ask(statement string, args ...any) []string {
	s.Helper()
	out, err := s.try(statement, args...)
	require.NoError(s, err, statement)
	return out
}

func (s *session) try(statement string, args ...any) (out []string, err error) {
	rows, err := s.s.Query(s.within(), fmt.Sprintf(statement, args...))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var row []string
		for _, v := range rows.Row() {
			if b, ok := v.([]byte); ok {
				v = fmt.Sprintf("X'%x'", b)
			}
			row = append(row, fmt.Sprint(v))
		}
		out = append(out, strings.Join(row, "|"))
	}
	return out, rows.Err()
}

func (c *trio) node(i int) routing.NodeID { return routing.NodeID(i + 1) }
