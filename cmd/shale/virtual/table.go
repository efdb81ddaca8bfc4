package virtual

import (
	"context"
	"iter"
	"sync"
)

// Table declares one virtual table or table-valued function. It is constant once a session
// has it.
type Table struct {
	Name    string
	Doc     string // a sentence, for .tables and completion
	Columns []Column
	// Scan yields the rows that fulfil the query, or more: SQLite filters again. No two rows of
	// a scan are equal in every column: where a statement joins two scans of the table (OR,
	// RIGHT JOIN), SQLite knows a row again by what it holds. A row has a
	// value per column in order (nil, int64, float64, string or []byte; hidden ones may be
	// left off its end) and may be used again by Scan after yield returns. Columns that
	// Query.Uses denies may be nil. The sequence ends after an error, and soon after ctx does.
	Scan func(ctx context.Context, q *Query) iter.Seq2[[]any, error]
	// Ordered names the columns by which Scan yields rows in ascending order, if it does.
	Ordered []string
	// Rows is about how many there are: the planner's only hint. Zero: unknown.
	Rows int64
	// Writer makes it writable; nil: it is not.
	Writer Writer
}

// Function says whether t is a table-valued function: it has arguments.
func (t *Table) Function() bool {
	for _, c := range t.Columns {
		if c.Hidden {
			return true
		}
	}
	return false
}

// Column is one of a table's columns.
type Column struct {
	Name string
	Type string // as in CREATE TABLE: INTEGER, TEXT, BLOB …
	Doc  string
	// Hidden columns are the arguments of a table-valued function, in order.
	Hidden bool
	// Optional: the argument may be left out.
	Optional bool
	// Equal and Range: Scan makes use of = (and IN), and of <, <=, > and >=, on the column.
	Equal, Range bool
	// Omit: Scan applies those comparisons itself, to the row, and SQLite is not to check them
	// again. For keys: they are compared as bytes, whether a key or the literal beside it is
	// TEXT or BLOB, which SQLite never finds equal. A comparison with NULL holds for no row
	// and must not reach Scan as an open bound.
	Omit bool
}

// Writer takes the changes of one table. Its session begins, commits and rolls back.
type Writer interface {
	// Insert, Update and Delete name columns by position; rows are those that Scan yielded.
	Insert(ctx context.Context, row []any) error
	Update(ctx context.Context, before, after []any) error
	Delete(ctx context.Context, before []any) error
}

// Bound is one end of a range. A nil Value: open.
type Bound struct {
	Value     any
	Inclusive bool
}

// Query is what a statement wants of a table: the comparisons of columns that said Equal or
// Range, by the column's name.
type Query struct {
	Equals map[string]any
	Lows   map[string]Bound
	Highs  map[string]Bound
	Used   map[string]bool // nil: all
	Limit  int64           // how many rows are enough; zero: no bound is known
}

// Equal is the value that the column must have, where the statement says so.
func (q *Query) Equal(column string) (any, bool) {
	v, ok := q.Equals[column]
	return v, ok
}

// Uses says whether the statement looks at the column.
func (q *Query) Uses(column string) bool { return q.Used == nil || q.Used[column] }

// Statement is what the tables share during one statement: the cut, above all. Scan finds it
// with StatementOf.
type Statement struct {
	// AsOf is the timestamp that the statement is to see: that of .asof, or of the open
	// transaction. Zero: a fresh one, drawn by the first table that needs it.
	AsOf uint64

	mu   sync.Mutex
	once map[any]any
}

// Once asks for a value the first time it is asked for under the key, and then keeps it.
func (s *Statement) Once(key any, value func() (any, error)) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.once[key]; ok {
		return v, nil
	}
	v, err := value()
	if err != nil {
		return nil, err
	}
	if s.once == nil {
		s.once = map[any]any{}
	}
	s.once[key] = v
	return v, nil
}

type statementKey struct{}

// WithStatement begins a statement.
func WithStatement(ctx context.Context, s *Statement) context.Context {
	return context.WithValue(ctx, statementKey{}, s)
}

// StatementOf is the statement under way.
func StatementOf(ctx context.Context) *Statement {
	if s, ok := ctx.Value(statementKey{}).(*Statement); ok {
		return s
	}
	return &Statement{}
}

// Function is a scalar function.
type Function struct {
	Name          string
	Args          int // how many; -1: any number
	Doc           string
	Deterministic bool
	Call          func(ctx context.Context, args []any) (any, error)
}
