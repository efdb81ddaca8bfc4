package shard

import (
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// prewrite lays a transaction's locks, or commits it in one phase. What a serializable one has
// read is latched and looked up like what it writes: validated and committed in one step.
type prewrite struct {
	plain
	a       *mvcc.PrewriteArgs
	written int // so many of its keys, the first ones
}

func (c *prewrite) keys() []mvcc.Key {
	keys := make([]mvcc.Key, 0, len(c.a.Mutations)+len(c.a.ReadKeys))
	for i := range c.a.Mutations {
		keys = append(keys, c.a.Mutations[i].Key)
	}
	keys = distinct(keys)
	c.written = len(keys)
	if len(c.a.ReadKeys) == 0 {
		return keys
	}
	return distinct(append(keys, c.a.ReadKeys...))
}

func (c *prewrite) start() timestamp.Timestamp { return c.a.Start }

func (c *prewrite) reads() timestamp.Timestamp {
	if len(c.a.ReadKeys) == 0 {
		return 0
	}
	return max(c.a.Start, c.a.ReadTS)
}

func (c *prewrite) locks(keys []mvcc.Key) []mvcc.Key { return keys[:c.written] }

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
