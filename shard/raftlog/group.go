package raftlog

import (
	"go.etcd.io/raft/v3/raftpb"

	"github.com/shaledb/shale/mvcc"
)

// group is what the log knows of one Raft group: all that a replay would give. Append and
// replay change it through the same methods.
type group struct {
	hard *raftpb.HardState
	cut  Position
	last mvcc.Index // of the last entry; the cut's index where there is none
	// entries follow the cut. Only while a replay has not yet met the rewritten copy of
	// what lay in a removed segment may they begin later.
	entries []placed
}

// placed is an entry and the segment that it is to be read from.
type placed struct {
	entry *raftpb.Entry
	in    *segment
}

func (p placed) bytes() int64 { return int64(len(p.entry.GetData())) + entryBound }

func (g *group) base() mvcc.Index { return mvcc.Index(g.entries[0].entry.GetIndex()) }

// keep counts an entry in its segment; drop takes entries out of the count.
func keep(e *raftpb.Entry, in *segment) placed {
	p := placed{e, in}
	in.live++
	in.liveBytes += p.bytes()
	return p
}

func drop(list []placed) {
	for i, p := range list {
		p.in.live--
		p.in.liveBytes -= p.bytes()
		list[i] = placed{}
	}
}

// append overwrites from the first index on. It answers false where a gap would arise.
func (g *group) append(entries []*raftpb.Entry, in *segment) bool {
	first := mvcc.Index(entries[0].GetIndex())
	if first > g.last+1 {
		return false
	}
	if len(g.entries) > 0 {
		at := 0
		if base := g.base(); first > base {
			at = int(first - base)
		}
		drop(g.entries[at:])
		g.entries = g.entries[:at]
	}
	for _, e := range entries {
		if mvcc.Index(e.GetIndex()) > g.cut.Index {
			g.entries = append(g.entries, keep(e, in))
		}
	}
	g.last = max(mvcc.Index(entries[len(entries)-1].GetIndex()), g.cut.Index)
	return true
}

// rewrite takes the same entries from another segment; what follows them stays.
func (g *group) rewrite(entries []*raftpb.Entry, in *segment) bool {
	first := mvcc.Index(entries[0].GetIndex())
	end := first + mvcc.Index(len(entries)) - 1
	if len(g.entries) == 0 || first < g.base() {
		// Older segments are gone, so all pieces of the rewrite are durable and follow.
		last := g.last
		drop(g.entries)
		g.entries = nil
		ok := g.append(entries, in)
		g.last = max(last, g.last)
		return ok
	}
	base := g.base()
	if first > base+mvcc.Index(len(g.entries)) {
		return false
	}
	for i, e := range entries {
		at := int(first-base) + i
		if at < len(g.entries) {
			drop(g.entries[at : at+1])
			g.entries[at] = keep(e, in)
		} else {
			g.entries = append(g.entries, keep(e, in))
		}
	}
	g.last = max(g.last, end)
	return true
}

func (g *group) cutTo(p Position) {
	if p.Index <= g.cut.Index {
		return
	}
	g.cut = p
	g.last = max(g.last, p.Index)
	if len(g.entries) == 0 || g.base() > p.Index {
		return
	}
	n := min(int(p.Index-g.base())+1, len(g.entries))
	drop(g.entries[:n])
	g.entries = g.entries[n:]
}

func (g *group) reset(p Position) {
	drop(g.entries)
	g.entries, g.cut, g.last = nil, p, p.Index
}

// head is the group without its entries.
func (g *group) head(r *record) {
	r.kind, r.at, r.last, r.hard = recordHead, g.cut, g.last, g.hard
}

// whole says whether the entries follow the cut without a gap up to the last one.
func (g *group) whole() bool {
	if len(g.entries) == 0 {
		return g.last == g.cut.Index
	}
	return g.base() == g.cut.Index+1 && g.base()+mvcc.Index(len(g.entries))-1 == g.last
}

func (g *group) replayed() *Replayed {
	out := &Replayed{HardState: g.hard, CutIndex: g.cut.Index, CutTerm: g.cut.Term}
	for _, p := range g.entries {
		out.Entries = append(out.Entries, p.entry)
	}
	return out
}
