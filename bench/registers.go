package bench

import (
	"context"
	"math/rand/v2"
	"strconv"

	"github.com/shaledb/shale/bench/history"
	"github.com/shaledb/shale/bench/register"
	"github.com/shaledb/shale/mvcc"
)

// registers reads and writes single keys without transactions, and writes down what each
// operation saw. Verify asks package register whether they were linearizable.
type registers struct {
	numbered
	notebook
	mix  mix
	keys *rotation
	most int64 // values are below it: few, so that a swap often finds what it expects
}

func newRegisters(p *propertyReader) (*registers, error) {
	w := &registers{numbered: newNumbered("register/"), most: 5}
	keys, uses := p.integer("keycount", 12), p.integer("maxuses", 200)
	w.mix = mix{{register.Get, p.number("get", 0.4)}, {register.Put, p.number("put", 0.2)},
		{register.Add, p.number("add", 0.2)}, {register.CAS, p.number("cas", 0.2)}}
	path := p.text("history", "")
	switch {
	case keys < 1 || uses < 1:
		p.fail("keycount", strconv.FormatInt(keys, 10), "at least 1, as is maxuses")
	case w.mix.total() <= 0:
		p.fail("get", "0", "positive, or another share is")
	}
	if err := p.finish(); err != nil {
		return nil, err // before a file is made
	}
	w.keys = newRotation(int(keys), int(uses))
	var err error
	w.notebook, err = openNotebook(path, history.Header{Kind: kindOfRegisters})
	return w, err
}

// registerOp is one operation to be.
type registerOp struct {
	do         string
	process    int
	key        mvcc.Key
	old, value int64
}

// Kind is what it does.
func (o *registerOp) Kind() string { return o.do }

// Prepare has nothing to do: every run has registers of its own.
func (w *registers) Prepare(context.Context, Store, int) error { return nil }

func (w *registers) Generate(rng *rand.Rand, thread int) Op {
	return &registerOp{do: w.mix.choose(rng), process: thread, key: w.key(w.keys.next(rng)),
		old: rng.Int64N(w.most), value: rng.Int64N(w.most)}
}

// Execute does the operation and writes down what it saw.
func (w *registers) Execute(ctx context.Context, s Store, op Op) (int, error) {
	o := op.(*registerOp)
	t, err := transactor(s, "registers")
	if err != nil {
		return 0, err
	}
	rec := register.Op{Process: o.process, Do: o.do, Key: o.key, Begin: w.now()}
	switch o.do {
	case register.Get:
		err = w.get(ctx, t, &rec)
	case register.Put:
		rec.Value = o.value
		err = t.Put(ctx, o.key, number(o.value))
	case register.Add:
		rec.Value = 1 + o.value
		err = t.Add(ctx, o.key, rec.Value)
	default:
		rec.Old, rec.Value = o.old, o.value
		err = t.Swap(ctx, o.key, number(o.old), number(o.value))
		if rec.Found = err == nil; isA[*mvcc.CheckFailedError](err) {
			err = nil // that is an answer
		}
	}
	switch {
	case err == nil:
		rec.Outcome = history.OK
	case definite(err):
		rec.Outcome = history.Aborted
	default:
		rec.Outcome = history.Unknown
	}
	if rec.Outcome != history.Unknown {
		rec.End = w.now()
	}
	rec.Heard = heard(err, rec.Outcome)
	return 0, joined(err, w.write(&rec))
}

func (w *registers) get(ctx context.Context, t Transactor, rec *register.Op) error {
	value, found, err := t.Get(ctx, rec.Key)
	if err != nil || !found {
		return err
	}
	rec.Found = true
	rec.Value, err = strconv.ParseInt(string(value), 10, 64)
	if err != nil {
		return brokenf("the register at %s holds %s", mvcc.FormatKey(rec.Key), mvcc.FormatValue(value, 40))
	}
	return nil
}

func number(n int64) []byte { return strconv.AppendInt(nil, n, 10) }

// Verify judges the history.
func (w *registers) Verify(context.Context, Store) ([]string, error) {
	if err := w.flush(); err != nil {
		return nil, err
	}
	findings, err := CheckHistory(w.path, history.SnapshotIsolation)
	return w.verdict(findings, err)
}
