package shard

import (
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// outcome asks what is recorded of a transaction; it changes nothing.
type outcome struct {
	plain
	a *mvcc.OutcomeArgs
}

func (c *outcome) keys() []mvcc.Key { return []mvcc.Key{c.a.Primary} }

func (c *outcome) start() timestamp.Timestamp { return c.a.Start }

func (c *outcome) evaluate(v *view, l mvcc.Leader) (mvcc.Rows, routing.Response, error) {
	res, err := mvcc.Outcome(v, c.a, l)
	return mvcc.Rows{}, &res, err
}
