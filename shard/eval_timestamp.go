package shard

import "github.com/shaledb/shale/shard/routing"

// serveSystem serves what has no command: the oracle.
func (r *Replica) serveSystem(t *task) {
	if a, ok := t.req.Req.(*routing.TimestampArgs); ok {
		r.serveTimestamp(t, a)
	}
}
