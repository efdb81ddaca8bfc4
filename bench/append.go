package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/shaledb/shale/bench/history"
	"github.com/shaledb/shale/mvcc"
)

// appending reads lists and appends to them, in transactions of all kinds at once, and writes
// down what each of them saw. Verify reads all lists once more and then looks for anomalies in
// the whole: package elle by the order in which values appear, package bytime by timestamps.
type appending struct {
	numbered
	notebook
	level  history.Level
	modes  mix
	lists  *rotation
	opsMin int
	opsMax int
	// impatient is the share of clients that do not wait for the answer to their Commit.
	impatient float64
	value     atomic.Int64
	process   atomic.Int64 // of Verify: nobody else's
	resolves  atomic.Int64
}

// newAppend reads the properties.
func newAppend(p *propertyReader) (*appending, error) {
	w := &appending{numbered: newNumbered("append/")}
	w.level = history.Level(p.choice("check", string(history.SnapshotIsolation), string(history.Serializable)))
	keys, appends := p.integer("keycount", 24), p.integer("maxappends", 64)
	w.opsMin, w.opsMax = int(p.integer("minops", 1)), int(p.integer("maxops", 5))
	w.impatient = p.number("impatient", 0.03)
	for _, m := range usualModes() {
		w.modes = append(w.modes, share{m.kind, p.number(m.kind, m.weight)})
	}
	path := p.text("history", "")
	switch {
	case keys < 1 || appends < 1:
		p.fail("keycount", strconv.FormatInt(keys, 10), "at least 1, as is maxappends")
	case w.opsMin < 1 || w.opsMax < w.opsMin:
		p.fail("maxops", strconv.Itoa(w.opsMax), "at least minops, which is at least 1")
	case w.modes.total() <= 0:
		p.fail(w.modes[0].kind, "0", "positive, or another mode's share is")
	}
	if err := p.finish(); err != nil {
		return nil, err // before a file is made
	}
	w.lists = newRotation(int(keys), int(appends))
	var err error
	w.notebook, err = openNotebook(path, history.Header{Kind: kindOfLists, Check: w.level})
	return w, err
}

// The modes of transactions, which are also the names of their shares.
const (
	modeOptimistic  = "optimistic"
	modePessimistic = "pessimistic" // lock, then read and write; some reads without a lock
	modeBlind       = "blind"       // appends that the store does; reads nothing
	modeReader      = "reader"
	modeStale       = "stale" // reads a past of a second at most
)

// usualModes are the modes and their shares. Held to be serializable, those that read and
// write ask for it. Under snapshot isolation appends by the store stand alone: they work on
// the list as it is at the commit, where a transaction's own reads may be older.
func usualModes() mix {
	return mix{{modeOptimistic, 0.35}, {modePessimistic, 0.3}, {modeBlind, 0.1}, {modeReader, 0.2}, {modeStale, 0.05}}
}

// appendOp is one transaction to be.
type appendOp struct {
	mode    string
	process int
	steps   []listStep
	fortune fortune
}

type listStep struct {
	do    history.Verb
	key   mvcc.Key
	value int64
	lock  bool // a pessimistic transaction's read: for update
	undo  bool // before it, something is appended and taken back
}

// Kind is the transaction's mode.
func (o *appendOp) Kind() string { return o.mode }

// Prepare has nothing to do: every run has lists of its own.
func (w *appending) Prepare(context.Context, Store, int) error { return nil }

func (w *appending) Generate(rng *rand.Rand, thread int) Op {
	op := &appendOp{mode: w.modes.choose(rng), process: thread}
	op.fortune = fortuneOf(rng, w.impatient, op.mode)
	for range w.opsMin + rng.IntN(w.opsMax-w.opsMin+1) {
		op.steps = append(op.steps, w.step(rng, op.mode))
	}
	return op
}

func (w *appending) step(rng *rand.Rand, mode string) listStep {
	s := listStep{do: history.Read}
	writes := rng.IntN(2) == 0
	switch {
	case mode == modeBlind:
		s.do = history.AtomicAppend
	case mode == modeReader || mode == modeStale || !writes:
		s.lock = rng.IntN(2) == 0
	case w.level == history.Serializable && rng.IntN(4) == 0:
		s.do = history.AtomicAppend
	default:
		s.do = history.Append
		s.undo = rng.IntN(10) == 0
	}
	s.key = w.key(w.lists.next(rng))
	if s.do.Appends() {
		s.value = w.value.Add(1)
	}
	return s
}

func (w *appending) kind(mode string) Kind {
	k := Kind{Serializable: w.level == history.Serializable}
	switch mode {
	case modePessimistic:
		k.Pessimistic = true
	case modeReader:
		k.ReadOnly = true
	case modeStale:
		k.ReadOnly, k.MaxStaleness = true, time.Second
	}
	return k
}

// Execute runs the transaction once, whatever comes of it, and writes it down.
func (w *appending) Execute(ctx context.Context, s Store, op Op) (int, error) {
	o := op.(*appendOp)
	t, err := transactor(s, "append")
	if err != nil {
		return 0, err
	}
	rec := history.Txn{Process: o.process, Mode: o.mode, Stale: o.mode == modeStale, Begin: w.now()}
	kind := w.kind(o.mode)
	rec.Unsteady = kind.Pessimistic
	tx, err := t.Begin(ctx, kind)
	if err != nil {
		return 0, err // there was no transaction
	}
	run := &listRun{w: w, tx: tx, rec: &rec, pessimistic: kind.Pessimistic}
	if err = run.steps(ctx, o.steps); err != nil {
		rec.Outcome = history.Aborted // its Commit was never sent
		run.giveUp(ctx)
	} else {
		err = run.commit(ctx, o.fortune)
	}
	return 0, joined(err, run.note(err))
}

// joined is the error of a transaction, and that of writing it down, which would end all.
func joined(err, noted error) error {
	if noted != nil {
		return brokenf("the history cannot be written: %v", noted)
	}
	return err
}

// Verify reads every list of the run once more, and judges the history.
func (w *appending) Verify(ctx context.Context, s Store) ([]string, error) {
	t, err := transactor(s, "append")
	if err != nil {
		return nil, err
	}
	if err := w.readAll(ctx, t); err != nil {
		return nil, err
	}
	if err := w.flush(); err != nil {
		return nil, err
	}
	findings, err := CheckHistory(w.path, w.level)
	if n := w.resolves.Load(); n > 0 {
		findings = append(findings, fmt.Sprintf("asked again after an open outcome: %d transactions", n))
	}
	return w.verdict(findings, err)
}

// finalChunk is how many lists one of the last transactions reads.
const finalChunk = 32

func (w *appending) readAll(ctx context.Context, t Transactor) error {
	n := w.lists.all()
	for i := 0; i < n; i += finalChunk {
		rec := history.Txn{Process: int(w.process.Add(-1)), Mode: modeReader, Begin: w.now()}
		tx, err := t.Begin(ctx, w.kind(modeReader))
		if err != nil {
			return err
		}
		run := &listRun{w: w, tx: tx, rec: &rec}
		keys := make([]mvcc.Key, 0, finalChunk)
		for at := i; at < min(i+finalChunk, n); at++ {
			keys = append(keys, w.key(at))
		}
		if err := run.read(ctx, false, keys...); err != nil {
			return err
		}
		if err := run.commit(ctx, fortune{}); err != nil {
			return err
		}
		if err := run.note(nil); err != nil {
			return err
		}
	}
	return nil
}
