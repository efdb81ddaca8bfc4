package virtual

import (
	"database/sql/driver"
	"errors"
	"io"
	"time"
)

// Rows are the rows of one statement, as they come.
type Rows struct {
	session   *Session
	run       *run
	rows      driver.Rows
	columns   []string
	raw       []driver.Value
	row       []any
	err       error
	committed uint64
	changes   int64
}

func newRows(s *Session, r *run, rows driver.Rows) *Rows {
	columns := rows.Columns()
	return &Rows{session: s, run: r, rows: rows, columns: columns,
		raw: make([]driver.Value, len(columns)), row: make([]any, len(columns))}
}

// Columns are the names of the columns; none: the statement has no rows.
func (r *Rows) Columns() []string { return r.columns }

// Next steps to the next row. After false, Err says whether that was the end.
func (r *Rows) Next() bool {
	if r.rows == nil {
		return false
	}
	err := r.run.ctx.Err()
	if err == nil {
		err = r.rows.Next(r.raw)
	}
	if err != nil {
		r.end(err)
		return false
	}
	for i, v := range r.raw {
		switch v := v.(type) {
		case []byte:
			if v == nil { // the driver's empty BLOB
				v = []byte{}
			}
			r.row[i] = v
		case time.Time: // the driver's reading of a column that the user called DATETIME
			r.row[i] = v.Format("2006-01-02 15:04:05.999")
		default:
			r.row[i] = v
		}
	}
	return true
}

// Row is the row: nil, int64, float64, string or []byte. It is valid until Next.
func (r *Rows) Row() []any { return r.row }

// Err is the statement's error.
func (r *Rows) Err() error { return r.err }

// Close ends the statement. Its error is one that Err did not have: a commit's, at the end.
func (r *Rows) Close() error {
	if r.rows == nil {
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
	if errors.Is(err, io.EOF) {
		err = nil
	}
	rows := r.rows
	r.rows = nil
	r.err = r.session.finish(rows, err)
	r.committed, r.changes = r.run.committed, r.run.changes
}
