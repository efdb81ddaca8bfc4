package bench

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/shaledb/shale/mvcc"
)

// contend reads and writes two records in each transaction, chosen by a Zipf distribution of
// any skew: the higher it is, the more often transactions meet. Its reports' retries are the
// transactions that were aborted and run again.
type contend struct {
	records
	kind    Kind
	popular []float64 // the share of the n+1 most popular records
}

func newContend(p *propertyReader) (*contend, error) {
	w := &contend{}
	w.records.read(p, "~")
	switch p.choice("mode", modeOptimistic, modePessimistic, "serializable") {
	case modePessimistic:
		w.kind.Pessimistic = true
	case "serializable":
		w.kind.Serializable = true
	}
	theta := p.number("theta", 0.9)
	if w.count < 2 {
		p.fail("recordcount", strconv.FormatUint(w.count, 10), "at least 2")
	}
	if p.err != nil {
		return nil, p.err
	}
	w.popular = zipfShares(int(w.count), theta)
	return w, nil
}

// zipfShares is the running sum of 1/i^theta, up to 1. Gray's generator (distribution.go) is
// for a theta below 1 only; with a table every skew is exact.
func zipfShares(n int, theta float64) []float64 {
	shares := make([]float64, n)
	sum := 0.0
	for i := range shares {
		sum += math.Pow(float64(i+1), -theta)
		shares[i] = sum
	}
	for i := range shares {
		shares[i] /= sum
	}
	return shares
}

type contendOp struct{ first, second mvcc.Key }

// Kind is "contend".
func (o *contendOp) Kind() string { return "contend" }

// Prepare loads the records.
func (w *contend) Prepare(ctx context.Context, s Store, threads int) error {
	return w.load(ctx, s, threads, w.value)
}

func (w *contend) choose(rng *rand.Rand) uint64 {
	i, _ := slices.BinarySearch(w.popular, rng.Float64())
	return uint64(min(i, len(w.popular)-1))
}

// Generate draws two different records.
func (w *contend) Generate(rng *rand.Rand, _ int) Op {
	a, b := w.choose(rng), w.choose(rng)
	for b == a {
		b = w.choose(rng)
	}
	return &contendOp{w.key(a), w.key(b)}
}

// Execute reads both records, and writes both.
func (w *contend) Execute(ctx context.Context, s Store, op Op) (int, error) {
	t, err := transactor(s, "contend")
	if err != nil {
		return 0, err
	}
	o, runs := op.(*contendOp), 0
	err = t.UpdateAs(ctx, w.kind, func(ctx context.Context, tx Tx) error {
		runs++
		values, err := tx.Get(ctx, o.first, o.second)
		if err != nil {
			return err
		}
		for i, k := range []mvcc.Key{o.first, o.second} {
			if values[i] == nil {
				return &NotFoundError{k}
			}
			if err := w.check(k, values[i]); err != nil {
				return err
			}
			if err := tx.Put(k, slices.Clone(values[i])); err != nil {
				return err
			}
		}
		return nil
	})
	return max(runs-1, 0), err
}

// Verify reads a sample of the records.
func (w *contend) Verify(ctx context.Context, s Store) ([]string, error) { return w.verify(ctx, s) }
