package sim

import (
	"context"
	"strconv"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/txn"
)

// tallies are counters that are added to by the store, and now and then by hand.
func tallies() []mvcc.Key { return []mvcc.Key{"9", "e", "n1", "n2"} }

// add adds to a counter a number that nobody else adds, so that its versions tell who did.
func (w *world) add(ctx context.Context, p *process) {
	k := tallies()[w.some(len(tallies()))]
	sum, delta := w.addition(k)
	switch n := w.rng.IntN(10); {
	case n < 4:
		r := w.note(txn.Transaction{}, puts(sum))
		r.adds, r.addend = k, delta
		ts, err := p.coordinator.Autocommit(ctx, r.content)
		w.heard(p, r, ts, err)
	case n < 8: // beside a write that may conflict, or in another shard
		start, err := p.coordinator.Now(ctx)
		if err != nil {
			return
		}
		ms := []mvcc.Mutation{sum, put(register(w.some(registerCount)), "beside")}
		if w.chance(0.5) {
			ms[0], ms[1] = ms[1], ms[0]
		}
		r := w.begin(txn.Transaction{Start: start}, puts(ms...))
		r.adds, r.addend = k, delta
		_ = w.commit(ctx, p, r)
	default: // by hand: read, and put what was read and more
		start, versions, err := w.read(ctx, p, k)
		if err != nil {
			return
		}
		n := 0
		if versions[0].Op == mvcc.OpPut {
			if n, err = strconv.Atoi(string(versions[0].Value)); err != nil {
				w.fail("%s reads %q at counter %s, at %s", p.name, versions[0].Value, k, start)
			}
		}
		r := w.note(txn.Transaction{Start: start}, puts(put(k, strconv.Itoa(n+delta))))
		r.adds, r.addend = k, delta
		_ = w.commit(ctx, p, r)
	}
}

// addition is one of a number that nobody else adds.
func (w *world) addition(k mvcc.Key) (mvcc.Mutation, int) {
	w.history.addend++
	n := w.history.addend
	return mvcc.Mutation{Op: mvcc.MutationAdd, Key: k, Value: []byte(strconv.Itoa(n))}, n
}
