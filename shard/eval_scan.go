package shard

import "github.com/shaledb/shale/mvcc"

// serveScan reads a span at a timestamp, clipped to the shard's bounds.
func (r *Replica) serveScan(t *task, a *mvcc.ScanArgs) {
	if a.ReadTS == 0 {
		r.finish(t, nil, &mvcc.InvalidError{Reason: "READ_TIMESTAMP", What: "a scan needs a read timestamp",
			Hint: "draw one from the oracle"})
		return
	}
	r.clock.read(a.ReadTS)
	if l, ok := r.locks.blockingIn(r.desc.Span.Clip(a.Span), a.ReadTS, a.Own); ok {
		r.waitForLock(t, l)
		return
	}
	r.readStore(t)
}
