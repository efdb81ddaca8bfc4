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

// storm is much at once about two keys.
func (w *world) storm(_ context.Context, p *process) {
	end := w.now + stormFor
	during := func(pause time.Duration, do func(context.Context)) {
		p.spawn("work", func(ctx context.Context) {
			for w.now < end && !w.calm {
				do(ctx)
				_ = p.gateway.Sleep(ctx, w.between(0, pause))
			}
		})
	}
	if w.chance(0.4) {
		w.narrow = end
		w.clash(p, during)
		return
	}
	w.shower(p, during)
}

// doing has something done again and again while a storm lasts.
type doing func(pause time.Duration, do func(context.Context))

// clash is claims of two accounts that money is moved between, and transactions that check one of
// them and write elsewhere: a claim waits for a check, and a check for a claim (P12, S6).
func (w *world) clash(p *process, during doing) {
	for range 2 {
		during(5*time.Millisecond, func(ctx context.Context) { w.moveClaimed(ctx, p) })
		during(5*time.Millisecond, func(ctx context.Context) {
			k := account(w.some(accountCount))
			start, _, err := w.read(ctx, p, k)
			if err != nil {
				return
			}
			w.history.transfer++
			other := mvcc.Key(fmt.Sprintf("8/%d", w.history.transfer))
			_ = w.commit(ctx, p, w.begin(txn.Transaction{Start: start},
				puts(mvcc.Mutation{Op: mvcc.MutationCheckExists, Key: k}, put(register(w.some(registerCount)), "checked"), put(other, "checked"))))
		})
	}
}

// shower is blind writes of either of two keys of one shard, transactions that began a while ago
// and write one of them and a key of another shard, and reads of the newest of both. What is
// committed first may lie above what is committed next: the two are one state only for who looks
// at what is about to be committed, too (P3, S13).
func (w *world) shower(p *process, during doing) {
	order := w.rng.Perm(registerCount)
	keys := []mvcc.Key{register(order[0]), register(order[1])}
	for range 2 {
		during(2*time.Millisecond, func(ctx context.Context) { w.readNewest(ctx, p, keys) })
	}
	during(5*time.Millisecond, func(ctx context.Context) {
		r := w.begin(txn.Transaction{}, puts(put(pick(w, keys), "storm")))
		ts, err := p.coordinator.Autocommit(ctx, r.content)
		w.heard(p, r, ts, err)
	})
	during(5*time.Millisecond, func(ctx context.Context) { w.late(ctx, p, pick(w, keys)) })
}

// late writes a key some time after its transaction began, and one of its own in another shard.
func (w *world) late(ctx context.Context, p *process, k mvcc.Key) {
	w.history.transfer++
	other := mvcc.Key(fmt.Sprintf("b/%d", w.history.transfer))
	w.begun(ctx, p, puts(put(other, "late"), put(k, "late")))
}

// begun commits what began some time ago, and has read nothing.
func (w *world) begun(ctx context.Context, p *process, content mvcc.Content) {
	start, err := p.coordinator.Now(ctx)
	if err != nil {
		return
	}
	_ = p.gateway.Sleep(ctx, w.between(0, 20*time.Millisecond))
	r := w.begin(txn.Transaction{Start: start}, content)
	r.blind = true
	_ = w.commit(ctx, p, r)
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
