package sim

import (
	"context"
	"strconv"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/txn"
)

// counters are two keys in different shards that always hold the same number.
func counters() []mvcc.Key { return []mvcc.Key{"c", "u"} }

// count adds one to both counters, the way a Go program does: optimistic, with claims, or
// serializable.
func (w *world) count(ctx context.Context, p *process) {
	var r *record
	var last *txn.Txn
	kind := w.rng.IntN(4)
	options := [][]txn.TxnOption{nil, nil, {txn.Pessimistic()}, {txn.Serializable()}}[kind]
	err := txn.New(p.coordinator).Update(ctx, func(tx *txn.Txn) error {
		if r != nil { // it runs again after a definite abort alone
			w.decided(p, r, mvcc.Aborted, 0)
		}
		r, last = nil, tx
		get := tx.MultiGet
		if kind == 2 {
			get = tx.MultiGetForUpdate
		}
		entries, err := get(ctx, counters()...)
		if err != nil {
			return err
		}
		var n [2]int
		for i, e := range entries {
			if !e.Found {
				continue
			}
			if n[i], err = balanceOf(e.Value); err != nil {
				return err
			}
		}
		if n[0] != n[1] && kind != 2 { // claims may be lost, and the transaction with them
			w.fail("%s finds the counters at %d and %d, at %s", p.name, n[0], n[1], tx.ReadTS())
		}
		r, err = w.addOne(tx, kind, n[0]+1)
		return err
	}, options...)
	if r == nil {
		if !definite(err) {
			_ = w.passing(p, "an update", err)
		}
		return
	}
	w.heard(p, r, last.CommitTS(), err)
}

func (w *world) addOne(tx *txn.Txn, kind, n int) (*record, error) {
	keys := counters()
	named := txn.Transaction{Start: tx.ID(), ReadTS: tx.ReadTS()}
	switch {
	case kind == 2:
		named.Pessimistic, named.Primary, named.Claims = true, keys[0], keys
	case w.chance(0.5):
		keys[0], keys[1] = keys[1], keys[0]
	}
	content := puts(put(keys[0], strconv.Itoa(n)), put(keys[1], strconv.Itoa(n)))
	if kind == 3 {
		content.Serializable, content.ReadKeys = true, counters()
	}
	r := w.begin(named, content)
	r.counts = true
	for _, m := range content.Mutations {
		if err := tx.Put(m.Key, m.Value); err != nil {
			return r, err
		}
	}
	return r, nil
}
