package sim

import (
	"context"
	"slices"
	"strings"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/txn"
)

// again asks about a transaction whose client is gone, or is at it now: by sending its
// Commit again, by Outcome, or by a Rollback that decides.
func (w *world) again(ctx context.Context, p *process) {
	r := w.takeOpen()
	if r == nil || w.chance(0.2) {
		if r = pick(w, w.history.records); r.start == 0 {
			return
		}
	}
	if w.opt.Mutant == BlindRerun && r.transfer != 0 && r.decision == mvcc.Undecided {
		w.moveOnce(ctx, p, r.transfer)
		return
	}
	w.counts.Repeats++
	if n := w.rng.IntN(100); n < 60 && r.repeatable() {
		ts, err := p.coordinator.Commit(ctx, r.tx, r.content)
		w.repeated(p, r, ts, err)
	} else {
		w.ask(ctx, p, r, n > 90)
	}
}

// ask asks for a transaction's outcome, and with decide puts an end to it.
func (w *world) ask(ctx context.Context, p *process, r *record, decide bool) bool {
	status, err := mvcc.TxnStatus{}, error(nil)
	if decide {
		status, err = p.coordinator.Rollback(ctx, txn.Transaction{Start: r.start, Primary: r.primary(), Claims: r.tx.Claims})
	} else {
		status, err = p.coordinator.Outcome(ctx, r.start, r.primary())
	}
	if err != nil {
		_ = w.passing(p, "an outcome", err)
		return false
	}
	if r.twin { // it may be the other content's
		return status.Decision != mvcc.Undecided
	}
	if status.Decision == mvcc.Committed {
		w.acknowledge(r, status.CommitTS)
	}
	if status.Decision != mvcc.Undecided {
		w.decided(p, r, status.Decision, status.CommitTS)
	}
	return status.Decision != mvcc.Undecided
}

// twist sends another content under the id of a transaction that is over, whose end is not
// known, or at which somebody is just now. One of the two at most may ever be there (S7).
func (w *world) twist(ctx context.Context, p *process) {
	r := w.takeOpen()
	if w.chance(0.5) {
		r = pick(w, w.history.records)
	}
	if r == nil || !r.repeatable() || r.twin || r == w.opened || r.counts || r.adds != "" || r.content.Serializable ||
		len(r.tx.Claims) > 0 || len(r.content.Mutations) > 8 {
		return
	}
	ms := slices.Clone(r.content.Mutations)
	for i := range ms {
		if ms[i].Op == mvcc.MutationInsert || ms[i].Op == mvcc.MutationDelete {
			ms[i].Op = mvcc.MutationPut
		}
		if ms[i].Op == mvcc.MutationPut {
			text, _, _ := strings.Cut(string(ms[i].Value), " #")
			ms[i].Value = []byte(text)
		}
	}
	if w.chance(0.5) {
		ms = append(ms, put(register(w.some(registerCount)), "twin"))
	}
	w.rng.Shuffle(len(ms), func(i, j int) { ms[i], ms[j] = ms[j], ms[i] })
	other := w.begin(txn.Transaction{Start: r.start}, puts(ms...))
	r.twin, other.twin, other.transfer = true, true, r.transfer
	_ = w.commit(ctx, p, other)
}
