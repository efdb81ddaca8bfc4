package main

import (
	"context"
	"iter"

	"github.com/shaledb/shale/cmd/shale/virtual"
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
	"github.com/shaledb/shale/txn"
)

// shellTxn is a transaction as the shell drives it.
type shellTxn struct{ tx *txn.Txn }

var _ virtual.Transaction = shellTxn{}

// beginner opens the shell's transactions on a database: in the past, read-only, where .asof
// says so.
func beginner(db *txn.DB) func(context.Context) (virtual.Transaction, error) {
	return func(ctx context.Context) (virtual.Transaction, error) {
		var options []txn.TxnOption
		if at := virtual.StatementOf(ctx).AsOf; at != 0 {
			options = append(options, txn.AsOf(timestamp.Timestamp(at)))
		}
		tx, err := db.Begin(ctx, options...)
		if err != nil {
			return nil, err
		}
		return shellTxn{tx}, nil
	}
}

func (t shellTxn) ReadTimestamp() uint64 { return uint64(t.tx.ReadTS()) }

func (t shellTxn) Get(ctx context.Context, key string) (value []byte, found bool, err error) {
	value, err = t.tx.Get(ctx, mvcc.Key(key))
	return value, value != nil, err
}

func (t shellTxn) Scan(ctx context.Context, start, end string) iter.Seq2[virtual.Entry, error] {
	return func(yield func(virtual.Entry, error) bool) {
		for e, err := range t.tx.Scan(ctx, mvcc.Key(start), mvcc.Key(end)) {
			if !yield(virtual.Entry{Key: string(e.Key), Value: e.Value, CommitTS: uint64(e.CommitTS)}, err) || err != nil {
				return
			}
		}
	}
}

func (t shellTxn) Put(_ context.Context, key string, value []byte) error {
	return t.tx.Put(mvcc.Key(key), value)
}

func (t shellTxn) Insert(_ context.Context, key string, value []byte) error {
	return t.tx.Insert(mvcc.Key(key), value)
}

func (t shellTxn) Delete(_ context.Context, key string) error { return t.tx.Delete(mvcc.Key(key)) }

func (t shellTxn) Savepoint(name string) error { return t.tx.Savepoint(name) }

func (t shellTxn) RollbackTo(name string) error { return t.tx.RollbackTo(name) }

func (t shellTxn) Commit(ctx context.Context) (uint64, error) {
	err := t.tx.Commit(ctx)
	return uint64(t.tx.CommitTS()), err
}

func (t shellTxn) Rollback(ctx context.Context) error { return t.tx.Rollback(ctx) }
