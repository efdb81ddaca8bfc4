package host

import (
	"context"
	"time"

	"github.com/shaledb/shale/shard"
)

// Gauges is what the node's replicas hold at this moment.
type Gauges struct {
	Replicas    int
	Leaders     int
	Leaseless   int // leaders without a lease: they may serve nothing
	Leaderless  int // replicas that know of no leader
	Quarantined int
	Locks       int
	Waiting     int // requests under way
	OverlayRows int // applied and not flushed
	Lagging     int // entries that followers here or elsewhere lack, as the leaders here know
	FileBytes   int64
	WALBytes    int64         // of SQLite's write-ahead logs
	FlushAge    time.Duration // of the oldest flush under way
	Inbox       int           // events that wait for the loop
	Reads       int           // reads and look-ups that wait for a reader
}

// Gauges looks at every replica between two turns of the loop; false: the loop did not come to
// it while ctx lasted.
func (h *Host) Gauges(ctx context.Context) (Gauges, bool) {
	got := make(chan Gauges, 1)
	h.ask(func() {
		var g Gauges
		now := h.instant()
		for _, s := range h.slots {
			g.add(s, now)
		}
		got <- g
	})
	select {
	case g := <-got:
		for _, id := range h.Shards() {
			g.FileBytes += h.sizeOf(id)
		}
		g.Inbox, g.Reads = h.inbox.len(), h.readers.len()
		return g, true
	case <-ctx.Done():
	case <-h.ctx.Done():
	}
	return Gauges{}, false
}

// add counts one replica. Loop only.
func (g *Gauges) add(s *slot, now shard.Instant) {
	g.Replicas++
	if s.bad != nil {
		g.Quarantined++
		return
	}
	st := s.replica.Status(now)
	switch {
	case st.Leading && st.LeaseUntil <= 0:
		g.Leaseless++
	case !st.Leading && st.Descriptor.Leader == 0:
		g.Leaderless++
	}
	if st.Leading {
		g.Leaders++
	}
	for _, p := range st.Progress {
		g.Lagging += int(max(st.Applied, p.Match) - p.Match)
	}
	g.Locks += st.Locks
	g.Waiting += st.Waiting
	g.OverlayRows += st.OverlayRows
	g.WALBytes += s.keeper.walBytes.Load()
	if s.flushing > 0 {
		g.FlushAge = max(g.FlushAge, now.Mono-s.flushing)
	}
}

func (in *inbox) len() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.items)
}

func (r *readers) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.queue.len() + r.later.len()
}
