package shard

import (
	"slices"

	"github.com/shaledb/shale/mvcc"
)

// latches order all writes that touch a key: a request queues for all its keys in one step,
// first come first served, and holds them until what it proposed is applied or given up. So
// two requests never wait for each other in a circle.
type latches struct{ queues map[mvcc.Key][]*task }

// acquire queues t for its keys and says whether it holds them all already.
func (l *latches) acquire(t *task) bool {
	t.waiting = 0
	for _, k := range t.keys {
		q := l.queues[k]
		if len(q) > 0 {
			t.waiting++
		}
		l.queues[k] = append(q, t)
	}
	t.latched = true
	return t.waiting == 0
}

// release takes t out of all queues and calls next for each request whose turn has come.
func (l *latches) release(t *task, next func(*task)) {
	if !t.latched {
		return
	}
	t.latched = false
	for _, k := range t.keys {
		q := l.queues[k]
		if len(q) == 1 {
			delete(l.queues, k)
			continue
		}
		if q[0] != t {
			i := slices.Index(q, t)
			l.queues[k] = slices.Delete(q, i, i+1)
			continue
		}
		q[0] = nil // the array behind it is not copied: a hot key's queue is long
		q = q[1:]
		l.queues[k] = q
		if q[0].waiting--; q[0].waiting == 0 {
			next(q[0])
		}
	}
}
