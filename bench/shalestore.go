package bench

import (
	"context"
	"iter"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/txn"
)

// NewStore is a shale cluster as workloads see it.
func NewStore(db *txn.DB) Store { return shaleStore{db} }

type shaleStore struct{ db *txn.DB }

func (s shaleStore) Get(ctx context.Context, k mvcc.Key) ([]byte, bool, error) {
	e, err := s.db.Get(ctx, k)
	return e.Value, e.Found, err
}

func (s shaleStore) Put(ctx context.Context, k mvcc.Key, value []byte) error {
	return s.db.Put(ctx, k, value)
}

func (s shaleStore) Scan(ctx context.Context, start, end mvcc.Key, limit int) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		tx, err := s.db.Begin(ctx, txn.ReadOnly())
		if err != nil {
			yield(Entry{}, err)
			return
		}
		for e, err := range tx.Scan(ctx, start, end, txn.Limit(limit)) {
			if !yield(Entry{Key: e.Key, Value: e.Value}, err) {
				return
			}
		}
	}
}

func (s shaleStore) Update(ctx context.Context, f func(ctx context.Context, tx Tx) error) error {
	return s.db.Update(ctx, func(tx *txn.Txn) error { return f(ctx, shaleTx{tx}) })
}

type shaleTx struct{ tx *txn.Txn }

func (t shaleTx) Get(ctx context.Context, keys ...mvcc.Key) ([][]byte, error) {
	return valuesOf(t.tx.MultiGet(ctx, keys...))
}

func valuesOf(entries []txn.Entry, err error) ([][]byte, error) {
	if err != nil {
		return nil, err
	}
	values := make([][]byte, len(entries))
	for i := range entries {
		values[i] = entries[i].Value
	}
	return values, nil
}

func (t shaleTx) Put(k mvcc.Key, value []byte) error { return t.tx.Put(k, value) }
