package sim

import (
	"context"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/txn"
)

// drill holds the cluster, once all is calm, to promises about time: a deadlock is told within a
// second (S23), and a transaction whose client is alive is not taken for dead (P9). Its keys
// are nobody else's, so that no lock of a dead client is in the way.
func (w *world) drill(ctx context.Context) {
	if !w.banked() {
		return
	}
	for !w.sum(ctx, w.clients[0]) { // whoever leads answers
	}
	c := &crossing{}
	w.clients[0].spawn("work", func(ctx context.Context) { w.cross(ctx, w.clients[0], c, "8x", "tx") })
	w.clients[1].spawn("work", func(ctx context.Context) { w.cross(ctx, w.clients[1], c, "tx", "8x") })
	w.finish(ctx)
	if c.held == 2 && !c.void && c.told != 1 {
		w.fail("of two transactions that wait for each other %d were told", c.told)
	}
	w.farAbove(ctx, false)
	w.farAbove(ctx, true)
	w.latePrimary(ctx)
	w.clients[1].spawn("work", func(ctx context.Context) { w.hold(ctx, w.clients[1], "8y") })
	w.clients[2].spawn("work", func(ctx context.Context) {
		_ = w.clients[2].gateway.Sleep(ctx, drillTTL)
		r := w.begin(txn.Transaction{}, puts(put("8y", "visitor")))
		ts, err := w.clients[2].coordinator.Autocommit(ctx, r.content)
		w.heard(w.clients[2], r, ts, err)
	})
	w.finish(ctx)
}

// farAbove has a serializable transaction be committed far above what its shard was read at, since
// it adds to a counter that somebody has just added to. Then one of its reads is written by who
// began before it: below its commit, unless that has kept its reads (S2). Where it stands, that
// one's lock is there already, and its other one on its way. It is rare where others read all
// the time.
func (w *world) farAbove(ctx context.Context, stands bool) {
	p, read, written := w.clients[0], duty(0, 1), duty(0, 0)
	before, err := p.coordinator.Now(ctx)
	if err != nil {
		return
	}
	start, _, err := w.read(ctx, p, read)
	if err != nil {
		return
	}
	r := w.begin(txn.Transaction{Start: before}, puts(put(read, "1"), put(register(0), "far")))
	r.blind = true
	if stands {
		c := w.lateAt(ctx, p, register(0))
		p.spawn("work", func(ctx context.Context) {
			ts, err := c.Commit(ctx, r.tx, r.content)
			w.heard(p, r, ts, err)
		})
		_ = p.gateway.Sleep(ctx, lateBy/4)
	}
	add := func(tx txn.Transaction, content mvcc.Content) {
		sum, addend := w.addition("e")
		content.Mutations = append(content.Mutations, sum)
		r := w.begin(tx, content)
		r.adds, r.addend = "e", addend
		_ = w.commit(ctx, p, r)
	}
	if now, err := p.coordinator.Now(ctx); err == nil {
		if stands { // a read lifts it, too, and keeps its reads
			_, _, _ = w.read(ctx, p, account(7))
		} else {
			add(txn.Transaction{Start: now}, mvcc.Content{})
		}
		content := puts(put(written, "1"))
		content.Serializable, content.ReadKeys = true, []mvcc.Key{read}
		add(txn.Transaction{Start: start}, content)
	}
	if !stands {
		_ = w.commit(ctx, p, r)
	}
	w.finish(ctx)
}

// lateAt is a coordinator whose requests to the shard of a key are slow to leave.
func (w *world) lateAt(ctx context.Context, p *process, k mvcc.Key) *txn.Coordinator {
	g := newGateway(p)
	if d, err := p.gateway.shards.Find(ctx, k); err == nil {
		g.late = d.ID
	}
	return txn.NewCoordinator(txn.Windows{Sender: g, Timestamps: g, Shards: g.shards, Tasks: g},
		txn.Config{LockTTL: drillTTL, Patience: 20 * time.Second})
}

// latePrimary commits over two shards while the request to the primary's is slow. A reader meets
// the other lock, and asks about a primary that is not there: it is not yet to be fenced (S8).
func (w *world) latePrimary(ctx context.Context) {
	p := w.clients[0]
	start, err := p.coordinator.Now(ctx)
	if err != nil {
		return
	}
	c := w.lateAt(ctx, p, "8z")
	r := w.begin(txn.Transaction{Start: start}, puts(put("8z", "late"), put("tz", "early")))
	p.spawn("work", func(ctx context.Context) {
		ts, err := c.Commit(ctx, r.tx, r.content)
		if definite(err) {
			w.fail("%v was fenced while its primary was on its way: %v", r, err)
		}
		w.heard(p, r, ts, err)
	})
	w.clients[2].spawn("work", func(ctx context.Context) {
		_ = w.clients[2].gateway.Sleep(ctx, lateBy/2)
		_, _, _ = w.read(ctx, w.clients[2], "tz")
	})
	w.finish(ctx)
}

