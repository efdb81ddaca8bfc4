package shard

import "github.com/shaledb/shale/shard/routing"

// serveSystem serves what has no command: the oracle and the deadlock detector.
func (r *Replica) serveSystem(t *task) {
	switch a := t.req.Req.(type) {
	case *routing.TimestampArgs:
		r.serveTimestamp(t, a)
	case *routing.WaitArgs:
		r.serveWait(t, a)
	}
}
