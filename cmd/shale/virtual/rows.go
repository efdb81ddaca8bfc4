package virtual

// Rows are the rows of one statement, as they come.
type Rows struct {
	session   *Session
	run       *run
	steps     *steps
	first     bool // the step to the first row was taken by Query
	columns   []string
	row       []any
	err       error
	committed uint64
	changes   int64
}

// Columns are the names of the columns; none: the statement has no rows.
func (r *Rows) Columns() []string { return r.columns }

// Next steps to the next row. After false, Err says whether that was the end.
func (r *Rows) Next() bool {
	if r.steps == nil {
		return false
	}
	some, err := r.first, r.run.ctx.Err()
	if r.first = false; err == nil && !some {
		some, err = r.steps.next()
	}
	if err != nil || !some {
		r.end(err)
		return false
	}
	r.steps.read(r.row)
	return true
}

// Row is the row: nil, int64, float64, string or []byte. It is valid until Next.
func (r *Rows) Row() []any { return r.row }

// Err is the statement's error.
func (r *Rows) Err() error { return r.err }

// Close ends the statement. Its error is one that Err did not have: a commit's, at the end.
func (r *Rows) Close() error {
	if r.steps == nil {
		return nil
	}
	r.end(nil)
	return r.err
}

// Committed is the timestamp at which the statement committed changes; zero: it did not.
func (r *Rows) Committed() uint64 { return r.committed }

// Changes is how many rows a statement inserted, updated or deleted.
func (r *Rows) Changes() int64 { return r.changes }

func (r *Rows) end(err error) {
	r.steps = nil
	r.err = r.session.finish(err)
	r.committed, r.changes = r.run.committed, r.run.changes
}
