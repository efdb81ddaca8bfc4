package shard

import (
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// claim lays FOR UPDATE claims and reads the newest versions under them. The answer goes out
// once the claims are applied; until then the latches keep what was read the newest.
type claim struct {
	plain
	a *mvcc.ClaimArgs
}

func (c *claim) keys() []mvcc.Key { return distinct(c.a.Keys) }

func (c *claim) start() timestamp.Timestamp { return c.a.Start }

func (c *claim) locks(keys []mvcc.Key) []mvcc.Key { return keys }

func (c *claim) evaluate(v *view, l mvcc.Leader) (mvcc.Rows, routing.Response, error) {
	rows, res, err := mvcc.Claim(v, c.a, l)
	return rows, &res, err
}
