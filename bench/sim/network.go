package sim

import "time"

// network carries what processes send each other. It promises nothing.
type network struct {
	w      *world
	cuts   map[link]bool // one way; looked up, never listed
	slow   time.Duration // the longest ordinary delay
	lossy  float64
	repeat float64
}

type link struct{ from, to int }

func newNetwork(w *world) network {
	return network{w: w, cuts: map[link]bool{}, slow: w.between(time.Millisecond, 8*time.Millisecond),
		lossy: w.rng.Float64() * 0.02, repeat: w.rng.Float64() * 0.02}
}

// delay is mostly short, and now and then long enough for an election: so messages overtake
// each other.
func (n *network) delay() time.Duration {
	switch {
	case n.w.calm:
		return n.w.between(100*time.Microsecond, time.Millisecond)
	case n.w.chance(0.01):
		n.w.happened(MessageLate)
		return n.w.between(0, 400*time.Millisecond)
	}
	return n.w.between(100*time.Microsecond, n.slow)
}

// autocommitWord is the one request that does not arrive twice: its sender never repeats it,
// and a stream does not either. All others are made to be repeated.
const autocommitWord = "Autocommit"

// send has arrive run at the other process, once, twice or never. Lost, where it is not nil,
// tells its owner that the connection broke; silence does too, but says nothing.
func (n *network) send(from, to *process, what note, arrive func(), owner *process, lost func()) {
	what.node = from.id
	if from == to { // a call to the own node goes without a wire
		n.w.after(n.w.between(0, 20*time.Microsecond), to, what, arrive)
		return
	}
	if n.cuts[link{from.id, to.id}] || !n.w.calm && n.w.chance(n.lossy) {
		n.w.happened(MessageLost)
		n.lose(owner, what, lost)
		return
	}
	n.carry(from, to, what, arrive, owner, lost)
	if !n.w.calm && what.kind != autocommitWord && n.w.chance(n.repeat) {
		n.w.happened(MessageRepeated)
		n.carry(from, to, what, arrive, nil, nil)
	}
}

func (n *network) carry(from, to *process, what note, arrive func(), owner *process, lost func()) {
	n.w.after(n.delay(), nil, note{kind: "beat"}, func() {
		if !to.up || n.cuts[link{from.id, to.id}] {
			n.lose(owner, what, lost)
			return
		}
		if to.pausedUntil > n.w.now {
			n.w.after(0, to, what, arrive)
			return
		}
		n.w.trace.add(n.w.now, to, what)
		arrive()
	})
}

// lose tells the owner after a while, or leaves it to its own patience.
func (n *network) lose(owner *process, what note, lost func()) {
	if lost == nil || !owner.up || n.w.chance(0.02) {
		return
	}
	what.kind = "lost " + what.kind
	n.w.after(n.w.between(time.Millisecond, 100*time.Millisecond), owner, what, lost)
}

func (n *network) heal() { n.cuts = map[link]bool{} }

func (n *network) cut(from, to *process) { n.cuts[link{from.id, to.id}] = true }

func (n *network) mend(from, to *process) { delete(n.cuts, link{from.id, to.id}) }
