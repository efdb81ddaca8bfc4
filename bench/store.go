package bench

import (
	"context"
	"iter"

	"github.com/shaledb/shale/mvcc"
)

// Entry is one key and its value.
type Entry struct {
	Key   mvcc.Key
	Value []byte
}

// Store is what workloads run on. All methods may be called from many goroutines at once.
// Values given and returned are never changed by either side.
//
// An error that leaves the outcome of a write open has an *mvcc.UndeterminedError in it.
type Store interface {
	// Get is the newest value of one key; nil and false where there is none.
	Get(ctx context.Context, k mvcc.Key) (value []byte, found bool, err error)
	// Put writes one key without looking.
	Put(ctx context.Context, k mvcc.Key, value []byte) error
	// Scan yields the entries of [start, end) in order, all of one moment; limit 0: all.
	// The first error ends it.
	Scan(ctx context.Context, start, end mvcc.Key, limit int) iter.Seq2[Entry, error]
	// Update runs f in one transaction and commits it. It runs f again after a definite
	// abort, and only then.
	Update(ctx context.Context, f func(ctx context.Context, tx Tx) error) error
}

// Tx is one transaction, used by one goroutine.
type Tx interface {
	// Get is the values of the keys, in order; nil for an absent one.
	Get(ctx context.Context, keys ...mvcc.Key) ([][]byte, error)
	Put(k mvcc.Key, value []byte) error
}
