package sim

import (
	"context"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/txn"
)

// pessimistic begins a transaction that may claim.
func (w *world) pessimistic(ctx context.Context, p *process) (*txn.Transaction, bool) {
	start, err := p.coordinator.Now(ctx)
	return &txn.Transaction{Start: start, Pessimistic: true}, err == nil
}

// claim claims keys, and tells the transaction's record what they held. Where it is not to be
// had the transaction is given up, or, as a client may that has no manners, left alone.
func (w *world) claim(ctx context.Context, p *process, tx *txn.Transaction, keys ...mvcc.Key) ([]mvcc.Version, bool) {
	versions, err := p.coordinator.Claim(ctx, tx, keys)
	switch {
	case err == nil:
		w.counts.Claims++
		for _, v := range versions {
			if at := max(tx.Start, tx.ReadTS); tx.Fixed && v.CommitTS > at {
				w.fail("%s has read at %s, and claims %s as it is at %s (S5)", p.name, at, v.Key, v.CommitTS)
			}
		}
		return versions, true
	case definite(err):
		if isDeadlock(err) {
			w.counts.Deadlocks++
		}
		return nil, false
	}
	_ = w.passing(p, "a claim", err)
	w.giveUp(ctx, p, tx)
	return nil, false
}

// giveUp rolls a transaction back of which no Commit was sent.
func (w *world) giveUp(ctx context.Context, p *process, tx *txn.Transaction) {
	if tx.Primary == "" || w.chance(0.2) {
		return
	}
	status, err := p.coordinator.Rollback(ctx, *tx)
	if err != nil {
		_ = w.passing(p, "a rollback", err)
	} else if status.Decision == mvcc.Committed {
		w.fail("%s gives transaction %s up, and hears that it is committed", p.name, tx.Start)
	}
}

// found is what claims have shown, as of the timestamp that the transaction reads at in the end:
// what is claimed does not change any more.
func found(tx *txn.Transaction, keys []mvcc.Key, versions []mvcc.Version) []seen {
	out := make([]seen, len(keys))
	for i, v := range versions {
		out[i] = seen{at: max(tx.Start, tx.ReadTS), key: keys[i], commitTS: v.CommitTS, startTS: v.StartTS}
	}
	return out
}

// moveClaimed moves money under claims: in whatever order, so that deadlocks happen; after
// a plain read, or before one.
func (w *world) moveClaimed(ctx context.Context, p *process) {
	tx, ok := w.pessimistic(ctx, p)
	if !ok {
		return
	}
	from, to := w.twoAccounts()
	keys := []mvcc.Key{account(from), account(to)}
	if w.chance(0.2) { // it reads first: its read timestamp is fixed (S5)
		tx.Fixed = true
		if !w.readIn(ctx, p, tx, account(w.some(accountCount))) {
			return
		}
	}
	fixed := tx.ReadTS
	versions := make([]mvcc.Version, 2)
	if w.chance(0.5) {
		if versions, ok = w.claim(ctx, p, tx, keys...); !ok {
			return
		}
	} else {
		for _, i := range w.rng.Perm(2) {
			one, ok := w.claim(ctx, p, tx, keys[i])
			if !ok {
				return
			}
			versions[i] = one[0]
			if w.chance(0.3) {
				_ = p.gateway.Sleep(ctx, w.between(0, 50*time.Millisecond))
			}
		}
	}
	if tx.Fixed && tx.ReadTS != fixed {
		w.fail("%s has read at %s, and its claims moved that to %s (S5)", p.name, fixed, tx.ReadTS)
	}
	if w.chance(0.3) { // it reads afterwards: all of one state
		tx.Fixed = true
		if !w.readIn(ctx, p, tx, account(w.some(accountCount)), keys[0]) {
			return
		}
	}
	w.history.transfer++
	id := w.history.transfer
	ms, ok := w.movement(p, max(tx.Start, tx.ReadTS), versions, id, from, to)
	if !ok {
		w.giveUp(ctx, p, tx)
		return
	}
	w.rng.Shuffle(len(ms), func(i, j int) { ms[i], ms[j] = ms[j], ms[i] })
	r := w.begin(*tx, puts(ms...))
	r.transfer, r.claimed = id, found(tx, keys, versions)
	_ = w.commit(ctx, p, r)
}

// readIn reads plainly in a transaction.
func (w *world) readIn(ctx context.Context, p *process, tx *txn.Transaction, keys ...mvcc.Key) bool {
	at := max(tx.Start, tx.ReadTS)
	_, versions, err := p.coordinator.Get(ctx, txn.Read{TS: at, Own: tx.Start, Primary: tx.Primary}, keys)
	if err != nil {
		if !definite(err) {
			_ = w.passing(p, "a read", err)
		}
		w.giveUp(ctx, p, tx)
		return false
	}
	w.saw(at, keys, versions)
	return true
}

// forUpdate claims one key to keep it as it is, and writes another (S6); sometimes it claims
// alone, and sometimes it holds its claims longer than a lock lives without heartbeats.
func (w *world) forUpdate(ctx context.Context, p *process) {
	tx, ok := w.pessimistic(ctx, p)
	if !ok {
		return
	}
	order := w.rng.Perm(registerCount)
	keys := []mvcc.Key{account(w.some(accountCount)), register(order[0])}
	if w.chance(0.5) {
		keys[0], keys[1] = keys[1], keys[0]
	}
	versions, ok := w.claim(ctx, p, tx, keys...)
	if !ok {
		return
	}
	if w.chance(0.3) {
		_ = p.gateway.Sleep(ctx, w.between(0, 2*w.set.txn.LockTTL))
		if err := p.coordinator.Heartbeat(ctx, *tx); err != nil && !definite(err) {
			_ = w.passing(p, "a heartbeat", err)
		}
	}
	content := puts(put(register(order[1]), "for update"))
	if w.chance(0.2) {
		content = mvcc.Content{}
	}
	r := w.begin(*tx, content)
	r.claimed = found(tx, keys, versions)
	_ = w.commit(ctx, p, r)
}
