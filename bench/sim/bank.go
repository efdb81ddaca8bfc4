package sim

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
	"github.com/shaledb/shale/txn"
)

// The keys: accounts in two shards, the ledger and some registers in the third.
const (
	accountCount  = 10
	registerCount = 6
	opening       = 1000
)

func account(i int) mvcc.Key  { return mvcc.Key(fmt.Sprintf("a%02d", i)) }
func register(i int) mvcc.Key { return mvcc.Key(fmt.Sprintf("r%d", i)) }

// ledger spreads the entries over the shard.
func ledger(id int) mvcc.Key { return mvcc.Key(fmt.Sprintf("l%d/%04d", id*7%10, id)) }

// balanceOf reads a balance: the number before the transaction's name.
func balanceOf(v []byte) (int, error) {
	text, _, _ := strings.Cut(string(v), " ")
	return strconv.Atoi(text)
}

// operate is one operation of a client.
func (w *world) operate(ctx context.Context, p *process) {
	if !w.banked() {
		if p == w.clients[0] && p.tasks[0] == w.current {
			w.open(ctx, p)
		}
		return
	}
	switch n := w.rng.IntN(100); {
	case n < 38:
		w.move(ctx, p)
	case n < 48:
		w.sum(ctx, p)
	case n < 60:
		w.autocommit(ctx, p)
	case n < 68:
		w.mix(ctx, p)
	case n < 82:
		w.look(ctx, p)
	case n < 88:
		w.count(ctx, p)
	case n < 94:
		w.again(ctx, p)
	case n < 96:
		w.split(ctx, p)
	default:
		w.handOver(ctx, p)
	}
}

// banked says whether the accounts are known to be open.
func (w *world) banked() bool { return w.opened != nil && w.opened.decision == mvcc.Committed }

// open opens all accounts in one transaction. One client does it, and sends the same Commit
// until it hears of the end.
func (w *world) open(ctx context.Context, p *process) {
	r := w.opened
	if r == nil || r.decision == mvcc.Aborted {
		start, err := p.coordinator.Now(ctx)
		if err != nil {
			return
		}
		var ms []mvcc.Mutation
		for i := range accountCount {
			ms = append(ms, mvcc.Mutation{Op: mvcc.MutationInsert, Key: account(i), Value: []byte(strconv.Itoa(opening))})
		}
		r = w.begin(start, ms)
		w.opened = r
	}
	ts, err := p.coordinator.Commit(ctx, txn.Transaction{Start: r.start}, r.content)
	w.heard(p, r, ts, err)
}

// move moves money between two accounts and enters it in the ledger.
func (w *world) move(ctx context.Context, p *process) {
	w.history.transfer++
	w.moveOnce(ctx, p, w.history.transfer)
}

func (w *world) moveOnce(ctx context.Context, p *process, id int) (*record, error) {
	from, to := w.rng.IntN(accountCount), w.rng.IntN(accountCount-1)
	if to >= from {
		to++
	}
	start, versions, err := w.read(ctx, p, account(from), account(to))
	if err != nil {
		return nil, err
	}
	var balances [2]int
	for i, v := range versions {
		if balances[i], err = balanceOf(v.Value); err != nil {
			w.fail("%s reads %q at account %s, at %s", p.name, v.Value, v.Key, start)
			return nil, err
		}
	}
	amount := 1 + w.rng.IntN(100)
	if balances[0] < amount {
		return nil, nil
	}
	put := func(k mvcc.Key, text string) mvcc.Mutation {
		return mvcc.Mutation{Op: mvcc.MutationPut, Key: k, Value: []byte(text)}
	}
	ms := []mvcc.Mutation{put(account(from), strconv.Itoa(balances[0]-amount)),
		put(account(to), strconv.Itoa(balances[1]+amount)),
		put(ledger(id), fmt.Sprintf("%d %d %d", from, to, amount))}
	if w.chance(0.5) && w.opt.Mutant != BlindRerun {
		ms[2].Op = mvcc.MutationInsert
	}
	if other := account(w.rng.IntN(accountCount)); w.chance(0.2) && other != account(from) && other != account(to) {
		ms = append(ms, mvcc.Mutation{Op: mvcc.MutationCheckExists, Key: other})
	}
	w.rng.Shuffle(len(ms), func(i, j int) { ms[i], ms[j] = ms[j], ms[i] })
	r := w.begin(start, ms)
	r.transfer = id
	ts, err := p.coordinator.Commit(ctx, txn.Transaction{Start: start}, r.content)
	w.heard(p, r, ts, err)
	return r, err
}

