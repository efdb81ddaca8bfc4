package sim

import (
	"context"
	"fmt"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
	"github.com/shaledb/shale/txn"
)

// The duties: of each pair one at least is on duty, always. Pairs lie in one shard, or in two.
const pairCount = 3

func duty(pair, side int) mvcc.Key {
	if pair > 0 && side == 1 {
		return mvcc.Key(fmt.Sprintf("s%d", pair))
	}
	return mvcc.Key(fmt.Sprintf("d%d%d", pair, side))
}

func onDuty(v mvcc.Version) bool { return v.Op != mvcc.OpPut || string(v.Value[:1]) != "0" }

// skew goes off duty where the other one is on, and back on duty otherwise. Under snapshot
// isolation two of these would leave nobody; so they are serializable.
func (w *world) skew(ctx context.Context, p *process) {
	pair, side := w.some(pairCount), w.rng.IntN(2)
	keys := []mvcc.Key{duty(pair, 0), duty(pair, 1)}
	tx := txn.Transaction{}
	var versions []mvcc.Version
	var err error
	if w.chance(0.2) { // with a claim on what it writes
		claiming, ok := w.pessimistic(ctx, p)
		if !ok {
			return
		}
		if _, ok = w.claim(ctx, p, claiming, keys[side]); !ok {
			return
		}
		tx, claiming.Fixed = *claiming, true
		at := tx.ReadTS
		if _, versions, err = p.coordinator.Get(ctx, txn.Read{TS: at, Own: tx.Start, Primary: tx.Primary}, keys); err != nil {
			if !definite(err) {
				_ = w.passing(p, "a read", err)
			}
			w.giveUp(ctx, p, claiming)
			return
		}
		tx.Fixed = true
	} else if tx.Start, versions, err = w.read(ctx, p, keys...); err != nil {
		return
	}
	to := "1"
	if onDuty(versions[1-side]) && onDuty(versions[side]) {
		to = "0"
	}
	content := puts(put(keys[side], to))
	content.Serializable = true
	switch n := w.rng.IntN(10); {
	case n < 5:
		content.ReadKeys = keys
	case n < 7: // the one that it does not write
		content.ReadKeys = keys[1-side : 2-side]
	default:
		for _, k := range keys {
			content.ReadSpans = append(content.ReadSpans, mvcc.Span{Start: k, End: k + "~"})
		}
	}
	adds, addend := mvcc.Key(""), 0
	switch n := w.rng.IntN(10); {
	case n < 2:
		content.Mutations = append(content.Mutations, put(register(w.some(registerCount)), "duty"))
	case n < 5: // in the same shard, as a rule: its timestamp may be far ahead (S2)
		var sum mvcc.Mutation
		adds = "e"
		sum, addend = w.addition(adds)
		content.Mutations = append(content.Mutations, sum)
	}
	w.counts.Serializable++
	r := w.begin(tx, content)
	r.adds, r.addend = adds, addend
	_ = w.commit(ctx, p, r)
}

// relieve puts somebody on duty without looking: that is always right.
func (w *world) relieve(ctx context.Context, p *process) {
	k := duty(w.some(pairCount), w.rng.IntN(2))
	r := w.begin(txn.Transaction{}, puts(put(k, "1")))
	ts, err := p.coordinator.Autocommit(ctx, r.content)
	w.heard(p, r, ts, err)
}

// past reads as of a moment of the past, which someone has read at or not.
func (w *world) past(ctx context.Context, p *process) {
	at := w.issued.heard.Add(-w.between(0, 3*time.Second))
	if w.opened == nil || at < w.opened.commitTS {
		return
	}
	keys := []mvcc.Key{account(w.some(accountCount)), account(w.some(accountCount)), pick(w, tallies())}
	_, versions, err := p.coordinator.Get(ctx, txn.Read{TS: at}, keys)
	if err != nil {
		_ = w.passing(p, "a read of the past", err)
		return
	}
	w.saw(at, keys, versions)
}

// saw notes what a read found.
func (w *world) saw(at timestamp.Timestamp, keys []mvcc.Key, versions []mvcc.Version) {
	for i, v := range versions {
		w.counts.Reads++
		w.history.seen = append(w.history.seen, seen{at: at, key: keys[i], commitTS: v.CommitTS, startTS: v.StartTS})
	}
}
