package elle

import (
	"cmp"
	"slices"
	"time"

	"github.com/shaledb/shale/bench/history"
	"github.com/shaledb/shale/mvcc"
)

// kind is what an edge stands for.
type kind uint8

const (
	ww kind = iota
	wr
	rw
	rt
	link // within a transaction, or from a barrier on: no step of its own
)

// String is the kind as edges are printed.
func (k kind) String() string { return [...]string{"ww", "wr", "rw", "rt", ""}[k] }

// edge leads from one moment to another. What it is about: the version, by its number in the
// order of its key's versions; -1 where the append was not seen.
type edge struct {
	from, to int32
	kind     kind
	key      int32
	version  int32
	op       int32 // with version -1: the append, by its number among the key's appends
}

// graph is the moments of all committed transactions, and what must have come before what.
type graph struct {
	moments int32 // for each transaction: 2 or 1
	txns    int32 // nodes below txns*moments are moments, those above are barriers
	nodes   int32
	edges   []edge  // sorted by from
	first   []int32 // by node: its first edge; one more at the end
	placing bool    // the edges were counted, and are put in their places
}

func (g *graph) start(txn int32) int32  { return txn * g.moments }
func (g *graph) commit(txn int32) int32 { return (txn+1)*g.moments - 1 }

// txn is whose moment a node is; -1 for a barrier.
func (g *graph) txn(node int32) int32 {
	if node >= g.txns*g.moments {
		return -1
	}
	return node / g.moments
}

// graph builds the level's graph of moments. The edges are gone through twice, once to count
// and once to place them: a history of millions of operations has too many to sort a copy.
func (x *observations) graph(level history.Level) *graph {
	g := &graph{moments: 1, txns: int32(len(x.txns))}
	if level == history.SnapshotIsolation {
		g.moments = 2
	}
	moments := x.moments()
	barriers := int32(len(moments)) // at most one for each
	g.first = make([]int32, g.txns*g.moments+barriers+2)
	x.addAll(g, moments)
	for n := range g.nodes + 1 {
		g.first[n+1] += g.first[n]
	}
	g.edges, g.placing = make([]edge, g.first[g.nodes+1]), true
	x.addAll(g, moments)
	return g
}

func (x *observations) addAll(g *graph, moments []moment) {
	g.nodes = g.txns * g.moments
	for i, committed := range x.committed {
		if committed && g.moments == 2 {
			g.add(edge{from: g.start(int32(i)), to: g.commit(int32(i)), kind: link})
		}
	}
	x.addWrites(g)
	x.addReads(g)
	x.addRealTime(g, moments)
}

// add counts an edge, or places it. The counts stand two places further up, so that placing
// moves them to where the nodes' edges begin.
func (g *graph) add(e edge) {
	if !g.placing {
		g.first[e.from+2]++
		return
	}
	at := &g.first[e.from+1]
	g.edges[*at] = e
	*at++
}

// write orders two appends: one that the client makes has read the list before, at its
// start; one that the store makes comes later only than the other's commit.
func (g *graph) write(before, after write, e edge) {
	if before.txn == after.txn {
		return
	}
	e.from, e.to, e.kind = g.commit(before.txn), g.start(after.txn), ww
	if after.atomic {
		e.to = g.commit(after.txn)
	}
	g.add(e)
}

// unseenMax bounds, for each key, the appends that nobody saw and that are yet ordered after
// all who did see something. After a last read of everything there is none.
const unseenMax = 64

// findUnseen gathers the committed appends that the longest list does not hold, by their
// numbers: whoever made them, they come after it.
func (ls *list) findUnseen() {
	if len(ls.appends) == len(ls.versions) {
		return
	}
	there := make(map[int64]bool, len(ls.longest))
	for _, v := range ls.longest {
		there[v] = true
	}
	for i, w := range ls.appends {
		if !there[w.value] && len(ls.unseen) < unseenMax {
			ls.unseen = append(ls.unseen, int32(i))
		}
	}
}

