package virtual

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"
)

// run is one statement under way.
type run struct {
	statement string
	base      int // where its first token begins
	tokens    []token
	ctx       context.Context
	cancel    context.CancelFunc
	unwatch   func()
	stmt      driver.Stmt

	// What the authorizer saw while SQLite read it.
	begins   bool // BEGIN, or SAVEPOINT
	usesKV   bool
	views    bool // through a view, whose text is not in the statement's
	usesOurs bool // a table of the session's
	fillsOwn bool // rows of the user's own tables change
	writes   map[*Table]bool
	refused  error
	collated bool

	whole     bool // rows are told apart by all that they hold
	kept      map[int64][]any
	keptBytes int
	err       error // the first one that came from Go: a table's, a commit's
	committed uint64
	changes   int64
}

// fail keeps the first error.
func (r *run) fail(err error) error {
	if r.err == nil {
		r.err = err
	}
	return err
}

// Query runs one statement. Its rows must be closed before the next one; they close by
// themselves at their end.
func (s *Session) Query(ctx context.Context, statement string) (*Rows, error) {
	if s.conn == nil {
		return nil, ErrClosed
	}
	if s.rows != nil {
		return nil, errors.New("the rows of the last statement are still open: close them first")
	}
	ts, err := one(statement)
	if err != nil || len(ts) == 0 {
		return &Rows{}, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := &run{statement: statement, tokens: ts, base: ts[0].offset, writes: map[*Table]bool{}, collated: collates(ts)}
	r.ctx, r.cancel = context.WithCancel(WithStatement(ctx, &Statement{AsOf: s.asOf}))
	r.unwatch = s.handle.watch(r.ctx)
	s.run = r
	st, some, err := s.begin(r)
	if err != nil || len(st.columns) == 0 {
		if err := s.finish(err); err != nil {
			return nil, err
		}
		return &Rows{committed: r.committed, changes: r.changes}, nil
	}
	out := &Rows{session: s, run: r, steps: st, first: some, columns: st.columns, row: make([]any, len(st.columns))}
	if s.rows = out; some {
		return out, nil
	}
	if out.end(nil); out.err != nil {
		return nil, out.err
	}
	return out, nil
}

// begin prepares the statement, opens the transaction that it needs and takes the first step.
func (s *Session) begin(r *run) (*steps, bool, error) {
	last := r.tokens[len(r.tokens)-1]
	text := r.statement[r.base : last.offset+len(last.text)]
	stmt, err := s.conn.PrepareContext(r.ctx, text)
	if err != nil {
		return nil, false, s.misread(err)
	}
	r.stmt = stmt
	if s.grown && r.usesOurs {
		s.grown = s.execute(r.ctx, "ANALYZE") != nil
	}
	explains := r.tokens[0].is("EXPLAIN")
	if r.whole, err = s.needsWhole(r, text, explains); err != nil {
		return nil, false, err
	}
	begins := r.begins && !explains && !s.handle.inTransaction()
	if begins && s.config.Begin == nil {
		return nil, false, &RefusedError{"this session only looks: it has no transactions"}
	}
	if (begins || r.usesKV && !explains) && s.tx == nil {
		if err := s.open(r, begins); err != nil {
			return nil, false, err
		}
	}
	if s.tx != nil {
		StatementOf(r.ctx).AsOf = s.tx.ReadTimestamp()
	}
	st, err := s.handle.steps(stmt)
	if err != nil {
		return nil, false, err
	}
	some, err := st.next()
	if err == nil && begins {
		err = s.enlist(r.ctx)
	}
	if err != nil && begins && s.tx != nil {
		s.tx.explicit = false // it ends with the statement, and SQLite's with it
	}
	return st, some, err
}

// finish ends the statement, with the error that its steps gave.
func (s *Session) finish(err error) error {
	r := s.run
	if r.stmt != nil {
		// Where rows were left, this ends the statement, and may commit it (RETURNING).
		if closing := r.stmt.Close(); err == nil {
			err = closing
		}
	}
	if r.changesRows() {
		r.changes = s.handle.changes()
	}
	err = s.verdict(r, err)
	s.rows = nil
	s.settle(r)
	s.run = nil
	s.grown = s.grown || r.fillsOwn
	if err == nil && r.collated && (r.tokens[0].is("CREATE") || r.tokens[0].is("ALTER")) {
		s.collations = true
	}
	r.unwatch()
	r.cancel()
	return err
}

// changesRows says whether SQLite has counted changes of this statement, not of one before.
func (r *run) changesRows() bool {
	return has(r.tokens[:1], "INSERT", "REPLACE", "UPDATE", "DELETE", "WITH") && (len(r.writes) > 0 || r.fillsOwn)
}

// verdict is the statement's error as the caller is to see it: what a table or the commit
// said, with its type, before what SQLite made of it. A commit that went through is no error.
func (s *Session) verdict(r *run, err error) error {
	if r.err == nil && (err == nil || r.committed != 0) {
		return nil
	}
	ended := r.ctx.Err()
	switch {
	case r.refused != nil:
		return r.refused
	case r.err != nil && ended != nil && !errors.Is(r.err, ended):
		return fmt.Errorf("%w: %w", ended, r.err)
	case r.err != nil:
		return r.err
	case ended != nil:
		return ended
	}
	var e *sqlite.Error
	if errors.As(err, &e) {
		return &Error{e.Code(), s.handle.reason(e)}
	}
	return err
}

// misread is the error of a statement that SQLite could not prepare, with its place.
func (s *Session) misread(err error) error {
	r := s.run
	offset := s.handle.errorOffset()
	var e *sqlite.Error
	if r.refused != nil || r.err != nil || r.ctx.Err() != nil || !errors.As(err, &e) {
		return err
	}
	what := s.handle.reason(e)
	if at := place(r.statement[r.base:], what, offset); at >= 0 {
		return r.fail(&SyntaxError{r.statement, r.base + at, what})
	}
	return err
}

// needsWhole says whether SQLite will ask for the identity of rows: then Scan is asked for all
// columns, since a row has no other identity.
func (s *Session) needsWhole(r *run, text string, explains bool) (bool, error) {
	if has(r.tokens, "rowid", "oid", "_rowid_") || len(r.writes) > 0 {
		return true, nil
	}
	if explains || !r.usesOurs || !r.views && !has(r.tokens, "OR", "RIGHT", "FULL") {
		return false, nil
	}
	s.internal = true
	defer func() { s.internal = false }()
	rows, err := s.conn.QueryContext(r.ctx, "EXPLAIN QUERY PLAN "+text, nil)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	for line := make([]driver.Value, len(rows.Columns())); rows.Next(line) == nil; {
		what, _ := line[len(line)-1].(string)
		if strings.Contains(what, "MULTI-INDEX OR") || strings.Contains(what, "RIGHT-JOIN") {
			return true, nil
		}
	}
	return false, nil
}

// collates says whether the statement names a collation.
func collates(ts []token) bool {
	for i, t := range ts {
		if t.is("COLLATE") && !(i+1 < len(ts) && ts[i+1].is("BINARY")) {
			return true
		}
	}
	return false
}

// What a statement that changes rows may have to remember of them.
const (
	keptRowsMax  = 1 << 20
	keptBytesMax = 64 << 20
)

// remember keeps a row that the statement may change.
func (r *run) remember(t *Table, id int64, row []any) error {
	if k, ok := t.Writer.(interface{ Keep(row []any) []any }); ok {
		row = k.Keep(row)
	}
	kept := make([]any, len(row))
	for i, v := range row {
		kept[i] = keep(v)
		r.keptBytes += 16 + size(v)
	}
	if len(r.kept) >= keptRowsMax || r.keptBytes > keptBytesMax {
		return r.fail(&RefusedError{fmt.Sprintf("the statement changes too many rows of %s at once; narrow its WHERE", t.Name)})
	}
	if r.kept == nil {
		r.kept = map[int64][]any{}
	}
	if old, ok := r.kept[id]; ok && !same(old, kept) {
		return r.fail(fmt.Errorf("%s: two rows have the same identity; change them one by one", t.Name))
	}
	r.kept[id] = kept
	return nil
}

func size(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case []byte:
		return len(v)
	}
	return 0
}

func same(a, b []any) bool {
	for i := range a {
		if d, comparable := compare(a[i], b[i]); a[i] != nil && (!comparable || d != 0) {
			return false
		}
	}
	return true
}
