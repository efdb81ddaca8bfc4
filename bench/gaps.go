package bench

import (
	"sync"
	"sync/atomic"
	"time"
)

// gaps keeps the longest times without a success, over all and in each lane: how long the
// service was away for whoever needed that part of it.
type gaps struct {
	last, longestGap atomic.Int64 // over all; without the mutex, since every operation comes by

	mu    sync.Mutex
	lanes []lane
}

type lane struct{ last, longest time.Duration }

func (l *lane) success(at time.Duration) {
	l.longest = max(l.longest, at-l.last)
	l.last = max(l.last, at)
}

// success notes one at a time since the run began.
func (g *gaps) success(op Op, at time.Duration) {
	g.overall(at)
	laned, ok := op.(Laned)
	if !ok {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, i := range laned.Lanes() {
		for len(g.lanes) <= i {
			g.lanes = append(g.lanes, lane{})
		}
		g.lanes[i].success(at)
	}
}

func (g *gaps) overall(at time.Duration) {
	gap := int64(at) - g.last.Swap(int64(at))
	for {
		longest := g.longestGap.Load()
		if gap <= longest || g.longestGap.CompareAndSwap(longest, gap) {
			return
		}
	}
}

// longest is the answer for a run that ended at end, when no success is noted any more; a
// lane that fell silent before the end counts up to it.
func (g *gaps) longest(end time.Duration) (all, worstLane Millis) {
	g.overall(max(end, time.Duration(g.last.Load())))
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.lanes {
		g.lanes[i].success(max(end, g.lanes[i].last))
		worstLane = max(worstLane, millis(g.lanes[i].longest))
	}
	return millis(time.Duration(g.longestGap.Load())), worstLane
}
