package shard

import (
	"slices"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// serveVictim ends a wait that closed a cycle. Who does not wait any more goes on: then the
// cycle is no more (S23).
func (r *Replica) serveVictim(t *task, a *routing.VictimArgs) {
	res := &routing.VictimResult{}
	if q, ok := r.queues[a.Key]; ok {
		for _, w := range slices.Concat(q.writers, q.others) {
			if start, primary := w.waiter(); start != a.Start || primary == "" {
				continue
			}
			r.leaveQueue(w)
			r.finish(w, nil, &mvcc.DeadlockError{StartTS: a.Start, Key: a.Key, Cycle: a.Cycle})
			r.out.Counts.Victims++
			res.Ended = true
		}
	}
	r.finish(t, res, nil)
}
