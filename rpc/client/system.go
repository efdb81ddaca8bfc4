package client

import (
	"context"
	"fmt"

	"connectrpc.com/connect"

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
	res, err := c.ask(ctx, &routing.TimestampArgs{Count: n})
	if err != nil {
		return 0, 0, err
	}
	r, ok := res.(*routing.TimestampResult)
	if !ok || r.Count < n {
		return 0, 0, fmt.Errorf("the oracle answered %T to a request for %d timestamps", res, n)
	}
	return r.First, r.Term, nil
}

// clock hands out timestamps.
type clock interface {
	Next(ctx context.Context) (timestamp.Timestamp, error)
}

func newClock(c *Cluster) clock { return oneByOne{c} }

// oneByOne draws each timestamp by itself.
type oneByOne struct{ c *Cluster }

func (o oneByOne) Next(ctx context.Context) (timestamp.Timestamp, error) {
	first, _, err := o.c.Draw(ctx, 1)
	return first, err
}

// Next is a timestamp issued after Next was called.
func (c *Cluster) Next(ctx context.Context) (timestamp.Timestamp, error) { return c.clock.Next(ctx) }
