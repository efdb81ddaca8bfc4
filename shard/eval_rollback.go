package shard

import (
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// rollback removes a transaction's locks and fences its keys.
type rollback struct {
	plain
	a *mvcc.RollbackArgs
}

func (c *rollback) keys() []mvcc.Key { return distinct(c.a.Keys) }

func (c *rollback) start() timestamp.Timestamp { return c.a.Start }

func (c *rollback) evaluate(v *view, l mvcc.Leader) (mvcc.Rows, routing.Response, error) {
	rows, res, err := mvcc.Rollback(v, c.a, l)
	return rows, &res, err
}
