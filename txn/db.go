package txn

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// DB is a cluster as a Go program uses it. Its methods may be called by any goroutine.
type DB struct {
	c     *Coordinator
	close []func()
}

// New is a DB over a coordinator of the caller's own: on an embedded node, or in a simulator.
func New(c *Coordinator) *DB { return &DB{c: c} }

// Close ends what Open began. Transactions under way fail.
func (db *DB) Close() error {
	for _, f := range db.close {
		f()
	}
	db.close = nil
	return nil
}

// Coordinator is what runs the transactions.
func (db *DB) Coordinator() *Coordinator { return db.c }

// Update runs f in a transaction and commits it. After a definite abort, and only then, it
// runs f again in a new one: f must do nothing that cannot be done twice. An abort that f met
// itself, waiting for a claim, counts where f returns it. It goes on until
// ctx ends or the coordinator's patience does. An error of f's own ends it, and nothing is
// written. After an *mvcc.UndeterminedError the transaction may have been committed.
func (db *DB) Update(ctx context.Context, f func(*Txn) error, options ...TxnOption) error {
	until := db.c.w.Tasks.Now() + db.c.cfg.Patience
	for tries := 0; ; tries++ {
		tx, err := db.Begin(ctx, options...)
		if err != nil {
			return err
		}
		err = f(tx)
		if err == nil {
			err = tx.Commit(ctx)
		} else if !tx.lost(err) {
			return tx.giveUp(ctx, err)
		}
		if !aborted(err) || db.c.w.Tasks.Now() >= until {
			return err
		}
		if e := db.c.w.Tasks.Sleep(ctx, jitter(tx.tx.Start, tries)); e != nil {
			return err
		}
	}
}

// lost says whether err, which came from f, is that the transaction was aborted under it.
func (tx *Txn) lost(err error) bool { return aborted(err) && tx.ended != nil && tx.commitTS == 0 }

// giveUp frees what the transaction has claimed, also where ctx has ended, and answers why.
func (tx *Txn) giveUp(ctx context.Context, why error) error {
	if tx.tx.Primary == "" {
		return why
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tx.c.cfg.LockTTL)
	defer cancel()
	err := tx.Rollback(ctx)
	tx.end(ErrEnded) // without heartbeats its claims expire
	if errors.Is(err, ErrCommitted) {
		return errors.Join(why, err)
	}
	return why
}

// View runs f in a read-only transaction.
func (db *DB) View(ctx context.Context, f func(*Txn) error) error {
	tx, err := db.Begin(ctx, ReadOnly())
	if err != nil {
		return err
	}
	return f(tx)
}

// Get is the newest value of one key, without a transaction.
func (db *DB) Get(ctx context.Context, k mvcc.Key) (Entry, error) {
	if err := mvcc.ValidateKey(k); err != nil {
		return Entry{}, err
	}
	_, versions, err := db.c.Get(ctx, Read{}, []mvcc.Key{k})
	if err != nil {
		return Entry{}, err
	}
	return entryOf(k, &versions[0]), nil
}

// Put writes one key without looking, and never conflicts.
func (db *DB) Put(ctx context.Context, k mvcc.Key, value []byte) error {
	_, err := db.c.Autocommit(ctx, mvcc.Content{Mutations: []mvcc.Mutation{{Op: mvcc.MutationPut, Key: k, Value: value}}})
	return err
}

// Add adds to the number that a key holds as decimal text; an absent one counts as 0. It never
// conflicts. *mvcc.AtomicError: the value is no such number, or the sum is too large.
func (db *DB) Add(ctx context.Context, k mvcc.Key, delta int64) error {
	_, err := db.c.Autocommit(ctx, mvcc.Content{Mutations: []mvcc.Mutation{addition(k, delta)}})
	return err
}

func addition(k mvcc.Key, delta int64) mvcc.Mutation {
	return mvcc.Mutation{Op: mvcc.MutationAdd, Key: k, Value: strconv.AppendInt(nil, delta, 10)}
}

// Delete deletes keys, all at one moment, whether they are there or not.
func (db *DB) Delete(ctx context.Context, keys ...mvcc.Key) error {
	content := mvcc.Content{Mutations: make([]mvcc.Mutation, len(keys))}
	for i, k := range keys {
		content.Mutations[i] = mvcc.Mutation{Op: mvcc.MutationDelete, Key: k}
	}
	_, err := db.c.Autocommit(ctx, content)
	return err
}

// Entry is what a key holds.
type Entry struct {
	Key      mvcc.Key
	Found    bool
	Value    []byte // the reader must not change it
	CommitTS timestamp.Timestamp
}

func entryOf(k mvcc.Key, v *mvcc.Version) Entry {
	if v.Op != mvcc.OpPut {
		return Entry{Key: k}
	}
	e := Entry{Key: k, Found: true, Value: v.Value, CommitTS: v.CommitTS}
	if e.Value == nil {
		e.Value = []byte{}
	}
	return e
}

// jitter is the pause before a transaction is begun again. It grows with the tries, and two
// that met each other seldom have the same: their starts are mixed in.
func jitter(start timestamp.Timestamp, tries int) time.Duration {
	span := uint64(time.Millisecond) << min(tries, 6)
	return time.Duration((uint64(start) * 0x9e3779b97f4a7c15) >> 11 % span)
}
