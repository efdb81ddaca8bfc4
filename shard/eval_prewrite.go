package shard

import (
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// prewrite lays a transaction's locks, or commits it in one phase.
type prewrite struct {
	patient
	a *mvcc.PrewriteArgs
}

func (c *prewrite) keys() []mvcc.Key {
	keys := make([]mvcc.Key, 0, len(c.a.Mutations))
	for i := range c.a.Mutations {
		keys = append(keys, c.a.Mutations[i].Key)
	}
	return distinct(keys)
}

func (c *prewrite) start() timestamp.Timestamp { return c.a.Start }

func (c *prewrite) evaluate(v *view, l mvcc.Leader) (mvcc.Rows, routing.Response, error) {
	rows, res, err := mvcc.Prewrite(v, c.a, l)
	return rows, &res, err
}

// distinct removes repeated keys; the order of the first ones stays.
func distinct(keys []mvcc.Key) []mvcc.Key {
	if len(keys) < 2 {
		return keys
	}
	seen := make(map[mvcc.Key]struct{}, len(keys))
	out := keys[:0:0]
	for _, k := range keys {
		if _, ok := seen[k]; !ok {
			seen[k] = struct{}{}
			out = append(out, k)
		}
	}
	return out
}
