package virtual

import (
	"context"
	"iter"
)

// Transaction is one distributed transaction, as the session uses it: what BEGIN opened, or one
// that lives for a single statement.
type Transaction interface {
	// ReadTimestamp is what it sees, its own writes aside.
	ReadTimestamp() uint64
	Get(ctx context.Context, key string) (value []byte, found bool, err error)
	// Scan yields the entries of [start, end) in order, own writes included; an empty end is
	// past the last key.
	Scan(ctx context.Context, start, end string) iter.Seq2[Entry, error]
	// Put, Insert and Delete are buffered until Commit. Insert fails at Commit where the key
	// exists.
	Put(ctx context.Context, key string, value []byte) error
	Insert(ctx context.Context, key string, value []byte) error
	Delete(ctx context.Context, key string) error
	Savepoint(name string) error
	RollbackTo(name string) error
	// Commit answers the commit timestamp.
	Commit(ctx context.Context) (uint64, error)
	Rollback(ctx context.Context) error
}

// Entry is one key and what it holds.
type Entry struct {
	Key      string
	Value    []byte
	CommitTS uint64 // zero: an own write, not committed yet
}
