package virtual

import (
	"strings"

	"modernc.org/sqlite/vtab"
)

// A plan is the text that BestIndex hands to Filter: what each argument is, in order, with
// blanks between: "key= commit_ts>= #limit". EXPLAIN QUERY PLAN shows it.
const (
	planLimit  = "#limit"
	planOffset = "#offset"
)

// The costs are in rows: what a scan costs to begin (a round trip to every shard), and how
// much of a table a comparison leaves. Only their order matters: a join must look the table
// up that has the equality, inside, and scan the other.
const (
	costScan    = 100
	costRefused = 1e30 // arguments are missing: any other plan is better
	rowsUnknown = 1e6
	leftByEqual = 1e-3
	leftByRange = 0.3
)

// BestIndex chooses which comparisons go down to Scan: all that the columns declare.
func (a *adapter) BestIndex(info *vtab.IndexInfo) error {
	p := planning{adapter: a, info: info, rows: float64(a.Rows)}
	if a.Rows <= 0 {
		p.rows = rowsUnknown
		if a.Function() {
			p.rows = 1000
		}
	}
	for i := range info.Constraints {
		p.take(i, &info.Constraints[i])
	}
	info.OrderByConsumed = p.ordered()
	p.takeLimit()
	info.IdxStr = strings.Join(p.plan, " ")
	info.IdxNum = usedBits(info.ColUsed, len(a.Columns))
	p.rows = max(p.rows, 1)
	info.EstimatedRows, info.EstimatedCost = int64(p.rows), costScan+p.rows
	if p.missing() {
		info.EstimatedCost = costRefused
	}
	return nil
}

// planning is one BestIndex under way.
type planning struct {
	*adapter
	info  *vtab.IndexInfo
	plan  []string
	rows  float64
	equal uint64 // columns bound by =, as far as 64 go
	loose bool   // SQLite filters some of the rows that Scan yields
}

// sign is the comparison as a plan spells it; empty: it stays with SQLite.
func sign(op vtab.ConstraintOp) string {
	switch op {
	case vtab.OpEQ:
		return "="
	case vtab.OpLT:
		return "<"
	case vtab.OpLE:
		return "<="
	case vtab.OpGT:
		return ">"
	case vtab.OpGE:
		return ">="
	}
	return ""
}

// omitsMax is how many of a table's comparisons SQLite lets a table check alone. Of later ones
// it would find no BLOB equal to TEXT.
const (
	omitsMax    = 16
	planChecked = "!" // after a comparison that SQLite checks, though the column says Omit
)

func (p *planning) take(i int, c *vtab.Constraint) {
	if c.Op == vtab.OpLIMIT || c.Op == vtab.OpOFFSET {
		return
	}
	op := sign(c.Op)
	if !c.Usable || op == "" || c.Column < 0 || c.Column >= len(p.Columns) {
		p.loose = true
		return
	}
	col := p.Columns[c.Column]
	if !(col.Hidden && op == "=" || col.Equal && op == "=" || col.Range) {
		p.loose = true
		return
	}
	c.Omit = col.Hidden || col.Omit && i < omitsMax
	what := col.Name + op
	if col.Omit && !c.Omit {
		what += planChecked
	}
	p.add(c, what)
	p.loose = p.loose || !c.Omit
	switch {
	case op != "=":
		p.rows *= leftByRange
	case !col.Hidden:
		p.rows *= leftByEqual
	}
	// Of text, = may mean several values (a collation, '05' = 5): it does not fix the order.
	if op == "=" && c.Column < 64 && (c.Omit || affinityOf(col.Type) == affinityInteger) {
		p.equal |= 1 << c.Column
	}
}

func (p *planning) add(c *vtab.Constraint, what string) {
	c.ArgIndex = len(p.plan)
	p.plan = append(p.plan, what)
}

// takeLimit hands LIMIT down where every row that Scan yields is a row of the result, in the
// order of the result.
func (p *planning) takeLimit() {
	if p.loose || len(p.info.OrderBy) > 0 && !p.info.OrderByConsumed {
		return
	}
	for i := range p.info.Constraints {
		c := &p.info.Constraints[i]
		if c.Op != vtab.OpLIMIT && c.Op != vtab.OpOFFSET {
			continue
		}
		if !c.Usable {
			return
		}
	}
	for i := range p.info.Constraints {
		switch c := &p.info.Constraints[i]; c.Op {
		case vtab.OpLIMIT:
			p.add(c, planLimit)
		case vtab.OpOFFSET: // SQLite skips the rows itself
			p.add(c, planOffset)
		}
	}
}

// ordered says whether Scan yields rows in the order that is asked for. A column that has one
// value only orders nothing.
func (p *planning) ordered() bool {
	rest := p.Ordered
	for _, o := range p.info.OrderBy {
		if o.Column < 0 || o.Column >= len(p.Columns) {
			return false
		}
		if o.Column < 64 && p.equal&(1<<o.Column) != 0 {
			continue
		}
		for len(rest) > 0 && rest[0] != p.Columns[o.Column].Name && p.isEqual(rest[0]) {
			rest = rest[1:]
		}
		if o.Desc || len(rest) == 0 || rest[0] != p.Columns[o.Column].Name {
			return false
		}
		rest = rest[1:]
	}
	return len(p.info.OrderBy) > 0
}

func (p *planning) isEqual(column string) bool {
	i := p.columns[column]
	return i < 64 && p.equal&(1<<i) != 0
}

// missing says whether the plan leaves a required argument out. Another plan may have it: in a
// join it is there once the table that it comes from is outside.
func (p *planning) missing() bool {
	for i, c := range p.Columns {
		if c.Hidden && !c.Optional && (i >= 64 || p.equal&(1<<i) == 0) {
			return true
		}
	}
	return false
}

// usedBits fits SQLite's mask into a plan's number; -1: all columns.
func usedBits(mask uint64, columns int) int64 {
	if columns > 30 {
		return -1
	}
	return int64(mask & (1<<columns - 1))
}

// usedColumns is the mask as Scan sees it.
func (a *adapter) usedColumns(bits int) map[string]bool {
	if bits < 0 {
		return nil
	}
	if m, ok := a.used[bits]; ok {
		return m
	}
	m := map[string]bool{}
	for i, c := range a.Columns {
		if bits&(1<<i) != 0 {
			m[c.Name] = true
		}
	}
	if len(a.used) >= 256 {
		clear(a.used)
	}
	a.used[bits] = m
	return m
}
