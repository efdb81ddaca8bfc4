package virtual

import (
	"fmt"
	"hash/maphash"
	"iter"
	"runtime/debug"
	"strings"

	"modernc.org/sqlite/vtab"
)

// cursor pulls the rows of one Scan after the other: in a join, one per row outside.
type cursor struct {
	*adapter
	query *Query
	pull  func() ([]any, error, bool)
	stop  func()
	row   []any
	eof   bool
}

// Filter begins a scan.
func (c *cursor) Filter(bits int, plan string, vals []vtab.Value) (err error) {
	defer c.session.recovered(c.Name, &err)
	if err := c.end(); err != nil {
		return err
	}
	run := c.session.run
	if run == nil {
		return fmt.Errorf("no statement is under way")
	}
	q, some, err := c.ask(plan, vals)
	if err != nil {
		return run.fail(err)
	}
	if c.query = q; !some {
		return nil
	}
	if !run.whole && !run.writes[c.Table] {
		q.Used = c.usedColumns(bits)
	}
	c.pull, c.stop = iter.Pull2(c.Scan(run.ctx, q))
	c.eof = false
	return c.step()
}

// ask turns a plan and its arguments into a query; false: it has no rows.
func (c *cursor) ask(plan string, vals []vtab.Value) (*Query, bool, error) {
	q := &Query{Equals: map[string]any{}, Lows: map[string]Bound{}, Highs: map[string]Bound{}}
	some, i := true, 0
	var limit, offset int64 = -1, 0
	for what := range strings.FieldsSeq(plan) {
		if i >= len(vals) {
			return nil, false, fmt.Errorf("%s: SQLite gave %d values for the plan %q", c.Name, len(vals), plan)
		}
		v := keep(vals[i])
		i++
		switch what {
		case planLimit:
			limit, _ = v.(int64)
			continue
		case planOffset:
			offset, _ = v.(int64)
			continue
		}
		what, checked := strings.CutSuffix(what, planChecked)
		column := strings.TrimRight(what, "<>=")
		col := c.Columns[c.columns[column]]
		if _, isBlob := v.([]byte); isBlob && checked {
			return nil, false, &RefusedError{fmt.Sprintf("%s: %s = a BLOB must be among the first %d comparisons", c.Name, column, omitsMax)}
		}
		some = q.narrow(col, what[len(column):], v, c.session.collated()) && some
	}
	if limit >= 0 && limit+max(offset, 0) > 0 {
		q.Limit = limit + max(offset, 0)
	}
	for _, col := range c.Columns {
		if _, ok := q.Equals[col.Name]; col.Hidden && !col.Optional && !ok {
			return nil, false, fmt.Errorf("%s: the argument %s is missing", c.signature(), col.Name)
		}
	}
	return q, some, nil
}

// keep copies what is SQLite's memory.
func keep(v any) any {
	switch v := v.(type) {
	case string:
		return strings.Clone(v)
	case []byte:
		return append([]byte{}, v...)
	}
	return v
}

// Next steps to the next row.
func (c *cursor) Next() (err error) {
	defer c.session.recovered(c.Name, &err)
	return c.step()
}

func (c *cursor) step() error {
	row, err, ok := c.pull()
	if !ok {
		c.eof, c.row = true, nil
		return nil
	}
	if err != nil {
		c.eof, c.row = true, nil
		return c.session.fail(err)
	}
	c.row = row
	return nil
}

func (c *cursor) Eof() bool { return c.eof }

// Column is one value of the row. An argument that the row leaves off is as it was given.
func (c *cursor) Column(i int) (vtab.Value, error) {
	if i < len(c.row) {
		switch v := c.row[i].(type) {
		case nil, int64, float64, string, []byte:
			return v, nil
		default:
			return nil, c.session.fail(fmt.Errorf("%s.%s: a %T is no value of SQLite's", c.Name, c.Columns[i].Name, v))
		}
	}
	if c.Columns[i].Hidden {
		return c.query.Equals[c.Columns[i].Name], nil
	}
	return nil, nil
}

// Rowid knows the row by what it holds, so that two scans agree on it (OR, RIGHT JOIN). The
// rows that a statement changes are remembered by it.
func (c *cursor) Rowid() (id int64, err error) {
	defer c.session.recovered(c.Name, &err)
	run := c.session.run
	if id = c.session.hash(c.row); run.writes[c.Table] {
		err = run.remember(c.Table, id, c.row)
	}
	return id, err
}

func (s *Session) hash(row []any) int64 {
	var h maphash.Hash
	h.SetSeed(s.seed)
	for _, v := range row {
		switch v := v.(type) {
		case string:
			maphash.WriteComparable(&h, len(v))
			h.WriteString(v)
		case []byte:
			maphash.WriteComparable(&h, -1-len(v))
			h.Write(v)
		default:
			maphash.WriteComparable(&h, v)
		}
	}
	return int64(h.Sum64() >> 1)
}

// Close ends the scan: its sequence is told to stop.
func (c *cursor) Close() (err error) {
	defer c.session.recovered(c.Name, &err)
	return c.end()
}

func (c *cursor) end() error {
	stop := c.stop
	c.pull, c.stop, c.row, c.eof = nil, nil, nil, true
	if stop != nil {
		stop()
	}
	return nil
}

// PanicError is a panic of a table or a function: the statement's error, not the program's end.
// SQLite's own frames must not be unwound: they hold its locks.
type PanicError struct {
	Where string
	Value any
	Stack []byte
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("%s: this is a bug: %v\n%s", e.Where, e.Value, e.Stack)
}

func (s *Session) recovered(where string, err *error) {
	if v := recover(); v != nil {
		*err = s.fail(&PanicError{where, v, debug.Stack()})
	}
}
