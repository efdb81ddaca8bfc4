package elle

import (
	"fmt"
	"strings"

	"github.com/shaledb/shale/mvcc"
)

// cycle is transactions that each must have come before the next, and the last before the
// first.
type cycle []step

// step is one of its edges, with the transactions at its ends.
type step struct {
	edge
	from, to int32
}

func (c cycle) has(k kind) bool {
	for _, s := range c {
		if s.kind == k {
			return true
		}
	}
	return false
}

// name is Adya's, as Elle uses it.
func (c cycle) name() string {
	name := c.dependencies()
	if c.has(rt) {
		name += "-realtime"
	}
	return name
}

func (c cycle) dependencies() string {
	apart, unseen := true, 0
	for i, s := range c {
		if s.kind == rw {
			unseen++
			apart = apart && c[(i+1)%len(c)].kind != rw
		}
	}
	switch {
	case unseen == 0 && !c.has(wr):
		return "G0"
	case unseen == 0:
		return "G1c"
	case unseen == 1:
		return "G-single"
	case apart:
		return "G-nonadjacent"
	}
	return "G2-item"
}

// alias is what the anomaly's smallest forms are called by people.
func (c cycle) alias() string {
	kinds := ""
	for _, s := range c {
		kinds += s.kind.String() + " "
	}
	kinds += kinds // so that every turn of it is found as a part
	same := len(c) == 2 && c[0].key == c[1].key
	switch name := c.name(); {
	case len(c) == 2 && name == "G-single" && same && strings.Contains(kinds, "rw ww"):
		return "lost update"
	case name == "G-single":
		return "read skew"
	case len(c) == 2 && name == "G-single-realtime":
		return "stale read"
	case len(c) == 2 && name == "G2-item":
		return "write skew"
	case len(c) == 4 && strings.Contains(kinds, "wr rw wr rw"):
		return "long fork"
	case name == "G0":
		return "write cycle"
	case name == "G1c":
		return "circular information flow"
	}
	return ""
}

// explained is a cycle that is written out only when it is printed.
type explained struct {
	cycle
	x *observations
}

// String is all of it.
func (e explained) String() string { return e.explain(e.x) }

// explain says who is in the cycle, what each of them did, and why each comes before the
// next.
func (c cycle) explain(x *observations) string {
	var b strings.Builder
	if alias := c.alias(); alias != "" {
		fmt.Fprintf(&b, "%s; ", alias)
	}
	fmt.Fprintf(&b, "a cycle of %d transactions", len(c))
	for i, s := range c {
		fmt.Fprintf(&b, "\n  T%-3d %s\n       %s", i+1, x.txns[s.from].Format(), x.txns[s.from].FormatOps())
	}
	for i, s := range c {
		n := (i+1)%len(c) + 1
		fmt.Fprintf(&b, "\n  T%d -%s-> T%d  %s", i+1, s.kind, n, s.why(x, i+1, n))
	}
	return b.String()
}

// why says what the step's edge was inferred from.
func (s step) why(x *observations, from, to int) string {
	if s.kind == rt {
		return fmt.Sprintf("T%d had ended (at %s) before T%d began (at %s)", from, x.txns[s.from].End, to, x.txns[s.to].Begin)
	}
	ls := &x.lists[s.key]
	k := mvcc.FormatKey(ls.key)
	if s.version < 0 {
		value := ls.appends[s.op].value
		if s.kind == ww {
			return fmt.Sprintf("T%d appended to %s, and nobody read T%d's %d there, which so came later", from, k, to, value)
		}
		return fmt.Sprintf("T%d read %s without %d, which T%d appended and nobody read", from, k, value, to)
	}
	w := ls.versions[s.version]
	switch s.kind {
	case ww:
		return fmt.Sprintf("T%d appended %d to %s, and T%d appended %d right after it", from,
			ls.versions[s.version-1].value, k, to, w.value)
	case wr:
		return fmt.Sprintf("T%d appended %d to %s, and T%d read it as the last", from, w.value, k, to)
	}
	return fmt.Sprintf("T%d read %s without %d, which T%d appended next", from, k, w.value, to)
}

// people are transactions that are written out, below an anomaly that is no cycle, only when
// they are printed.
type people struct {
	x    *observations
	txns []int32
}

func (x *observations) people(txns ...int32) people { return people{x, txns} }

// String is a line for who each is, and one for what each did.
func (p people) String() string {
	var b strings.Builder
	for i, t := range p.txns {
		if i > 0 && t == p.txns[0] {
			continue
		}
		fmt.Fprintf(&b, "\n  T%-3d %s\n       %s", i+1, p.x.txns[t].Format(), p.x.txns[t].FormatOps())
	}
	return b.String()
}
