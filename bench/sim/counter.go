package sim

import (
	"context"
	"strconv"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/txn"
)

// counters are two keys in different shards that always hold the same number.
func counters() []mvcc.Key { return []mvcc.Key{"c", "u"} }

// count adds one to both counters, the way a Go program does.
func (w *world) count(ctx context.Context, p *process) {
	var r *record
	var last *txn.Txn
	err := txn.New(p.coordinator).Update(ctx, func(tx *txn.Txn) error {
		if r != nil { // it runs again after a definite abort alone
			w.decided(p, r, mvcc.Aborted, 0)
		}
		r, last = nil, tx
		entries, err := tx.MultiGet(ctx, counters()...)
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
		if n[0] != n[1] {
			w.fail("%s finds the counters at %d and %d, at %s", p.name, n[0], n[1], tx.ReadTS())
		}
		return w.addOne(tx, n[0]+1, &r)
	})
	if r == nil {
		_ = w.passing(p, "an update", err)
		return
	}
	w.heard(p, r, last.CommitTS(), err)
}

func (w *world) addOne(tx *txn.Txn, n int, r **record) error {
	keys := counters()
	if w.chance(0.5) {
		keys[0], keys[1] = keys[1], keys[0]
	}
	var ms []mvcc.Mutation
	for _, k := range keys {
		ms = append(ms, mvcc.Mutation{Op: mvcc.MutationPut, Key: k, Value: []byte(strconv.Itoa(n))})
	}
	*r = w.begin(tx.ID(), ms)
	(*r).counts = true
	for _, m := range ms {
		if err := tx.Put(m.Key, m.Value); err != nil {
			return err
		}
	}
	return nil
}

// checkCounters: no update was lost, and none was done twice.
func (w *world) checkCounters(t truth) {
	want := 0
	for _, r := range w.history.records {
		if r.counts && r.present {
			want++
		}
	}
	for _, k := range counters() {
		if vs := t[k]; len(vs) > 0 || want > 0 {
			if n, err := balanceOf(vs[0].Value); err != nil || n != want {
				w.fail("counter %s holds %q after %d updates", k, vs[0].Value, want)
			}
		}
	}
}
