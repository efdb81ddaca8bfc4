package txn

import (
	"context"
	"errors"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// Txn is a transaction: it reads the state at its read timestamp and its own writes, and
// buffers what it writes until Commit. It is used by one goroutine at a time.
type Txn struct {
	c        *Coordinator
	start    timestamp.Timestamp
	readOnly bool
	buffer   buffer
	commitTS timestamp.Timestamp
	ended    error // why it takes no more calls; nil: it is open
	sent     bool  // Commit was called: its content stands
}

// Errors of a transaction that is over.
var (
	ErrEnded     = errors.New("the transaction has ended; begin another one")
	ErrCommitted = errors.New("the transaction is committed already")
	ErrReadOnly  = errors.New("the transaction is read-only")
)

// TxnOption changes a transaction from its default: read-write, snapshot isolation.
type TxnOption func(*Txn)

// ReadOnly refuses writes.
func ReadOnly() TxnOption { return func(tx *Txn) { tx.readOnly = true } }

// Begin starts a transaction at a fresh timestamp: it sees every commit that was acknowledged
// before Begin was called. Nothing needs to be done to end it but Commit; one that is dropped
// leaves nothing behind.
func (db *DB) Begin(ctx context.Context, options ...TxnOption) (*Txn, error) {
	start, err := db.c.Now(ctx)
	if err != nil {
		return nil, err
	}
	tx := &Txn{c: db.c, start: start}
	for _, o := range options {
		o(tx)
	}
	return tx, nil
}

// ID names the transaction for ever.
func (tx *Txn) ID() timestamp.Timestamp { return tx.start }

// ReadTS is the timestamp that it reads at.
func (tx *Txn) ReadTS() timestamp.Timestamp { return tx.start }

// CommitTS is when its writes became visible, the read timestamp where there were none; zero
// before it is committed.
func (tx *Txn) CommitTS() timestamp.Timestamp { return tx.commitTS }

// Get is the value of a key; nil where there is none. An empty value is not nil.
func (tx *Txn) Get(ctx context.Context, k mvcc.Key) ([]byte, error) {
	entries, err := tx.MultiGet(ctx, k)
	if err != nil {
		return nil, err
	}
	return entries[0].Value, nil
}

// MultiGet reads keys, all at once: one entry for each, in order.
func (tx *Txn) MultiGet(ctx context.Context, keys ...mvcc.Key) ([]Entry, error) {
	if tx.ended != nil {
		return nil, tx.ended
	}
	out := make([]Entry, len(keys))
	var ask []mvcc.Key
	var at []int
	for i, k := range keys {
		if err := mvcc.ValidateKey(k); err != nil {
			return nil, err
		}
		if own, ok := tx.buffer.get(k); ok {
			out[i] = own
			continue
		}
		ask, at = append(ask, k), append(at, i)
	}
	if len(ask) == 0 {
		return out, nil
	}
	_, versions, err := tx.c.Get(ctx, Read{TS: tx.start, Own: tx.start}, ask)
	if err != nil {
		return nil, err
	}
	for j, i := range at {
		out[i] = entryOf(keys[i], &versions[j])
	}
	return out, nil
}

// Put writes a key. The value belongs to the transaction from now on.
func (tx *Txn) Put(k mvcc.Key, value []byte) error {
	return tx.write(mvcc.Mutation{Op: mvcc.MutationPut, Key: k, Value: value})
}

// Insert writes a key that must not exist: at once, or at Commit, an *mvcc.AlreadyExistsError.
func (tx *Txn) Insert(k mvcc.Key, value []byte) error {
	return tx.write(mvcc.Mutation{Op: mvcc.MutationInsert, Key: k, Value: value})
}

// Delete deletes a key, whether it is there or not.
func (tx *Txn) Delete(k mvcc.Key) error {
	return tx.write(mvcc.Mutation{Op: mvcc.MutationDelete, Key: k})
}

// Check has Commit look at the key's newest version: MutationCheckExists, MutationCheckAbsent
// or MutationCheckValue. Where it does not hold, Commit ends in an *mvcc.CheckFailedError.
func (tx *Txn) Check(op mvcc.MutationOp, k mvcc.Key, value []byte) error {
	if !op.Check() {
		return &mvcc.InvalidError{Reason: mvcc.ReasonOpUnknown, Key: k, What: op.String() + " is no check",
			Hint: "use Put, Insert or Delete to write"}
	}
	return tx.write(mvcc.Mutation{Op: op, Key: k, Value: value})
}

func (tx *Txn) write(m mvcc.Mutation) error {
	switch {
	case tx.ended != nil:
		return tx.ended
	case tx.sent:
		return ErrEnded
	case tx.readOnly:
		return ErrReadOnly
	}
	return tx.buffer.add(m)
}

// Commit makes the writes visible, all at once. It may be called again after an error that
// leaves the outcome open (*mvcc.UndeterminedError, *routing.UnavailableError, ctx's), and
// then tells it. See Coordinator.Commit for the errors.
func (tx *Txn) Commit(ctx context.Context) error {
	if tx.commitTS != 0 {
		return nil
	}
	if tx.ended != nil {
		return tx.ended
	}
	tx.sent = true
	commitTS, err := tx.c.Commit(ctx, tx.start, mvcc.Content{Mutations: tx.buffer.mutations()})
	if err == nil {
		tx.commitTS, tx.ended = commitTS, ErrEnded
	} else if refusal(err) && ctx.Err() == nil && !isUndetermined(err) {
		tx.ended = err
	}
	return err
}

func isUndetermined(err error) bool {
	var undetermined *mvcc.UndeterminedError
	return errors.As(err, &undetermined)
}

// Rollback gives the transaction up. One whose Commit was sent is rolled back where it is not
// committed; ErrCommitted says that it is.
func (tx *Txn) Rollback(ctx context.Context) error {
	if tx.commitTS != 0 {
		return ErrCommitted
	}
	if tx.ended != nil {
		return nil
	}
	if !tx.sent || tx.buffer.empty() {
		tx.ended = ErrEnded
		return nil
	}
	status, err := tx.c.Rollback(ctx, tx.start, tx.buffer.primary)
	if err != nil {
		return err
	}
	tx.ended = ErrEnded
	if status.Decision == mvcc.Committed {
		tx.commitTS = status.CommitTS
		return ErrCommitted
	}
	return nil
}
