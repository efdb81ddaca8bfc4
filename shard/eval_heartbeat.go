package shard

import (
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// heartbeat moves the expiry of a primary's lock up.
type heartbeat struct {
	plain
	a *mvcc.HeartbeatArgs
}

func (c *heartbeat) keys() []mvcc.Key { return []mvcc.Key{c.a.Primary} }

func (c *heartbeat) start() timestamp.Timestamp { return c.a.Start }

func (c *heartbeat) evaluate(v *view, l mvcc.Leader) (mvcc.Rows, routing.Response, error) {
	rows, res, err := mvcc.Heartbeat(v, c.a, l)
	return rows, &res, err
}
