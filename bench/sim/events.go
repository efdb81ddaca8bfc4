package sim

import "time"

// event is something that happens to a process at a moment. One whose process has died since
// does not happen; one whose process is paused happens when that goes on.
type event struct {
	p    *process
	life int
	what note
	run  func()
}

// moment is when an event is due. Of two at the same time the first planned is the first run.
type moment struct {
	at   time.Duration
	id   uint64
	slot int32 // of the event
}

func (m moment) before(o moment) bool { return m.at < o.at || m.at == o.at && m.id < o.id }

// eventQueue is a heap of moments, which hold no pointers: the events themselves do not move.
type eventQueue struct {
	heap   []moment
	events []event
	free   []int32
	lastID uint64
}

func (q *eventQueue) len() int { return len(q.heap) }

func (q *eventQueue) add(at time.Duration, e event) {
	var slot int32
	if n := len(q.free); n > 0 {
		slot, q.free = q.free[n-1], q.free[:n-1]
		q.events[slot] = e
	} else {
		slot = int32(len(q.events))
		q.events = append(q.events, e)
	}
	q.lastID++
	m := moment{at, q.lastID, slot}
	q.heap = append(q.heap, m)
	i := len(q.heap) - 1
	for i > 0 {
		up := (i - 1) / 4
		if !m.before(q.heap[up]) {
			break
		}
		q.heap[i] = q.heap[up]
		i = up
	}
	q.heap[i] = m
}

// next takes the earliest event out.
func (q *eventQueue) next() (time.Duration, event) {
	first := q.heap[0]
	n := len(q.heap) - 1
	m := q.heap[n]
	q.heap = q.heap[:n]
	if n > 0 {
		q.sink(m)
	}
	e := q.events[first.slot]
	q.events[first.slot] = event{}
	q.free = append(q.free, first.slot)
	return first.at, e
}

// sink puts m in from the top.
func (q *eventQueue) sink(m moment) {
	i, n := 0, len(q.heap)
	for {
		least := 4*i + 1
		if least >= n {
			break
		}
		for c := least + 1; c < min(4*i+5, n); c++ {
			if q.heap[c].before(q.heap[least]) {
				least = c
			}
		}
		if !q.heap[least].before(m) {
			break
		}
		q.heap[i] = q.heap[least]
		i = least
	}
	q.heap[i] = m
}