// read begins a transaction and reads keys in it.
func (w *world) read(ctx context.Context, p *process, keys ...mvcc.Key) (timestamp.Timestamp, []mvcc.Version, error) {
	start, err := p.coordinator.Now(ctx)
	if err != nil {
		return 0, nil, err
	}
	_, versions, err := p.coordinator.Get(ctx, txn.Read{TS: start, Own: start}, keys)
	if err != nil {
		return 0, nil, w.passing(p, "a read", err)
	}
	for i, v := range versions {
		w.counts.Reads++
		w.history.seen = append(w.history.seen,
			seen{at: start, key: keys[i], commitTS: v.CommitTS, startTS: v.StartTS})
	}
	return start, versions, nil
}

// look reads the newest of some keys, outside of any transaction.
func (w *world) look(ctx context.Context, p *process) {
	keys := []mvcc.Key{account(w.rng.IntN(accountCount))}
	if w.chance(0.4) {
		keys = append(keys, register(w.rng.IntN(registerCount)))
	}
	least := make([]timestamp.Timestamp, len(keys))
	for i, k := range keys {
		least[i] = w.history.acked[k]
	}
	at, versions, err := p.coordinator.Get(ctx, txn.Read{}, keys)
	if err != nil {
		_ = w.passing(p, "a newest read", err)
		return
	}
	for i, v := range versions {
		w.counts.Reads++
		s := seen{at: at, least: least[i], key: keys[i], commitTS: v.CommitTS, startTS: v.StartTS}
		w.history.seen = append(w.history.seen, s)
		w.checkFresh(p, s)
	}
}

// autocommit sets registers to values of which nothing was read.
func (w *world) autocommit(ctx context.Context, p *process) {
	ms := []mvcc.Mutation{{Op: mvcc.MutationPut, Key: register(w.rng.IntN(registerCount)), Value: []byte("auto")}}
	if w.chance(0.2) {
		w.history.transfer++ // a key of its own, in another shard as a rule
		ms = append(ms, mvcc.Mutation{Op: mvcc.MutationPut,
			Key: mvcc.Key(fmt.Sprintf("b/%d", w.history.transfer)), Value: []byte("auto")})
	}
	r := w.begin(0, ms)
	ts, err := p.coordinator.Autocommit(ctx, r.content)
	w.heard(p, r, ts, err)
}

// mix reads some registers and writes or deletes others.
func (w *world) mix(ctx context.Context, p *process) {
	order := w.rng.Perm(registerCount)
	start, _, err := w.read(ctx, p, register(order[0]), register(order[1]))
	if err != nil {
		return
	}
	var ms []mvcc.Mutation
	for _, i := range order[1 : 2+w.rng.IntN(3)] {
		m := mvcc.Mutation{Op: mvcc.MutationPut, Key: register(i), Value: []byte("mix")}
		if w.chance(0.3) { // a value with a row of its own
			m.Value = bytes.Repeat([]byte("mix "), mvcc.InlineValueSize/4+1)
		}
		if w.chance(0.3) {
			m = mvcc.Mutation{Op: mvcc.MutationDelete, Key: register(i)}
		}
		ms = append(ms, m)
	}
	r := w.begin(start, ms)
	ts, err := p.coordinator.Commit(ctx, txn.Transaction{Start: start}, r.content)
	w.heard(p, r, ts, err)
}

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
	if n := w.rng.IntN(100); n < 60 && !r.auto {
		ts, err := p.coordinator.Commit(ctx, txn.Transaction{Start: r.start}, r.content)
		w.repeated(p, r, ts, err)
	} else {
		w.ask(ctx, p, r, n > 90)
	}
}

// ask asks for a transaction's outcome, and with decide puts an end to it.
func (w *world) ask(ctx context.Context, p *process, r *record, decide bool) bool {
	status, err := mvcc.TxnStatus{}, error(nil)
	if decide {
		status, err = p.coordinator.Rollback(ctx, txn.Transaction{Start: r.start, Primary: r.primary()})
	} else {
		status, err = p.coordinator.Outcome(ctx, r.start, r.primary())
	}
	if err != nil {
		_ = w.passing(p, "an outcome", err)
		return false
	}
	if status.Decision == mvcc.Committed {
		w.acknowledge(r, status.CommitTS)
	}
	if status.Decision != mvcc.Undecided {
		w.decided(p, r, status.Decision, status.CommitTS)
	}
	return status.Decision != mvcc.Undecided
}
