package sim

import (
	"context"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/txn"
)

// drill holds the cluster, once all is calm, to promises about time: a deadlock is told within a
// second (S23), and a transaction whose client is alive is not taken for dead (P9).
func (w *world) drill(ctx context.Context) {
	if !w.banked() {
		return
	}
	for !w.sum(ctx, w.clients[0]) { // whoever leads answers
	}
	a, b := account(0), account(accountCount-1)
	told := 0
	w.clients[0].spawn("work", func(ctx context.Context) { w.cross(ctx, w.clients[0], &told, a, b) })
	w.clients[1].spawn("work", func(ctx context.Context) { w.cross(ctx, w.clients[1], &told, b, a) })
	w.finish(ctx)
	if told != 1 {
		w.fail("of two transactions that wait for each other %d were told", told)
	}
	w.clients[1].spawn("work", func(ctx context.Context) { w.hold(ctx, w.clients[1], register(0)) })
	w.clients[2].spawn("work", func(ctx context.Context) {
		_ = w.clients[2].gateway.Sleep(ctx, w.set.txn.LockTTL)
		r := w.begin(txn.Transaction{}, puts(put(register(0), "visitor")))
		ts, err := w.clients[2].coordinator.Autocommit(ctx, r.content)
		w.heard(w.clients[2], r, ts, err)
	})
	w.finish(ctx)
}

// finish waits until the clients' tasks are over.
func (w *world) finish(ctx context.Context) {
	for _ = w.clients[0].gateway.Sleep(ctx, 50*time.Millisecond); w.working(); {
		_ = w.clients[0].gateway.Sleep(ctx, 50*time.Millisecond)
	}
}

// toldWithin is how soon a deadlock has to be told.
const toldWithin = time.Second

// cross claims two keys, one after the other.
func (w *world) cross(ctx context.Context, p *process, told *int, first, second mvcc.Key) {
	tx, err := txn.New(p.coordinator).Begin(ctx, txn.Pessimistic())
	if err != nil {
		return
	}
	if _, err := tx.GetForUpdate(ctx, first); err != nil {
		w.fail("%s claims %s when all is calm, and hears: %v", p.name, first, err)
		return
	}
	_ = p.gateway.Sleep(ctx, 100*time.Millisecond)
	began := w.now
	_, err = tx.GetForUpdate(ctx, second)
	switch took := w.now - began; {
	case isDeadlock(err):
		*told++
		fallthrough
	case err == nil:
		if took > toldWithin {
			w.fail("%s closes a cycle of claims, and hears of it after %s", p.name, took)
		}
	default:
		w.fail("%s closes a cycle of claims, and hears: %v", p.name, err)
	}
	_ = tx.Rollback(ctx)
}

// hold holds a claim for some times as long as a lock lives without heartbeats.
func (w *world) hold(ctx context.Context, p *process, k mvcc.Key) {
	tx, err := txn.New(p.coordinator).Begin(ctx, txn.Pessimistic())
	if err != nil {
		return
	}
	if _, err = tx.GetForUpdate(ctx, k); err != nil {
		w.fail("%s claims %s when all is calm, and hears: %v", p.name, k, err)
		return
	}
	_ = p.gateway.Sleep(ctx, 3*w.set.txn.LockTTL)
	r := w.begin(txn.Transaction{Start: tx.ID(), ReadTS: tx.ReadTS(), Primary: k, Claims: []mvcc.Key{k}}, puts(put(k, "held")))
	r.opaque = true
	_ = tx.Put(k, r.content.Mutations[0].Value)
	if err = tx.Commit(ctx); err != nil {
		w.fail("%s held its claim on %s, and was taken for dead: %v", p.name, k, err)
	}
	w.heard(p, r, tx.CommitTS(), err)
}
