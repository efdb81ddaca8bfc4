package elle

import "slices"

// knots are the strongly connected components of more than one node, smallest first: every
// cycle lies within one. It is Tarjan's algorithm ("Depth-first search and linear graph
// algorithms", 1972), with a stack of its own instead of recursion.
func (g *graph) knots() [][]int32 {
	t := tarjan{g: g, index: make([]int32, g.nodes), low: make([]int32, g.nodes)}
	for n := range g.nodes {
		if t.index[n] == 0 {
			t.visit(n)
		}
	}
	slices.SortStableFunc(t.knots, func(a, b []int32) int { return len(a) - len(b) })
	return t.knots
}

type tarjan struct {
	g      *graph
	next   int32
	index  []int32 // from 1 on; 0: not visited; -1: its component is done
	low    []int32
	stack  []int32
	visits []visit
	knots  [][]int32
}

type visit struct{ node, edge int32 }

func (t *tarjan) enter(n int32) {
	t.next++
	t.index[n], t.low[n] = t.next, t.next
	t.stack = append(t.stack, n)
	t.visits = append(t.visits, visit{n, t.g.first[n]})
}

func (t *tarjan) visit(root int32) {
	t.enter(root)
	for len(t.visits) > 0 {
		v := &t.visits[len(t.visits)-1]
		if v.edge < t.g.first[v.node+1] {
			to := t.g.edges[v.edge].to
			v.edge++
			switch {
			case t.index[to] == 0:
				t.enter(to)
			case t.index[to] > 0:
				t.low[v.node] = min(t.low[v.node], t.index[to])
			}
			continue
		}
		n := v.node
		t.visits = t.visits[:len(t.visits)-1]
		if len(t.visits) > 0 {
			parent := t.visits[len(t.visits)-1].node
			t.low[parent] = min(t.low[parent], t.low[n])
		}
		if t.low[n] == t.index[n] {
			t.finish(n)
		}
	}
}

// finish takes the component of n off the stack.
func (t *tarjan) finish(n int32) {
	at := len(t.stack) - 1
	for t.stack[at] != n {
		at--
	}
	for _, member := range t.stack[at:] {
		t.index[member] = -1
	}
	if len(t.stack)-at > 1 {
		t.knots = append(t.knots, slices.Clone(t.stack[at:]))
	}
	t.stack = t.stack[:at]
}