func (x *observations) addWrites(g *graph) {
	for k := range x.lists {
		ls := &x.lists[k]
		for i := 1; i < len(ls.versions); i++ {
			g.write(ls.versions[i-1], ls.versions[i], edge{key: int32(k), version: int32(i)})
		}
		x.addUnseenWrites(g, int32(k))
	}
}

// addUnseenWrites orders the appends that nobody saw: after all that were seen; and after an
// append whose client had read all that were seen, since nothing can have come in between.
func (x *observations) addUnseenWrites(g *graph, k int32) {
	ls := &x.lists[k]
	for _, n := range ls.unseen {
		if len(ls.versions) > 0 {
			g.write(ls.versions[len(ls.versions)-1], ls.appends[n], edge{key: k, version: -1, op: n})
		}
		if len(ls.unseen) == 1 || ls.appends[n].atomic || !x.hasRead(ls.appends[n].txn, ls.key) {
			continue
		}
		for _, other := range ls.unseen {
			if ls.appends[other].atomic { // otherwise it is a lost update
				g.write(ls.appends[n], ls.appends[other], edge{key: k, version: -1, op: other})
			}
		}
	}
}

// hasRead says whether the transaction has read the list before it appended to it itself. What
// it had the store append before is in such a read, and hides nothing.
func (x *observations) hasRead(txn int32, k mvcc.Key) bool {
	for i := range x.txns[txn].Ops {
		switch op := &x.txns[txn].Ops[i]; {
		case op.Key != k || op.Do == history.AtomicAppend:
		default:
			return op.Do == history.Read
		}
	}
	return false
}

func (x *observations) addReads(g *graph) {
	for _, rd := range x.reads {
		ls := &x.lists[rd.key]
		n := ls.count[len(rd.list)]
		if n > 0 && ls.versions[n-1].txn != rd.txn {
			g.add(edge{from: g.commit(ls.versions[n-1].txn), to: g.start(rd.txn), kind: wr, key: rd.key, version: n - 1})
		}
		if int(n) < len(ls.versions) {
			if next := ls.versions[n].txn; next != rd.txn {
				g.add(edge{from: g.start(rd.txn), to: g.commit(next), kind: rw, key: rd.key, version: n})
			}
			continue
		}
		for _, u := range ls.unseen {
			if next := ls.appends[u].txn; next != rd.txn {
				g.add(edge{from: g.start(rd.txn), to: g.commit(next), kind: rw, key: rd.key, version: -1, op: u})
			}
		}
	}
}

// moment is when a transaction began or ended.
type moment struct {
	at  time.Duration
	end bool
	txn int32
}

// moments are the beginnings and ends in the order of time. A transaction of unknown outcome
// never ended, and one that asked for the past may begin before whatever it likes.
func (x *observations) moments() []moment {
	moments := make([]moment, 0, 2*len(x.txns))
	for i, committed := range x.committed {
		t := &x.txns[i]
		if committed && !t.Stale {
			moments = append(moments, moment{t.Begin, false, int32(i)})
		}
		if committed && t.Outcome == history.OK {
			moments = append(moments, moment{t.End, true, int32(i)})
		}
	}
	slices.SortFunc(moments, func(a, b moment) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(b2i(a.end), b2i(b.end)), cmp.Compare(a.txn, b.txn))
	})
	return moments
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// addRealTime puts the barriers in.
func (x *observations) addRealTime(g *graph, moments []moment) {
	barrier := int32(-1)
	var ended []int32
	for _, m := range moments {
		if m.end {
			ended = append(ended, m.txn)
			continue
		}
		if len(ended) > 0 {
			next := g.nodes
			g.nodes++
			if barrier >= 0 {
				g.add(edge{from: barrier, to: next, kind: link})
			}
			for _, t := range ended {
				g.add(edge{from: g.commit(t), to: next, kind: rt})
			}
			barrier, ended = next, ended[:0]
		}
		if barrier >= 0 {
			g.add(edge{from: barrier, to: g.start(m.txn), kind: link})
		}
	}
}