// finish waits until the clients' tasks are over.
func (w *world) finish(ctx context.Context) {
	for _ = w.clients[0].gateway.Sleep(ctx, 50*time.Millisecond); w.working(); {
		_ = w.clients[0].gateway.Sleep(ctx, 50*time.Millisecond)
	}
}

// toldWithin is how soon a deadlock has to be told, drillTTL how long a lock lives without
// heartbeats: longer than the oracle leaps at a change of its leader (S8).
const (
	toldWithin = time.Second
	drillTTL   = 4 * time.Second
	lateBy     = 200 * time.Millisecond
)

// crossing is two transactions that each hold what the other wants.
type crossing struct {
	held, told int
	void       bool // one could not even ask: nothing is shown
}

// firstClaim begins with a claim. It is patient: nodes may still be behind with what was
// written.
func (w *world) firstClaim(ctx context.Context, p *process, k mvcc.Key) *txn.Txn {
	cfg := txn.Config{LockTTL: drillTTL, Patience: 20 * time.Second}
	db := txn.New(txn.NewCoordinator(w.windows(p), cfg))
	for range 20 {
		tx, err := db.Begin(ctx, txn.Pessimistic())
		if err == nil {
			if _, err = tx.GetForUpdate(ctx, k); err == nil {
				return tx
			}
			_ = tx.Rollback(ctx)
		}
		_ = w.passing(p, "a claim", err)
		_ = p.gateway.Sleep(ctx, 500*time.Millisecond)
	}
	w.fail("%s cannot claim %s, although all is calm", p.name, k)
	return nil
}

// cross claims two keys, one after the other.
func (w *world) cross(ctx context.Context, p *process, c *crossing, first, second mvcc.Key) {
	tx := w.firstClaim(ctx, p, first)
	if tx == nil {
		return
	}
	c.held++
	for c.held < 2 && !c.void && w.fault == nil {
		_ = p.gateway.Sleep(ctx, 10*time.Millisecond)
	}
	began := w.now
	_, err := tx.GetForUpdate(ctx, second)
	// A leader may still fall when all is calm, of a pause that began before: its successor
	// is told of waits by those who ask it.
	switch took := w.now - max(began, w.unled); {
	case isDeadlock(err) && took > toldWithin:
		w.fail("%s closes a cycle of claims, and hears of it after %s", p.name, took)
	case isDeadlock(err):
		c.told++
	case err != nil && took > 5*toldWithin:
		w.fail("%s closes a cycle of claims, waits for %s and hears: %v", p.name, took, err)
	case err != nil: // nodes may be behind with what was written
		c.void = true
		_ = w.passing(p, "a claim", err)
	}
	_ = tx.Rollback(ctx)
}

// hold holds a claim for some times as long as a lock lives without heartbeats.
func (w *world) hold(ctx context.Context, p *process, k mvcc.Key) {
	tx := w.firstClaim(ctx, p, k)
	if tx == nil {
		return
	}
	began := w.now
	_ = p.gateway.Sleep(ctx, 5*drillTTL/2)
	r := w.begin(txn.Transaction{Start: tx.ID(), ReadTS: tx.ReadTS(), Primary: k, Claims: []mvcc.Key{k}}, puts(put(k, "held")))
	r.opaque = true
	_ = tx.Put(k, r.content.Mutations[0].Value)
	err := tx.Commit(ctx)
	if err != nil && !w.leapt(ctx, p, tx, w.now-began) {
		w.fail("%s held its claim on %s, and was taken for dead: %v", p.name, k, err)
	}
	w.heard(p, r, tx.CommitTS(), err)
}

// leapt says whether the oracle has gone further since tx read than time has passed: to a
// leader whose wall clock is ahead. Then locks may expire early, which costs a retry (S8).
func (w *world) leapt(ctx context.Context, p *process, tx *txn.Txn, passed time.Duration) bool {
	now, err := p.gateway.Next(ctx)
	return err != nil || now.Time().Sub(tx.ReadTS().Time()) > passed+time.Second
}
