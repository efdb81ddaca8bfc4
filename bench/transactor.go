package bench

import (
	"context"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// Kind is what a transaction is asked to be. The zero value is optimistic, read-write, under
// snapshot isolation.
type Kind struct {
	Pessimistic  bool
	Serializable bool
	ReadOnly     bool
	MaxStaleness time.Duration // positive: a past so old is good enough
}

// Transactor is a Store with transactions of every kind, and with operations on single keys
// that it does itself.
type Transactor interface {
	Store
	Begin(ctx context.Context, k Kind) (Txn, error)
	// UpdateAs is Update in transactions of a kind. Where it is pessimistic, each Get locks.
	UpdateAs(ctx context.Context, k Kind, f func(ctx context.Context, tx Tx) error) error
	// Add adds to the number that a key holds, nothing counting as 0.
	Add(ctx context.Context, k mvcc.Key, delta int64) error
	// Swap puts a value where the key holds another one; otherwise *mvcc.CheckFailedError.
	Swap(ctx context.Context, k mvcc.Key, old, value []byte) error
}

// Txn is a transaction that its user begins and ends: used by one goroutine.
type Txn interface {
	Tx
	Undoing
	GetForUpdate(ctx context.Context, keys ...mvcc.Key) ([][]byte, error)
	// Append has the store append to what the key holds at the commit.
	Append(k mvcc.Key, value []byte) error
	// Commit may be called again where its outcome is open.
	Commit(ctx context.Context) error
	// Rollback: committed says that the transaction was committed before.
	Rollback(ctx context.Context) (committed bool, err error)
	Stamps() Stamps
}

// Undoing transactions can take back what they wrote since a savepoint.
type Undoing interface {
	Savepoint(name string) error
	RollbackTo(name string) error
}

// Stamps are a transaction's timestamps; Commit is zero before it is committed.
type Stamps struct{ ID, Read, Commit timestamp.Timestamp }

// transactor is the store, if it can do what the workload needs.
func transactor(s Store, workload string) (Transactor, error) {
	t, ok := s.(Transactor)
	if !ok {
		return nil, &mvcc.InvalidError{Reason: "STORE", What: workload + " needs transactions that this store does not have",
			Hint: "run it on shale"}
	}
	return t, nil
}
