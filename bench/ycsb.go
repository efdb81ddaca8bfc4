package bench

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/shaledb/shale/mvcc"
)

// ycsb is the core workload of the Yahoo! Cloud Serving Benchmark (Cooper et al., SoCC
// 2010), with its properties and their defaults. One thing differs: a record is one value,
// so a read reads and an update writes all of its fields (readallfields and writeallfields
// are both true).
type ycsb struct {
	records
	mix      mix
	choose   chooser
	inserted *sequence
	scanMin  int
	scan     chooser // length, above scanMin
}

// newYCSB reads the properties.
func newYCSB(p *propertyReader) (*ycsb, error) {
	w := &ycsb{}
	w.records.read(p, "")
	w.mix = mix{
		{"read", p.number("readproportion", 0.95)},
		{"update", p.number("updateproportion", 0.05)},
		{"insert", p.number("insertproportion", 0)},
		{"scan", p.number("scanproportion", 0)},
		{"read-modify-write", p.number("readmodifywriteproportion", 0)},
	}
	if w.mix.total() <= 0 {
		p.fail("readproportion", "0", "positive, or another proportion is")
	}
	distribution := p.choice("requestdistribution", "uniform", "zipfian", "latest")
	shortest, longest := p.integer("minscanlength", 1), p.integer("maxscanlength", 1000)
	lengths := p.choice("scanlengthdistribution", "uniform", "zipfian")
	if shortest < 1 || longest < shortest {
		p.fail("maxscanlength", fmt.Sprint(longest), "at least minscanlength, which is at least 1")
	}
	if p.err != nil {
		return nil, p.err
	}
	w.inserted = newSequence(w.count)
	switch distribution {
	case "uniform":
		w.choose = uniform{w.count}
	case "zipfian":
		w.choose = newScrambled(w.count)
	case "latest":
		w.choose = newLatest(w.inserted)
	}
	w.scanMin, w.scan = int(shortest), uniform{uint64(longest - shortest + 1)}
	if lengths == "zipfian" {
		w.scan = newZipfian(uint64(longest - shortest + 1))
	}
	return w, nil
}

// ycsbOp is one operation on one record, or from it on.
type ycsbOp struct {
	kind   string
	record uint64
	key    mvcc.Key
	value  []byte // what it writes
	rows   int    // of a scan
}

// Kind is YCSB's name of it.
func (o *ycsbOp) Kind() string { return o.kind }

func (w *ycsb) Prepare(ctx context.Context, s Store, threads int) error {
	return w.load(ctx, s, threads, w.value)
}

func (w *ycsb) Generate(rng *rand.Rand, _ int) Op {
	op := &ycsbOp{kind: w.mix.choose(rng)}
	if op.kind == "insert" {
		op.record = w.inserted.take()
	} else {
		op.record = w.choose.next(rng)
	}
	op.key = w.key(op.record)
	switch op.kind {
	case "insert", "update", "read-modify-write":
		op.value = w.value(op.key, rng)
	case "scan":
		op.rows = w.scanMin + int(w.scan.next(rng))
	}
	return op
}

func (w *ycsb) Execute(ctx context.Context, s Store, op Op) (int, error) {
	o := op.(*ycsbOp)
	switch o.kind {
	case "read":
		return 0, w.get(ctx, s, o.key)
	case "insert":
		// Done or not, later reads may ask for it: as in YCSB, a failed insert is a record
		// that is not found.
		defer w.inserted.finish(o.record)
		return 0, s.Put(ctx, o.key, o.value)
	case "update":
		return 0, s.Put(ctx, o.key, o.value)
	case "scan":
		return 0, w.scanRows(ctx, s, o.key, o.rows)
	}
	runs := 0
	err := s.Update(ctx, func(ctx context.Context, tx Tx) error {
		runs++
		values, err := tx.Get(ctx, o.key)
		if err != nil {
			return err
		}
		if values[0] == nil {
			return &NotFoundError{o.key}
		}
		if err := w.check(o.key, values[0]); err != nil {
			return err
		}
		return tx.Put(o.key, o.value)
	})
	return max(runs-1, 0), err
}

func (w *ycsb) Verify(ctx context.Context, s Store) ([]string, error) { return w.verify(ctx, s) }

// get reads one record and looks at it.
func (r *records) get(ctx context.Context, s Store, k mvcc.Key) error {
	v, found, err := s.Get(ctx, k)
	if err != nil {
		return err
	}
	if !found {
		return &NotFoundError{k}
	}
	return r.check(k, v)
}

// scanRows reads rows from k on; the table's end may cut it short.
func (r *records) scanRows(ctx context.Context, s Store, k mvcc.Key, rows int) error {
	last, n := mvcc.Key(""), 0
	for e, err := range s.Scan(ctx, k, "user:", rows) { // ":" comes after the digits
		if err != nil {
			return err
		}
		if e.Key < k || e.Key <= last {
			return brokenf("a scan from %s yields %s after %s", mvcc.FormatKey(k), mvcc.FormatKey(e.Key), mvcc.FormatKey(last))
		}
		last = e.Key
		n++
	}
	if n == 0 {
		return &NotFoundError{k}
	}
	return nil
}

// mix is the kinds of operations and their shares.
type mix []share

type share struct {
	kind   string
	weight float64
}

func (m mix) total() float64 {
	sum := 0.0
	for _, s := range m {
		sum += s.weight
	}
	return sum
}

func (m mix) choose(rng *rand.Rand) string {
	at := rng.Float64() * m.total()
	for _, s := range m {
		if at < s.weight {
			return s.kind
		}
		at -= s.weight
	}
	for _, s := range m { // rounding took us past the end
		if s.weight > 0 {
			return s.kind
		}
	}
	return ""
}

// Preset is one of YCSB's six standard mixes, by its letter.
func Preset(letter string) (Properties, error) {
	p := Properties{"recordcount": "1000", "readproportion": "0", "updateproportion": "0",
		"scanproportion": "0", "insertproportion": "0", "requestdistribution": "zipfian"}
	switch letter {
	case "a": // session store
		return p.Merge(Properties{"readproportion": "0.5", "updateproportion": "0.5"}), nil
	case "b": // photo tagging
		return p.Merge(Properties{"readproportion": "0.95", "updateproportion": "0.05"}), nil
	case "c": // profile cache
		return p.Merge(Properties{"readproportion": "1"}), nil
	case "d": // status updates
		return p.Merge(Properties{"readproportion": "0.95", "insertproportion": "0.05",
			"requestdistribution": "latest"}), nil
	case "e": // threaded conversations
		return p.Merge(Properties{"scanproportion": "0.95", "insertproportion": "0.05",
			"maxscanlength": "100", "scanlengthdistribution": "uniform"}), nil
	case "f": // user database
		return p.Merge(Properties{"readproportion": "0.5", "readmodifywriteproportion": "0.5"}), nil
	}
	return nil, &mvcc.InvalidError{Reason: "WORKLOAD", What: fmt.Sprintf("YCSB has no workload %q", letter),
		Hint: "there are a, b, c, d, e and f"}
}
