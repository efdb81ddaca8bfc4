package sim

import (
	"context"
	"fmt"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
	"github.com/shaledb/shale/txn"
)

// stormFor is how long a storm lasts.
const stormFor = 150 * time.Millisecond

// storm is much about two keys of one shard at once: blind writes of either, transactions that
// began a while ago and write one of them and a key of another shard, and reads of the newest of
// both. What is committed first may lie above what is committed next: the two are one state only
// for who looks at what is about to be committed, too (P3, S13).
func (w *world) storm(ctx context.Context, p *process) {
	order := w.rng.Perm(registerCount)
	keys := []mvcc.Key{register(order[0]), register(order[1])}
	end := w.now + stormFor
	during := func(pause time.Duration, do func(context.Context)) {
		p.spawn("work", func(ctx context.Context) {
			for w.now < end && !w.calm {
				do(ctx)
				_ = p.gateway.Sleep(ctx, w.between(0, pause))
			}
		})
	}
	for range 2 {
		during(2*time.Millisecond, func(ctx context.Context) { w.readNewest(ctx, p, keys) })
	}
	during(5*time.Millisecond, func(ctx context.Context) {
		r := w.begin(txn.Transaction{}, puts(put(pick(w, keys), "storm")))
		ts, err := p.coordinator.Autocommit(ctx, r.content)
		w.heard(p, r, ts, err)
	})
	during(5*time.Millisecond, func(ctx context.Context) { w.late(ctx, p, pick(w, keys)) })
	w.late(ctx, p, keys[1])
}

// late writes a key some time after its transaction began, and one of its own in another shard.
func (w *world) late(ctx context.Context, p *process, k mvcc.Key) {
	start, err := p.coordinator.Now(ctx)
	if err != nil {
		return
	}
	_ = p.gateway.Sleep(ctx, w.between(0, 20*time.Millisecond))
	w.history.transfer++
	other := mvcc.Key(fmt.Sprintf("b/%d", w.history.transfer))
	_ = w.commit(ctx, p, w.begin(txn.Transaction{Start: start}, puts(put(other, "late"), put(k, "late"))))
}

// readNewest reads the newest of some keys, outside of any transaction.
func (w *world) readNewest(ctx context.Context, p *process, keys []mvcc.Key) {
	least := make([]timestamp.Timestamp, len(keys))
	for i, k := range keys {
		least[i] = w.history.acked[k]
	}
	at, versions, err := p.coordinator.Get(ctx, txn.Read{}, keys)
	if err != nil {
		_ = w.passing(p, "a newest read", err)
		return
	}
	var together []seen
	for i, v := range versions {
		w.counts.Reads++
		s := seen{at: at, least: least[i], key: keys[i], commitTS: v.CommitTS, startTS: v.StartTS}
		w.history.seen = append(w.history.seen, s)
		together = append(together, s)
		w.checkFresh(p, s)
	}
	if at == 0 && len(together) > 1 {
		w.history.together = append(w.history.together, together)
	}
}
