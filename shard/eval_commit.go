package shard

import (
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// commit turns a transaction's locks into versions; at the primary it is the commit point.
type commit struct {
	plain
	a *mvcc.CommitArgs
}

func (c *commit) keys() []mvcc.Key { return distinct(c.a.Keys) }

func (c *commit) start() timestamp.Timestamp { return c.a.Start }

func (c *commit) evaluate(v *view, l mvcc.Leader) (mvcc.Rows, routing.Response, error) {
	rows, res, err := mvcc.Commit(v, c.a, l)
	return rows, &res, err
}
