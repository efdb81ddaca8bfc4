package shard

import (
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// directoryCommand is a request to the directory. All of them queue at one latch, which is
// held until what was evaluated is applied: no id is given away twice.
type directoryCommand struct {
	plain
	req routing.Request
}

func (c *directoryCommand) keys() []mvcc.Key { return []mvcc.Key{directoryLatch} }

func (c *directoryCommand) start() timestamp.Timestamp { return 0 }

func (c *directoryCommand) evaluate(v *view, _ mvcc.Leader) (mvcc.Rows, routing.Response, error) {
	rows, answer, err := v.r.directory.Evaluate(c.req)
	return mvcc.Rows{System: rows}, answer, err
}
