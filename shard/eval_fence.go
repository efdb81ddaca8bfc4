package shard

import (
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// fence looks at, or fences, keys of an asynchronous commit. The latches see to it that none
// of their locks is under way meanwhile: what is not there was not promised to anybody.
type fence struct {
	plain
	a *mvcc.FenceArgs
}

func (c *fence) keys() []mvcc.Key { return distinct(c.a.Keys) }

func (c *fence) start() timestamp.Timestamp { return c.a.Start }

func (c *fence) evaluate(v *view, l mvcc.Leader) (mvcc.Rows, routing.Response, error) {
	rows, res, err := mvcc.Fence(v, c.a, l)
	return rows, &res, err
}
