package shard

import (
	"cmp"
	"iter"
	"slices"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// People who look inside ask these. Each is served by the leader under its lease, like a read,
// and changes nothing.

// browsesAt is the key at which the request goes on; there is none where it is about the leader.
func browsesAt(req routing.Request) (k mvcc.Key, ok bool) {
	switch a := req.(type) {
	case *mvcc.VersionsArgs:
		return max(a.Span.Start, a.After.Key), true
	case *mvcc.LocksArgs:
		return max(a.Span.Start, a.After), true
	case *mvcc.RecordsArgs:
		return a.Span.Start, true
	}
	return "", false
}

func (r *Replica) serveBrowse(t *task) {
	switch a := t.req.Req.(type) {
	case *mvcc.VersionsArgs:
		r.serveVersions(t, a)
	case *mvcc.LocksArgs:
		r.serveLocks(t, a)
	case *mvcc.RecordsArgs:
		r.readStore(t)
	case *routing.QueueArgs:
		r.finish(t, r.waiting(a.Limit), nil)
	case *routing.HotArgs:
		r.finish(t, r.leader0.hot.answer(r.now.Mono, r.desc.Span, a.Limit), nil)
	}
}

// serveVersions reads at a timestamp as a scan does: MaxRead goes up first (P3), then locks
// in what is left of the span that may be committed at or below it are waited for. So the pages
// of one timestamp, of however many shards, are one cut.
func (r *Replica) serveVersions(t *task, a *mvcc.VersionsArgs) {
	if a.ReadTS == 0 {
		r.finish(t, nil, &mvcc.InvalidError{Reason: "READ_TIMESTAMP", What: "a page of versions needs a read timestamp",
			Hint: "draw one from the oracle"})
		return
	}
	r.clock.read(a.ReadTS)
	left := r.desc.Span.Clip(a.Span)
	left.Start = max(left.Start, a.After.Key)
	if l, ok := r.locks.blockingIn(left, a.ReadTS, 0); ok {
		r.waitForLock(t, l)
		return
	}
	r.readStore(t)
}

// serveLocks lists the locks that stand. Pending ones are nobody's yet: their entries may come to
// nothing.
func (r *Replica) serveLocks(t *task, a *mvcc.LocksArgs) {
	covered := r.desc.Span.Clip(a.Span)
	covered.Start = max(covered.Start, a.After)
	res := mvcc.LocksPage(r.locks.standingIn(covered, a.After), a, covered)
	r.finish(t, &res, nil)
}

// standingIn is the standing locks of the span by key, without the one at the key after.
func (t *lockTable) standingIn(span mvcc.Span, after mvcc.Key) iter.Seq[mvcc.Lock] {
	return func(yield func(mvcc.Lock) bool) {
		t.standing.Ascend(span.Start, func(k mvcc.Key, l mvcc.Lock) bool {
			return span.Contains(k) && (k == after || yield(l))
		})
	}
}

// waitsMost bounds the waits that one answer lists.
const waitsMost = 1_000

// waiting lists who waits in the queues of keys, the longest first.
func (r *Replica) waiting(limit int) *routing.QueueResult {
	var all []routing.Waiting
	for k, q := range r.queues {
		if k == storeWait {
			continue
		}
		holder := r.holder(k, q)
		for _, ts := range [][]*task{q.writers, q.others} {
			for _, t := range ts {
				start, _ := t.waiter()
				all = append(all, routing.Waiting{Waiter: start, Holder: holder, Key: k, Request: requestName(t.req.Req),
					For: r.now.Mono - t.came})
			}
		}
	}
	slices.SortFunc(all, func(a, b routing.Waiting) int {
		return cmp.Or(cmp.Compare(b.For, a.For), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Waiter, b.Waiter),
			cmp.Compare(a.Request, b.Request))
	})
	most := limitOr(limit, waitsMost)
	return &routing.QueueResult{Waits: all[:min(most, len(all))], More: len(all) > most}
}

func limitOr(asked, most int) int {
	if asked <= 0 {
		return most
	}
	return min(asked, most)
}

// holder is the transaction for which those in the key's queue wait: whose lock stands or is
// about to, or who has the turn to lay one.
func (r *Replica) holder(k mvcc.Key, q *lockQueue) timestamp.Timestamp {
	if l, ok := r.locks.standing.Get(k); ok {
		return l.StartTS
	}
	if l, ok := r.locks.pending.Get(k); ok {
		return l.StartTS
	}
	if q.turn != nil {
		start, _ := q.turn.waiter()
		return start
	}
	return q.holder
}

// requestName is what people call a request that can wait for a lock.
func requestName(req routing.Request) string {
	switch req.(type) {
	case *mvcc.GetArgs:
		return "get"
	case *mvcc.ScanArgs:
		return "scan"
	case *mvcc.PrewriteArgs:
		return "prewrite"
	case *mvcc.ClaimArgs:
		return "claim"
	case *mvcc.CheckTxnArgs:
		return "check-txn"
	case *mvcc.VersionsArgs:
		return "versions"
	}
	return "other"
}
