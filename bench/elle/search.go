package elle

// search looks for the shortest cycle within one knot, of the simplest class that there is.
type search struct {
	g     *graph
	nodes []int32         // of the knot
	local map[int32]int32 // their places in nodes
	out   [][]int32       // by place: the edges that stay within the knot
	spent int             // edges looked at for the class under way
}

// spentMax bounds the work for each class in one knot. In a small knot it is never reached;
// in one that holds a whole broken history, what was found until then is short enough.
const spentMax = 1_000_000

func newSearch(g *graph, knot []int32) *search {
	s := &search{g: g, nodes: knot, local: make(map[int32]int32, len(knot)), out: make([][]int32, len(knot))}
	for at, n := range knot {
		s.local[n] = int32(at)
	}
	for at, n := range knot {
		for e := g.first[n]; e < g.first[n+1]; e++ {
			if _, inside := s.local[g.edges[e].to]; inside {
				s.out[at] = append(s.out[at], e)
			}
		}
	}
	return s
}

// class is a kind of cycle to look for: over which edges, and with how many rw among them.
type class struct {
	edges       [link + 1]bool
	least, most int // rw edges; most 2 means any number
}

// classes are in the order in which they are tried: what needs less is worse. Real time
// comes last: a cycle without it is a mistake whatever the clocks say.
func classes() []class {
	var out []class
	for _, realTime := range []bool{false, true} {
		edges := [link + 1]bool{link: true, rt: realTime, ww: true}
		out = append(out, class{edges, 0, 0})
		edges[wr] = true
		out = append(out, class{edges, 0, 0})
		edges[rw] = true
		out = append(out, class{edges, 1, 1}, class{edges, 2, 2})
	}
	return out
}

// shortest is a smallest cycle of the first class that has one.
func (s *search) shortest() cycle {
	for _, c := range classes() {
		s.spent = 0
		if best := s.ofClass(c); best != nil {
			return best
		}
	}
	// Only where every class ran out of its bound: some cycle is there, whatever its class.
	whatever := class{most: 2}
	for k := range whatever.edges {
		whatever.edges[k] = true
	}
	for at := range s.nodes {
		if s.isCommit(at) {
			s.spent = -3 * len(s.g.edges)
			return s.through(int32(at), whatever, 0)
		}
	}
	return nil
}

func (s *search) ofClass(c class) cycle {
	var best cycle
	for at := range s.nodes {
		if !s.isCommit(at) {
			continue // every cycle leaves some commit
		}
		if found := s.through(int32(at), c, len(best)); found != nil {
			best = found
		}
		if len(best) == 2 || s.spent > spentMax {
			break
		}
	}
	return best
}

// isCommit says whether the place is a transaction's commit, or its only moment.
func (s *search) isCommit(at int) bool {
	t := s.g.txn(s.nodes[at])
	return t >= 0 && s.nodes[at] == s.g.commit(t)
}

// state is a place in the knot, reached over so many rw edges, counted up to two.
type state struct {
	at int32
	rw int
}

// reached is how a state was reached first.
type reached struct {
	from  state
	edge  int32
	steps int
}

// walk is a search from one place, breadth first.
type walk struct {
	s     *search
	class class
	begin state
	fewer int // than so many steps; zero: any number
	how   map[state]reached
	now   []state // after steps steps
	next  []state // after one more
	steps int
}

// through is a shortest cycle of the class through one place, of fewer steps than the given
// (zero: of any number); nil: none.
func (s *search) through(root int32, c class, fewer int) cycle {
	w := walk{s: s, class: c, begin: state{at: root}, fewer: fewer, how: map[state]reached{}}
	w.now = []state{w.begin}
	for ; len(w.now) > 0 && s.spent <= spentMax; w.steps++ {
		// Edges within a transaction and from barriers are no steps: they add to now.
		for len(w.now) > 0 {
			st := w.now[len(w.now)-1]
			w.now = w.now[:len(w.now)-1]
			if found := w.leave(st); found != nil {
				return found
			}
		}
		w.now, w.next = w.next, w.now
	}
	return nil
}

// leave follows every edge of the class from one state; the cycle, where one closes it.
func (w *walk) leave(st state) cycle {
	for _, e := range w.s.out[st.at] {
		w.s.spent++
		edge := &w.s.g.edges[e]
		to, steps := state{w.s.local[edge.to], st.rw}, w.steps
		if edge.kind == rw {
			to.rw = min(to.rw+1, 2)
		}
		if edge.kind != link {
			steps++
		}
		if !w.class.edges[edge.kind] || to.rw > w.class.most || w.fewer > 0 && steps >= w.fewer {
			continue
		}
		if to.at == w.begin.at {
			if to.rw >= w.class.least {
				return w.path(st, e)
			}
			continue
		}
		if old, ok := w.how[to]; ok && old.steps <= steps {
			continue
		}
		w.how[to] = reached{st, e, steps}
		if edge.kind == link {
			w.now = append(w.now, to)
		} else {
			w.next = append(w.next, to)
		}
	}
	return nil
}

// path reads the way back from the cycle's last state and edge.
func (w *walk) path(st state, last int32) cycle {
	edges := []int32{last}
	for ; st != w.begin; st = w.how[st].from {
		edges = append(edges, w.how[st].edge)
	}
	g := w.s.g
	var c cycle
	for i := len(edges) - 1; i >= 0; i-- {
		e := g.edges[edges[i]]
		switch {
		case e.kind != link:
			c = append(c, step{edge: e, from: g.txn(e.from), to: g.txn(e.to)})
		case g.txn(e.from) < 0 && g.txn(e.to) >= 0:
			c[len(c)-1].to = g.txn(e.to) // out of a barrier
		}
	}
	return c
}
