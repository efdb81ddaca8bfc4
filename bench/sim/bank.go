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

// operation is one thing that a client does, and how often.
type operation struct {
	share int
	do    func(ctx context.Context, p *process)
}

// operations are all that clients do.
func (w *world) operations() []operation {
	return []operation{{22, w.move}, {10, w.moveClaimed}, {8, func(ctx context.Context, p *process) { w.sum(ctx, p) }}, {9, w.autocommit}, {7, w.mix}, {10, w.look}, {4, w.past},
		{5, w.count}, {7, w.add}, {8, w.skew}, {4, w.relieve}, {3, w.forUpdate}, {10, w.listTxn}, {6, w.again}, {3, w.twist}, {3, w.browse},
		{2, w.split}, {3, w.handOver}, {2, w.depose}, {2, w.storm}}
}

// operate is one operation of a client.
func (w *world) operate(ctx context.Context, p *process) {
	if !w.banked() {
		if p == w.clients[0] && p.tasks[0] == w.current {
			w.open(ctx, p)
		}
		return
	}
	if w.set.replica.OverlayBytes == 0 && w.chance(0.004) {
		w.large(ctx, p)
		return
	}
	all := w.operations()
	total := 0
	for _, o := range all {
		total += o.share
	}
	n := w.rng.IntN(total)
	for _, o := range all {
		if n -= o.share; n < 0 {
			o.do(ctx, p)
			return
		}
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
		r = w.begin(txn.Transaction{Start: start}, puts(ms...))
		w.opened = r
	}
	w.commit(ctx, p, r)
}

// commit sends the Commit of a record, and takes the answer in.
func (w *world) commit(ctx context.Context, p *process, r *record) error {
	ts, err := p.coordinator.Commit(ctx, r.tx, r.content)
	w.heard(p, r, ts, err)
	return err
}

// move moves money between two accounts and enters it in the ledger.
func (w *world) move(ctx context.Context, p *process) {
	w.history.transfer++
	w.moveOnce(ctx, p, w.history.transfer)
}

func (w *world) moveOnce(ctx context.Context, p *process, id int) (*record, error) {
	from, to := w.twoAccounts()
	start, versions, err := w.read(ctx, p, account(from), account(to))
	if err != nil {
		return nil, err
	}
	ms, ok := w.movement(p, start, versions, id, from, to)
	if !ok {
		return nil, nil
	}
	if w.chance(0.5) && w.opt.Mutant != BlindRerun {
		ms[2].Op = mvcc.MutationInsert
	}
	if other := account(w.some(accountCount)); w.chance(0.2) && other != account(from) && other != account(to) {
		ms = append(ms, mvcc.Mutation{Op: mvcc.MutationCheckExists, Key: other})
	}
	w.rng.Shuffle(len(ms), func(i, j int) { ms[i], ms[j] = ms[j], ms[i] })
	r := w.begin(txn.Transaction{Start: start}, puts(ms...))
	r.transfer = id
	return r, w.commit(ctx, p, r)
}

// movement is what moving some money writes: both accounts and an entry of the ledger. Not ok:
// there is no money to move.
func (w *world) movement(p *process, at timestamp.Timestamp, versions []mvcc.Version, id, from, to int) ([]mvcc.Mutation, bool) {
	var balances [2]int
	for i, v := range versions {
		var err error
		if balances[i], err = balanceOf(v.Value); err != nil {
			w.fail("%s reads %q at account %s, at %s", p.name, v.Value, v.Key, at)
			return nil, false
		}
	}
	amount := 1 + w.rng.IntN(100)
	if balances[0] < amount {
		return nil, false
	}
	return []mvcc.Mutation{put(account(from), strconv.Itoa(balances[0]-amount)), put(account(to), strconv.Itoa(balances[1]+amount)),
		put(ledger(id), fmt.Sprintf("%d %d %d", from, to, amount))}, true
}

// twoAccounts are two different ones.
func (w *world) twoAccounts() (from, to int) {
	from = w.some(accountCount)
	for to = from; to == from; {
		to = w.some(accountCount)
	}
	return from, to
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
	w.saw(start, keys, versions)
	return start, versions, nil
}

// look reads the newest of some keys, outside of any transaction.
func (w *world) look(ctx context.Context, p *process) {
	keys := []mvcc.Key{account(w.some(accountCount))}
	if w.chance(0.6) {
		keys = append(keys, pick(w, []mvcc.Key{account(w.some(accountCount)), register(w.some(registerCount)), pick(w, tallies())}))
	}
	w.readNewest(ctx, p, keys)
}

// autocommit sets registers to values of which nothing was read.
func (w *world) autocommit(ctx context.Context, p *process) {
	ms := []mvcc.Mutation{{Op: mvcc.MutationPut, Key: register(w.some(registerCount)), Value: []byte("auto")}}
	if w.chance(0.2) {
		w.history.transfer++ // a key of its own, in another shard as a rule
		ms = append(ms, mvcc.Mutation{Op: mvcc.MutationPut,
			Key: mvcc.Key(fmt.Sprintf("b/%d", w.history.transfer)), Value: []byte("auto")})
	}
	r := w.begin(txn.Transaction{}, puts(ms...))
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
		switch n := w.rng.IntN(10); {
		case n < 3:
			m = mvcc.Mutation{Op: mvcc.MutationDelete, Key: register(i)}
		case n < 5:
			m.Op = mvcc.MutationInsert
		}
		ms = append(ms, m)
	}
	_ = w.commit(ctx, p, w.begin(txn.Transaction{Start: start}, puts(ms...)))
}
