package deadlock

import (
	"container/list"
	"slices"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// Config is a detector's settings. The zero value means the defaults.
type Config struct {
	// TTL is how long an edge lives after it was told; 3 s. Waits are told every second.
	TTL time.Duration
	// EdgesMax bounds what is kept; 100,000.
	EdgesMax int
}

func (c Config) withDefaults() Config {
	if c.TTL <= 0 {
		c.TTL = 3 * time.Second
	}
	if c.EdgesMax <= 0 {
		c.EdgesMax = 100_000
	}
	return c
}

// Detector is the graph of who waits for whom. It belongs to one goroutine at a time.
type Detector struct {
	cfg   Config
	known map[mvcc.WaitEdge]*list.Element
	order *list.List // of told, the one told longest ago in front
	waits map[timestamp.Timestamp][]mvcc.WaitEdge
}

// told is an edge and when it was told last.
type told struct {
	edge mvcc.WaitEdge
	at   time.Duration
}

// New makes a detector that knows nothing.
func New(cfg Config) *Detector {
	return &Detector{cfg: cfg.withDefaults(), known: map[mvcc.WaitEdge]*list.Element{}, order: list.New(),
		waits: map[timestamp.Timestamp][]mvcc.WaitEdge{}}
}

// Len is how many edges are kept.
func (d *Detector) Len() int { return len(d.known) }

// Told takes edges in, one after the other, and answers a cycle for each that closes one. Of
// a transaction that closed one the rest is passed over: it will end. Now never goes back.
func (d *Detector) Told(now time.Duration, edges []mvcc.WaitEdge) [][]mvcc.WaitEdge {
	d.expire(now)
	var cycles [][]mvcc.WaitEdge
	for _, e := range edges {
		victim := func(c []mvcc.WaitEdge) bool { return c[0].Waiter == e.Waiter }
		if e.Waiter == e.Holder || slices.ContainsFunc(cycles, victim) {
			continue
		}
		if way := d.way(e.Holder, e.Waiter); way != nil {
			cycles = append(cycles, append([]mvcc.WaitEdge{e}, way...))
			d.forgetWaiter(e.Waiter)
			continue
		}
		d.keep(now, e)
	}
	return cycles
}

// keep notes the edge, or that it was told again.
func (d *Detector) keep(now time.Duration, e mvcc.WaitEdge) {
	if at, ok := d.known[e]; ok {
		at.Value = told{e, now}
		d.order.MoveToBack(at)
		return
	}
	if len(d.known) >= d.cfg.EdgesMax {
		d.forget(d.order.Front())
	}
	d.known[e] = d.order.PushBack(told{e, now})
	d.waits[e.Waiter] = append(d.waits[e.Waiter], e)
}

// expire forgets what was not told again.
func (d *Detector) expire(now time.Duration) {
	for at := d.order.Front(); at != nil && now-at.Value.(told).at >= d.cfg.TTL; at = d.order.Front() {
		d.forget(at)
	}
}

func (d *Detector) forget(at *list.Element) {
	e := d.order.Remove(at).(told).edge
	delete(d.known, e)
	rest := d.waits[e.Waiter]
	if i := slices.Index(rest, e); i >= 0 {
		rest = slices.Delete(rest, i, i+1)
	}
	if len(rest) == 0 {
		delete(d.waits, e.Waiter)
		return
	}
	d.waits[e.Waiter] = rest
}

func (d *Detector) forgetWaiter(t timestamp.Timestamp) {
	for _, e := range slices.Clone(d.waits[t]) {
		d.forget(d.known[e])
	}
}

// way is the shortest way over edges from one transaction to another; nil: there is none.
func (d *Detector) way(from, to timestamp.Timestamp) []mvcc.WaitEdge {
	by := map[timestamp.Timestamp]mvcc.WaitEdge{from: {}} // the edge by which it was reached
	reached := []timestamp.Timestamp{from}
	for len(reached) > 0 {
		t := reached[0]
		reached = reached[1:]
		for _, e := range d.waits[t] {
			if _, before := by[e.Holder]; before {
				continue
			}
			by[e.Holder] = e
			if e.Holder != to {
				reached = append(reached, e.Holder)
				continue
			}
			var way []mvcc.WaitEdge
			for at := to; at != from; at = by[at].Waiter {
				way = append(way, by[at])
			}
			slices.Reverse(way)
			return way
		}
	}
	return nil
}
