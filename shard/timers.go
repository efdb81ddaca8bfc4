package shard

import (
	"container/heap"
	"time"

	"github.com/shaledb/shale/mvcc"
)

// timer wakes a task that waits, or has a key's queue looked at.
type timer struct {
	at    time.Duration
	t     *task // nil: the queue
	queue mvcc.Key
}

// timers is the heap of all of a replica's, the earliest first. One that is no longer meant
// stays in it until its time.
type timers []timer

func (h timers) Len() int           { return len(h) }
func (h timers) Less(i, j int) bool { return h[i].at < h[j].at }
func (h timers) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *timers) Push(x any)        { *h = append(*h, x.(timer)) }
func (h *timers) Pop() any {
	old := *h
	x := old[len(old)-1]
	old[len(old)-1] = timer{}
	*h = old[:len(old)-1]
	return x
}

func (r *Replica) wakeAt(t *task, at time.Duration) { heap.Push(&r.timers, timer{at: at, t: t}) }

// fire runs the timers that are due.
func (r *Replica) fire() {
	for len(r.timers) > 0 && r.timers[0].at <= r.now.Mono {
		due := heap.Pop(&r.timers).(timer)
		switch {
		case due.t == nil:
			if q, ok := r.queues[due.queue]; ok && q.timer == due.at {
				r.tell(due.queue, q)
			}
		case !due.t.done && due.t.onLock:
			r.leaveQueue(due.t)
			r.admit(due.t)
		}
	}
}
