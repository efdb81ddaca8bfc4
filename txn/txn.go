package txn

import (
	"context"
	"errors"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// Txn is a transaction: it reads the state at its read timestamp and its own writes, and
// buffers what it writes until Commit. It is used by one goroutine at a time.
type Txn struct {
	c        *Coordinator
	tx       Transaction
	kind     txnKind
	buffer   buffer
	reads    reads       // of a serializable one
	saved    []savepoint // oldest first
	unkeep   func()      // ends the heartbeats of one that holds claims
	commitTS timestamp.Timestamp
	ended    error // why it takes no more calls; nil: it is open
	sent     bool  // Commit was called: its content stands
}

// txnKind is what Begin's options chose.
type txnKind struct {
	readOnly     bool
	serializable bool
	pessimistic  bool
	asOf         timestamp.Timestamp
	maxStaleness time.Duration
}

// Errors of a transaction that is over.
var (
	ErrEnded     = errors.New("the transaction has ended; begin another one")
	ErrCommitted = errors.New("the transaction is committed already")
	ErrReadOnly  = errors.New("the transaction is read-only")
)

// TxnOption changes a transaction from its default: read-write, optimistic, snapshot isolation.
type TxnOption func(*txnKind)

// ReadOnly refuses writes.
func ReadOnly() TxnOption { return func(k *txnKind) { k.readOnly = true } }

// Serializable has Commit validate what was read: it is aborted where somebody has changed
// that meanwhile. A transaction that writes nothing is serializable by itself.
func Serializable() TxnOption { return func(k *txnKind) { k.serializable = true } }

// Pessimistic lets the transaction lock keys before it writes them: see GetForUpdate.
func Pessimistic() TxnOption { return func(k *txnKind) { k.pessimistic = true } }

// AsOf reads the state at a timestamp of the past, within Retention; read-only.
func AsOf(ts timestamp.Timestamp) TxnOption {
	return func(k *txnKind) { k.asOf, k.readOnly = ts, true }
}

// MaxStaleness reads a state that may be so much older than now, which spares the oracle;
// read-only.
func MaxStaleness(d time.Duration) TxnOption {
	return func(k *txnKind) { k.maxStaleness, k.readOnly = d, true }
}

// Begin starts a transaction at a fresh timestamp: it sees every commit that was acknowledged
// before Begin was called. Nothing needs to be done to end it but Commit; one that is dropped
// leaves nothing behind, unless it is pessimistic: end that with Commit or Rollback, or others
// wait for its claims.
//
// Errors with AsOf: *mvcc.BelowSafepointError, *mvcc.FutureError.
func (db *DB) Begin(ctx context.Context, options ...TxnOption) (*Txn, error) {
	var k txnKind
	for _, o := range options {
		o(&k)
	}
	if k.readOnly && k.pessimistic {
		return nil, &mvcc.InvalidError{Reason: "READ_ONLY_PESSIMISTIC", What: "a read-only transaction cannot be pessimistic",
			Hint: "leave one of the two out"}
	}
	start, err := db.c.ReadTimestamp(ctx, k.asOf, k.maxStaleness)
	if err != nil {
		return nil, err
	}
	return &Txn{c: db.c, kind: k, tx: Transaction{Start: start, Pessimistic: k.pessimistic}}, nil
}

// ID names the transaction for ever.
func (tx *Txn) ID() timestamp.Timestamp { return tx.tx.Start }

// ReadTS is the timestamp that it reads at. GetForUpdate may move it up.
func (tx *Txn) ReadTS() timestamp.Timestamp { return tx.tx.readTS() }

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
	return tx.merged(keys, func(ask []mvcc.Key) ([]mvcc.Version, error) {
		if err := tx.reads.keys(tx.kind.serializable, ask); err != nil {
			return nil, err
		}
		tx.tx.Fixed = true
		_, versions, err := tx.c.Get(ctx, tx.read(), ask)
		return versions, err
	})
}

// read says as of when and by whom this transaction reads.
func (tx *Txn) read() Read {
	if tx.kind.readOnly { // its id may be another transaction's, whose locks count
		return Read{TS: tx.tx.readTS()}
	}
	return Read{TS: tx.tx.readTS(), Own: tx.tx.Start, Primary: tx.tx.Primary}
}

// GetForUpdate locks a key until the transaction ends and reads its newest value; nil where
// there is none. It needs a Pessimistic transaction. While others hold the key it waits.
// Claims that lie in each other's way in a circle are found: one of them is told so by a
// *mvcc.DeadlockError. After an error that aborts, the transaction is over: begin again.
// See Coordinator.Claim.
func (tx *Txn) GetForUpdate(ctx context.Context, k mvcc.Key) ([]byte, error) {
	entries, err := tx.MultiGetForUpdate(ctx, k)
	if err != nil {
		return nil, err
	}
	return entries[0].Value, nil
}

