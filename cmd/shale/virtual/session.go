package virtual

import (
	"context"
	"errors"
)

// Config says what a session shows.
type Config struct {
	Tables    []*Table
	Functions []*Function
	// Begin opens a distributed transaction; nil: this session only looks, and has no kv.
	// Where StatementOf(ctx).AsOf is not zero, the transaction is to read at that timestamp.
	Begin func(ctx context.Context) (Transaction, error)
}

// Session runs statements, one at a time. It belongs to one goroutine.
type Session struct {
	config Config
	write  bool
	asOf   uint64
}

// Open makes a session of its own: what it registers no other session sees.
func Open(cfg Config) (*Session, error) { return &Session{config: cfg}, nil }

// Close rolls an open transaction back.
func (s *Session) Close() error { return nil }

// Query runs one statement. Its rows must be closed before the next one.
func (s *Session) Query(ctx context.Context, statement string) (*Rows, error) {
	return nil, errors.New("not yet")
}

// SetWrite allows the session to change keys.
func (s *Session) SetWrite(on bool) { s.write = on }

// Write says whether it may.
func (s *Session) Write() bool { return s.write }

// SetAsOf sets the timestamp that statements outside of a transaction see; zero: the newest.
func (s *Session) SetAsOf(ts uint64) { s.asOf = ts }

// AsOf is that timestamp.
func (s *Session) AsOf() uint64 { return s.asOf }

// Transaction is the one that BEGIN opened; nil: none is open.
func (s *Session) Transaction() Transaction { return nil }

// Do runs f in the open transaction, else in one of its own that is committed at the end.
func (s *Session) Do(ctx context.Context, write bool, f func(Transaction) error) (committed uint64, err error) {
	return 0, errors.New("not yet")
}

// Tables are the session's own, kv among them.
func (s *Session) Tables() []*Table { return s.config.Tables }

// Functions are the scalar ones that the session adds to SQLite's.
func (s *Session) Functions() []*Function { return s.config.Functions }

// Rows are the rows of one statement, as they come.
type Rows struct{}

// Columns are the names of the columns; none: the statement has no rows.
func (r *Rows) Columns() []string { return nil }

// Next steps to the next row. After false, Err says whether that was the end.
func (r *Rows) Next() bool { return false }

// Row is the row: nil, int64, float64, string or []byte. It is valid until Next.
func (r *Rows) Row() []any { return nil }

// Err is the statement's error.
func (r *Rows) Err() error { return nil }

// Close ends the statement.
func (r *Rows) Close() error { return nil }

// Committed is the timestamp at which the statement committed its changes; zero: it did not.
func (r *Rows) Committed() uint64 { return 0 }
