package sim

import "github.com/shaledb/shale/timestamp"

// order is what strong snapshot isolation is held to: the newest timestamp that anybody
// holds, and the newest commit that anybody heard of.
type order struct {
	heard     timestamp.Timestamp
	committed timestamp.Timestamp
}

// floor is what a timestamp asked for now must lie above, and the commits that it must see.
func (o *order) floor() order { return *o }

func (o *order) acknowledged(ts timestamp.Timestamp) { o.committed = max(o.committed, ts) }

// check: a timestamp lies above all that were there when it was asked for (P11, S1), and
// sees every commit acknowledged by then.
func (o *order) check(w *world, p *process, floor order, ts timestamp.Timestamp) {
	switch {
	case ts <= floor.heard:
		w.fail("%s asked for a timestamp when %s was there, and got %s", p.name, floor.heard, ts)
	case ts < floor.committed:
		w.fail("%s begins at %s after a commit at %s was acknowledged", p.name, ts, floor.committed)
	}
	o.heard = max(o.heard, ts)
}

// checkFresh: a read of the newest sees what was acknowledged before it began (S11, S12, P18).
func (w *world) checkFresh(p *process, s seen) {
	if s.commitTS < s.least {
		w.fail("%s reads the newest of %s and finds %s, but %s was acknowledged before", p.name, s.key,
			s.commitTS, s.least)
	}
}
