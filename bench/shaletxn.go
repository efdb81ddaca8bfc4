package bench

import (
	"context"
	"errors"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/txn"
)

func (k Kind) options() []txn.TxnOption {
	var out []txn.TxnOption
	if k.Pessimistic {
		out = append(out, txn.Pessimistic())
	}
	if k.Serializable {
		out = append(out, txn.Serializable())
	}
	if k.ReadOnly {
		out = append(out, txn.ReadOnly())
	}
	if k.MaxStaleness > 0 {
		out = append(out, txn.MaxStaleness(k.MaxStaleness))
	}
	return out
}

func (s shaleStore) Begin(ctx context.Context, k Kind) (Txn, error) {
	tx, err := s.db.Begin(ctx, k.options()...)
	if err != nil {
		return nil, err
	}
	return shaleTxn{shaleTx{tx}}, nil
}

func (s shaleStore) UpdateAs(ctx context.Context, k Kind, f func(ctx context.Context, tx Tx) error) error {
	return s.db.Update(ctx, func(tx *txn.Txn) error {
		if k.Pessimistic {
			return f(ctx, lockingTx{shaleTxn{shaleTx{tx}}})
		}
		return f(ctx, shaleTx{tx})
	}, k.options()...)
}

func (s shaleStore) Add(ctx context.Context, k mvcc.Key, delta int64) error {
	return s.db.Add(ctx, k, delta)
}

func (s shaleStore) Swap(ctx context.Context, k mvcc.Key, old, value []byte) error {
	_, err := s.db.Coordinator().Autocommit(ctx, mvcc.Content{Mutations: []mvcc.Mutation{
		{Op: mvcc.MutationCheckValue, Key: k, Value: old}, {Op: mvcc.MutationPut, Key: k, Value: value}}})
	return err
}

type shaleTxn struct{ shaleTx }

func (t shaleTxn) GetForUpdate(ctx context.Context, keys ...mvcc.Key) ([][]byte, error) {
	return valuesOf(t.tx.MultiGetForUpdate(ctx, keys...))
}

func (t shaleTxn) Append(k mvcc.Key, value []byte) error {
	return t.tx.Atomic(mvcc.MutationAppend, k, value)
}

func (t shaleTxn) Savepoint(name string) error      { return t.tx.Savepoint(name) }
func (t shaleTxn) RollbackTo(name string) error     { return t.tx.RollbackTo(name) }
func (t shaleTxn) Commit(ctx context.Context) error { return t.tx.Commit(ctx) }

func (t shaleTxn) Rollback(ctx context.Context) (bool, error) {
	err := t.tx.Rollback(ctx)
	if errors.Is(err, txn.ErrCommitted) {
		return true, nil
	}
	return false, err
}

func (t shaleTxn) Stamps() Stamps {
	return Stamps{ID: t.tx.ID(), Read: t.tx.ReadTS(), Commit: t.tx.CommitTS()}
}

// lockingTx locks whatever it reads.
type lockingTx struct{ shaleTxn }

func (t lockingTx) Get(ctx context.Context, keys ...mvcc.Key) ([][]byte, error) {
	return t.GetForUpdate(ctx, keys...)
}
