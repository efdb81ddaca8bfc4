package sim

import "time"

// trouble makes one thing go wrong, and plans the next.
func (w *world) trouble() {
	if w.calm {
		return
	}
	switch n := w.rng.IntN(100); {
	case n < 10:
		w.killNode(pick(w, w.nodes), w.chance(0.6))
	case n < 15:
		pick(w, w.nodes).disk.doomed = true
	case n < 17:
		w.powerCut()
	case n < 27:
		w.killClient(pick(w, w.clients))
	case n < 45:
		w.partition()
	case n < 55:
		w.pause(pick(w, w.processes()))
	case n < 65:
		w.jump(pick(w, w.nodes))
	case n < 75:
		p := pick(w, w.nodes)
		w.happened(DiskStalled)
		p.disk.stalled = w.now + w.between(10*time.Millisecond, 500*time.Millisecond)
	case n < 79 && w.set.rot != nil:
		w.flipRow(w.set.rot)
	case n < 83 && w.set.rot != nil:
		w.flipLog(w.set.rot)
	}
	w.after(w.between(10*time.Millisecond, 400*time.Millisecond), nil, note{kind: "trouble"}, w.trouble)
}

func (w *world) killNode(p *process, power bool) {
	if !p.up {
		return
	}
	if power {
		w.happened(PowerLost)
	} else {
		w.happened(NodeKilled)
	}
	w.remark(p, "killed, power %v", power)
	p.kill(power)
	w.restart(p, w.between(10*time.Millisecond, 1500*time.Millisecond))
}

// powerCut takes all nodes down at one moment: what a majority has not synced is gone.
func (w *world) powerCut() {
	w.happened(AllPowerLost)
	for _, p := range w.nodes {
		w.killNode(p, true)
	}
}

func (w *world) killClient(p *process) {
	if !p.up || w.calm {
		return
	}
	w.happened(ClientKilled)
	w.remark(p, "killed")
	p.kill(true)
	w.restart(p, w.between(10*time.Millisecond, 300*time.Millisecond))
}

func (w *world) restart(p *process, after time.Duration) {
	w.after(after, nil, note{kind: "restart", node: p.id}, func() {
		if !p.up {
			p.start()
		}
	})
}

// maybeKill makes a Send the last thing that a coordinator did: before, between and after
// its messages arrive.
func (w *world) maybeKill(p *process) {
	if w.calm || p.id <= nodeCount || !w.chance(0.004) {
		return
	}
	w.after(w.between(0, 10*time.Millisecond), p, note{kind: "kill", node: p.id}, func() { w.killClient(p) })
}

// partition cuts some links of a process, one way or both.
func (w *world) partition() {
	if w.chance(0.3) || w.opt.Mutant == StoppedClock {
		w.isolate(pick(w, w.nodes), w.between(100*time.Millisecond, 1500*time.Millisecond))
		return
	}
	from := pick(w, w.processes())
	for _, to := range w.processes() {
		if to == from {
			continue
		}
		w.net.cut(from, to)
		if w.chance(0.5) {
			w.net.cut(to, from)
			w.happened(LinkCutBothWays)
		} else {
			w.happened(LinkCut)
		}
		w.mendAfter(w.between(10*time.Millisecond, 1200*time.Millisecond), from, to)
		if w.chance(0.2) {
			return
		}
	}
}

// isolate cuts a node off from the other nodes, while clients still reach it: a leader that
// is one no more.
func (w *world) isolate(p *process, took time.Duration) {
	w.happened(NodeIsolated)
	w.remark(p, "isolated for %s", took)
	for _, to := range w.nodes {
		if to != p {
			w.net.cut(p, to)
			w.net.cut(to, p)
			w.mendAfter(took, p, to)
		}
	}
	if w.opt.Mutant == StoppedClock {
		p.run(1)
		w.after(took, nil, note{kind: "clock"}, func() { p.run(1000) })
	}
}

func (w *world) mendAfter(d time.Duration, a, b *process) {
	w.after(d, nil, note{kind: "mend", node: a.id, n: uint64(b.id)}, func() {
		w.net.mend(a, b)
		w.net.mend(b, a)
	})
}

// pause stops a process between two events; its clocks go on.
func (w *world) pause(p *process) {
	p.pausedUntil = w.now + w.between(time.Millisecond, time.Second)
	w.happened(ProcessPaused)
	w.remark(p, "paused until %s", p.pausedUntil)
}

// jump moves a node's wall clock, which only an oracle there looks at.
func (w *world) jump(p *process) {
	by := w.between(-3*time.Second, 3*time.Second)
	if p.skew += by; by > 0 && w.chance(0.4) { // an oracle there follows, and must not outrun its ceiling
		w.after(w.between(0, 30*time.Millisecond), p, note{kind: "kill", node: p.id}, func() { w.killNode(p, w.chance(0.5)) })
	}
	w.happened(ClockJumped)
	w.remark(p, "its wall clock is off by %s", p.skew)
}

// calmDown ends all trouble.
func (w *world) calmDown() {
	w.calm = true
	w.net.heal()
	for _, p := range w.processes() {
		if !p.up {
			p.start()
		}
	}
}
