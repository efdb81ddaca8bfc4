package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"connectrpc.com/connect"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// The system group's requests: timestamps and the shard map.

func connectReadMax(n int) connect.ClientOption { return connect.WithReadMaxBytes(n) }

// ask sends one request to the system group's leader.
func (c *Cluster) ask(ctx context.Context, req routing.Request) (routing.Response, error) {
	call := &routing.Call{To: c.System(), Req: req}
	c.Send(ctx, []*routing.Call{call}, nil)
	return call.Res, call.Err
}

// Draw asks the oracle for n timestamps in a row.
func (c *Cluster) Draw(ctx context.Context, n int) (first timestamp.Timestamp, term uint64, err error) {
	began := time.Now()
	res, err := c.ask(ctx, &routing.TimestampArgs{Count: n})
	if err != nil {
		return 0, 0, err
	}
	c.metrics.Draw.Observe(time.Since(began))
	c.metrics.Drawn.Observe(n)
	r, ok := res.(*routing.TimestampResult)
	if !ok || r.Count < n {
		return 0, 0, fmt.Errorf("the oracle answered %T to a request for %d timestamps", res, n)
	}
	return r.First, r.Term, nil
}

// Next is a timestamp issued after Next was called.
func (c *Cluster) Next(ctx context.Context) (timestamp.Timestamp, error) {
	ts, err := c.clock.Next(ctx)
	switch {
	case errors.Is(err, timestamp.ErrBusy):
		return 0, &routing.OverloadedError{Shard: routing.SystemShard, Why: err.Error()}
	case errors.Is(err, timestamp.ErrStaleTerm):
		return 0, &routing.UnavailableError{Shard: routing.SystemShard, Why: err.Error()}
	}
	return ts, err
}

// Lookup asks the directory which shard holds a key. The first descriptors cover it, the
// newest first; after them come some to the right. Leaders in it are hints.
func (c *Cluster) Lookup(ctx context.Context, k mvcc.Key) ([]routing.Descriptor, error) {
	res, err := c.ask(ctx, &directory.LookupArgs{Key: k})
	if err != nil {
		return nil, err
	}
	r, ok := res.(*directory.LookupResult)
	if !ok {
		return nil, fmt.Errorf("the directory answered %T to a look-up", res)
	}
	return r.Shards, nil
}

// List asks the directory for all nodes and shards, and takes the nodes' addresses in.
func (c *Cluster) List(ctx context.Context) (*directory.ListResult, error) {
	res, err := c.ask(ctx, &directory.ListArgs{})
	if err != nil {
		return nil, err
	}
	r, ok := res.(*directory.ListResult)
	if !ok {
		return nil, fmt.Errorf("the directory answered %T to a list", res)
	}
	nodes := make(map[routing.NodeID]string, len(r.Nodes))
	for _, n := range r.Nodes {
		nodes[n.ID] = n.Address
	}
	c.SetNodes(nodes)
	for _, d := range r.Shards {
		c.SetSystem(d)
	}
	return r, nil
}

// Allocate draws ids for a new shard from the directory.
func (c *Cluster) Allocate(ctx context.Context, replicas int) (*directory.AllocateResult, error) {
	res, err := c.ask(ctx, &directory.AllocateArgs{ReplicaCount: replicas})
	if err != nil {
		return nil, err
	}
	r, ok := res.(*directory.AllocateResult)
	if !ok {
		return nil, fmt.Errorf("the directory answered %T to an allocation", res)
	}
	return r, nil
}