// MultiGetForUpdate is GetForUpdate for several keys: one entry for each, in order.
func (tx *Txn) MultiGetForUpdate(ctx context.Context, keys ...mvcc.Key) ([]Entry, error) {
	if err := tx.writable(); err != nil {
		return nil, err
	}
	versions, err := tx.c.Claim(ctx, &tx.tx, keys)
	if tx.tx.Primary != "" && tx.unkeep == nil {
		tx.unkeep = tx.c.keeper.keep(tx.tx.Start, tx.tx.Primary)
	}
	if aborted(err) {
		tx.end(err)
	}
	if err != nil {
		return nil, err
	}
	out := make([]Entry, len(keys))
	for i, k := range keys {
		if out[i], err = tx.buffer.over(k, entryOf(k, &versions[i])); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// merged reads keys through the buffer: what it does not know alone is asked for, all at once.
func (tx *Txn) merged(keys []mvcc.Key, ask func([]mvcc.Key) ([]mvcc.Version, error)) ([]Entry, error) {
	if tx.ended != nil {
		return nil, tx.ended
	}
	out := make([]Entry, len(keys))
	var unknown []mvcc.Key
	var at []int
	for i, k := range keys {
		if err := mvcc.ValidateKey(k); err != nil {
			return nil, err
		}
		if own, ok := tx.buffer.get(k); ok {
			out[i] = own
			continue
		}
		unknown, at = append(unknown, k), append(at, i)
	}
	if len(unknown) == 0 {
		return out, nil
	}
	versions, err := ask(unknown)
	if err != nil {
		return nil, err
	}
	for j, i := range at {
		if out[i], err = tx.buffer.over(keys[i], entryOf(keys[i], &versions[j])); err != nil {
			return nil, err
		}
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

// Add adds to the number that a key holds as decimal text; an absent one counts as 0. It is
// done at the newest value when the transaction commits, and never conflicts; a Get before
// sees it done at the read timestamp.
func (tx *Txn) Add(k mvcc.Key, delta int64) error { return tx.write(addition(k, delta)) }

// Atomic has Commit work on the key's newest value: MutationAdd, MutationMin, MutationMax (with
// numbers as decimal text) or MutationAppend. It waits for the key instead of conflicting. An
// *mvcc.AtomicError says that the value does not allow it.
func (tx *Txn) Atomic(op mvcc.MutationOp, k mvcc.Key, operand []byte) error {
	if !op.Atomic() {
		return &mvcc.InvalidError{Reason: mvcc.ReasonOpUnknown, Key: k, What: op.String() + " is no atomic operation",
			Hint: "use Put, Insert, Delete or Check"}
	}
	return tx.write(mvcc.Mutation{Op: op, Key: k, Value: operand})
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
	if err := tx.writable(); err != nil {
		return err
	}
	return tx.buffer.add(m)
}

// writable says why the transaction takes no writes, if so.
func (tx *Txn) writable() error {
	switch {
	case tx.ended != nil:
		return tx.ended
	case tx.sent:
		return ErrEnded
	case tx.kind.readOnly:
		return ErrReadOnly
	}
	return nil
}

// Commit makes the writes visible, all at once. It may be called again after an error that
// leaves the outcome open (*mvcc.UndeterminedError, *routing.UnavailableError, ctx's), and
// then tells it. Where ctx ends, the transaction is decided behind: rolled back, unless it is
// committed by then. See Coordinator.Commit for the errors.
func (tx *Txn) Commit(ctx context.Context) error {
	if tx.commitTS != 0 {
		return nil
	}
	if tx.ended != nil {
		return tx.ended
	}
	tx.sent = true
	tx.rest() // from here on Commit's own heartbeats count: one that is given up must not hold others up
	commitTS, err := tx.c.Commit(ctx, tx.tx, tx.content())
	if err == nil {
		tx.commitTS = commitTS
		tx.end(ErrEnded)
	} else if refusal(err) && ctx.Err() == nil && !isUndetermined(err) {
		tx.end(err)
	}
	return err
}

// content is all that makes the Commit. One that writes nothing has nothing to validate.
func (tx *Txn) content() mvcc.Content {
	content := mvcc.Content{Mutations: tx.buffer.mutations(), Serializable: tx.kind.serializable}
	if tx.kind.serializable && (len(content.Mutations) > 0 || tx.tx.Primary != "") {
		content.ReadKeys, content.ReadSpans = tx.reads.all()
	}
	return content
}

func (tx *Txn) end(why error) {
	tx.ended = why
	tx.rest()
}

// rest ends the heartbeats.
func (tx *Txn) rest() {
	if tx.unkeep != nil {
		tx.unkeep()
		tx.unkeep = nil
	}
}

func isUndetermined(err error) bool {
	var undetermined *mvcc.UndeterminedError
	return errors.As(err, &undetermined)
}

// Rollback gives the transaction up, and its claims. One whose Commit was sent is rolled back
// where it is not committed; ErrCommitted says that it is.
func (tx *Txn) Rollback(ctx context.Context) error {
	if tx.commitTS != 0 {
		return ErrCommitted
	}
	if tx.ended != nil {
		return nil
	}
	named := tx.tx
	if named.Primary == "" {
		named.Primary = tx.buffer.primary
	}
	if tx.tx.Primary == "" && (!tx.sent || tx.buffer.empty()) {
		tx.end(ErrEnded)
		return nil
	}
	tx.rest() // where it does not get through, and nobody tries again, the claims must expire
	status, err := tx.c.Rollback(ctx, named)
	if err != nil {
		return err
	}
	tx.end(ErrEnded)
	if status.Decision == mvcc.Committed {
		tx.commitTS = status.CommitTS
		return ErrCommitted
	}
	return nil
}
