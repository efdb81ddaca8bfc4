package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/shaledb/shale/mvcc"
)

// newRaw makes one of the plain workloads, whose operations are all of one kind.
func newRaw(name string, p *propertyReader) (Workload, error) {
	if name == "transfer2" {
		return newTransfer2(p, "#")
	}
	w := &raw{kind: name, rows: 50}
	w.records.read(p, "")
	if p.err != nil {
		return nil, p.err
	}
	return w, nil
}

// raw reads, writes or scans uniformly chosen records of YCSB's table.
type raw struct {
	records
	kind string
	rows int
}

func (w *raw) Prepare(ctx context.Context, s Store, threads int) error {
	return w.load(ctx, s, threads, w.value)
}

func (w *raw) Generate(rng *rand.Rand, _ int) Op {
	op := &ycsbOp{kind: w.kind, key: w.key(rng.Uint64N(w.count)), rows: w.rows}
	if w.kind == "put" {
		op.value = w.value(op.key, rng)
	}
	return op
}

func (w *raw) Execute(ctx context.Context, s Store, op Op) (int, error) {
	switch o := op.(*ycsbOp); w.kind {
	case "put":
		return 0, s.Put(ctx, o.key, o.value)
	case "get":
		return 0, w.get(ctx, s, o.key)
	default:
		return 0, w.scanRows(ctx, s, o.key, o.rows)
	}
}

func (w *raw) Verify(ctx context.Context, s Store) ([]string, error) { return w.verify(ctx, s) }

// transfer2 moves one unit between two records that lie in two different shards, provided
// that the store is split at SplitKeys(shards). A record holds its key, a count, and filler
// up to its full size.
type transfer2 struct {
	records
	splits []mvcc.Key
	parts  [][]mvcc.Key // the records' keys by shard
}

// transferCount is what each record holds at the start.
const transferCount = 1_000_000

func newTransfer2(p *propertyReader, suffix string) (*transfer2, error) {
	w := &transfer2{}
	w.records.read(p, suffix)
	shards := int(p.integer("shards", 8))
	if shards < 2 {
		p.fail("shards", strconv.Itoa(shards), "at least 2")
	}
	if p.err != nil {
		return nil, p.err
	}
	w.splits = w.SplitKeys(shards)
	parts := make([][]mvcc.Key, shards)
	for n := range w.count {
		k := w.key(n)
		parts[w.shardOf(k)] = append(parts[w.shardOf(k)], k)
	}
	w.parts = slices.DeleteFunc(parts, func(p []mvcc.Key) bool { return len(p) == 0 })
	if len(w.parts) < 2 {
		return nil, &mvcc.InvalidError{Reason: "PROPERTY", What: "all records lie in one shard", Hint: "raise recordcount"}
	}
	return w, nil
}

// shardOf is the number of the shard that holds a record: a split key begins its shard.
func (w *transfer2) shardOf(k mvcc.Key) int {
	i, _ := slices.BinarySearch(w.splits, k.Successor())
	return i
}

type transfer2Op struct {
	from, to mvcc.Key
	filler   uint64
}

// Kind is "transfer2".
func (o *transfer2Op) Kind() string { return "transfer2" }

func (w *transfer2) Prepare(ctx context.Context, s Store, threads int) error {
	return w.load(ctx, s, threads, func(k mvcc.Key, rng *rand.Rand) []byte {
		return w.filled(k, transferCount, rng.Uint64())
	})
}

func (w *transfer2) Generate(rng *rand.Rand, _ int) Op {
	i := rng.IntN(len(w.parts))
	j := rng.IntN(len(w.parts) - 1)
	if j >= i {
		j++
	}
	from, to := w.parts[i], w.parts[j]
	return &transfer2Op{from[rng.IntN(len(from))], to[rng.IntN(len(to))], rng.Uint64()}
}

func (w *transfer2) Execute(ctx context.Context, s Store, op Op) (int, error) {
	o, runs := op.(*transfer2Op), 0
	err := s.Update(ctx, func(ctx context.Context, tx Tx) error {
		runs++
		values, err := tx.Get(ctx, o.from, o.to)
		if err != nil {
			return err
		}
		a, err := w.countOf(o.from, values[0])
		if err != nil {
			return err
		}
		b, err := w.countOf(o.to, values[1])
		if err != nil {
			return err
		}
		if err := tx.Put(o.from, w.filled(o.from, a-1, o.filler)); err != nil {
			return err
		}
		return tx.Put(o.to, w.filled(o.to, b+1, o.filler+1))
	})
	return max(runs-1, 0), err
}

// Verify sums all counts up in one scan.
func (w *transfer2) Verify(ctx context.Context, s Store) ([]string, error) {
	var sum int64
	var n uint64
	for e, err := range s.Scan(ctx, "user", "user:", 0) {
		if err != nil {
			return nil, err
		}
		if !strings.HasSuffix(string(e.Key), w.suffix) {
			continue // another workload's record
		}
		count, err := w.countOf(e.Key, e.Value)
		if err != nil {
			return nil, err
		}
		sum += count
		n++
	}
	if want := int64(w.count) * transferCount; n != w.count || sum != want {
		return nil, brokenf("%d records hold %d, but %d hold %d", n, sum, w.count, want)
	}
	return []string{fmt.Sprintf("%d records hold %d: right", n, sum)}, nil
}

// filled is a record: key, count, filler.
func (w *transfer2) filled(k mvcc.Key, count int64, seed uint64) []byte {
	v := w.value(k, rand.New(rand.NewPCG(seed, 0)))
	head := fmt.Sprintf("%s %d ", k, count)
	copy(v, head)
	return v
}

func (w *transfer2) countOf(k mvcc.Key, v []byte) (int64, error) {
	if v == nil {
		return 0, &NotFoundError{k}
	}
	if err := w.check(k, v); err != nil {
		return 0, err
	}
	text, _, _ := strings.Cut(string(v[len(k)+1:min(len(v), len(k)+25)]), " ")
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, brokenf("the record at %s holds no count: %s", mvcc.FormatKey(k), mvcc.FormatValue(v, 40))
	}
	return n, nil
}
