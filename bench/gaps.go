package bench

import (
	"sync"
	"time"
)

// gaps keeps the longest times without a success, over all and in each lane: how long the
// service was away for whoever needed that part of it.
type gaps struct {
	mu    sync.Mutex
	all   lane
	lanes []lane
}

type lane struct{ last, longest time.Duration }

func (l *lane) success(at time.Duration) {
	l.longest = max(l.longest, at-l.last)
	l.last = max(l.last, at)
}

// success notes one at a time since the run began.
func (g *gaps) success(op Op, at time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all.success(at)
	laned, ok := op.(Laned)
	if !ok {
		return
	}
	for _, i := range laned.Lanes() {
		for len(g.lanes) <= i {
			g.lanes = append(g.lanes, lane{})
		}
		g.lanes[i].success(at)
	}
}

// longest is the answer for a run that ended at end; a lane that fell silent before the end
// counts up to it.
func (g *gaps) longest(end time.Duration) (all, worstLane Millis) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all.success(max(end, g.all.last))
	for i := range g.lanes {
		g.lanes[i].success(max(end, g.lanes[i].last))
		worstLane = max(worstLane, millis(g.lanes[i].longest))
	}
	return millis(g.all.longest), worstLane
}
