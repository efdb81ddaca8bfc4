package sim

import (
	"context"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// restMax is how long the cluster may take to come to rest once the trouble is over: some
// lock lifetimes and the coordinators' patience.
const restMax = 90 * time.Second

// rest ends the trouble; the audit begins when the clients' last operations are over.
func (w *world) rest() {
	w.calmDown()
	auditor := w.clients[0]
	w.after(100*time.Millisecond, nil, note{kind: "audit"}, func() { auditor.spawn("audit", w.audit) })
	w.after(restMax, nil, note{kind: "rest"}, func() {
		w.fail("%s after the trouble ended the cluster is not at rest: %s", restMax, w.unrest())
	})
}

// audit asks for the end of every transaction, decides those that nobody decided, and waits
// until the stores are at rest. Then all that was heard is held against what is there.
func (w *world) audit(ctx context.Context) {
	p := w.clients[0]
	w.finish(ctx)
	w.drill(ctx)
	for i := 0; i < len(w.history.records); i++ {
		if r := w.history.records[i]; r.start != 0 {
			w.conclude(ctx, r)
		}
	}
	if w.banked() {
		for !w.sum(ctx, p) {
		}
	}
	for w.unrest() != "" {
		_ = p.gateway.Sleep(ctx, 100*time.Millisecond)
	}
	w.verify()
	w.done = true
}

// conclude hears of a transaction at two gateways.
func (w *world) conclude(ctx context.Context, r *record) {
	for w.fault == nil {
		if w.ask(ctx, w.clients[0], r, false) {
			break
		}
		if w.chance(0.5) && r.repeatable() {
			ts, err := w.clients[1].coordinator.Commit(ctx, r.tx, r.content)
			w.repeated(w.clients[1], r, ts, err)
		}
		if w.ask(ctx, w.clients[1], r, true) {
			break
		}
	}
	for w.fault == nil && !w.ask(ctx, w.clients[2], r, false) {
	}
}

// working says whether a client is still at something.
func (w *world) working() bool {
	for _, p := range w.clients {
		for _, co := range p.tasks {
			if co.name == "work" {
				return true
			}
		}
	}
	return false
}

// unrest says what is not at rest yet: locks that stand, replicas that lag, rows that are
// not flushed. The system group never rests: its oracle moves its ceiling.
func (w *world) unrest() string {
	if w.working() {
		return "a client is at work"
	}
	applied := map[routing.ShardID]mvcc.Index{}
	for _, m := range w.members() {
		if m.shard == routing.SystemShard {
			continue
		}
		if m.r == nil {
			return "a replica is down"
		}
		st := m.r.Status(m.p.instant())
		switch before, ok := applied[m.shard]; {
		case st.Locks > 0:
			return "a lock stands"
		case ok && before != st.Applied:
			return "a replica lags"
		case st.OverlayRows > 0 || len(m.jobs) > 0:
			return "rows are not flushed"
		case m.installing:
			return "a raft snapshot is being installed"
		}
		applied[m.shard] = st.Applied
	}
	return ""
}

func (w *world) settled() bool { return w.done }

// verify looks into the stores, once all is quiet.
func (w *world) verify() {
	t := truth{}
	seen := map[routing.ShardID]bool{}
	for _, m := range w.members() {
		r := w.rowsOf(m)
		if len(r.locks) > 0 {
			w.fail("lock %+v outlives the rest", r.locks[0])
		}
		if seen[m.shard] {
			continue
		}
		seen[m.shard] = true
		for _, v := range r.versions {
			t[v.Key] = append(t[v.Key], v)
		}
	}
	w.compare()
	w.checkWhole(t)
	w.checkReads(t)
	w.checkVersions(t)
	w.checkClaims(t)
	w.checkConflicts(t)
	w.checkChecks(t)
	w.checkOnce(t)
	w.checkCounters(t)
	w.checkTallies(t)
	w.checkDuties(t)
	w.checkSerializable(t)
	w.checkLists()
}
