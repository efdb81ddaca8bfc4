package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"

	"github.com/shaledb/shale/bench/history"
	"github.com/shaledb/shale/mvcc"
)

// skew is the textbook's write skew: pairs of accounts, of which one may be overdrawn as long
// as both together are not. A withdrawal reads both and writes one; two at once, one from
// each, can break the rule under snapshot isolation, where that is counted. A serializable
// store never lets anybody see it broken.
type skew struct {
	level       history.Level
	pairs       int
	withdrawals atomic.Int64
	broken      atomic.Int64 // rules found broken, and mended
}

// skewStart is what each account of a pair begins with, and is given back when both run low.
const skewStart = 100

func newSkew(p *propertyReader) (*skew, error) {
	w := &skew{level: history.Level(p.choice("check", string(history.SnapshotIsolation), string(history.Serializable))),
		pairs: int(p.integer("pairs", 8))}
	if w.pairs < 1 {
		p.fail("pairs", strconv.Itoa(w.pairs), "at least 1")
	}
	return w, p.err
}

// pair are the two accounts' keys: far apart, so that they lie in two shards if there are two.
func (w *skew) pair(i int) (a, b mvcc.Key) {
	return mvcc.Key(fmt.Sprintf("skew/a/%06d", i)), mvcc.Key(fmt.Sprintf("skew/b/%06d", i))
}

// SplitKeys puts the two accounts of a pair into different shards.
func (w *skew) SplitKeys(n int) []mvcc.Key {
	var a, b []mvcc.Key
	for i := range w.pairs {
		ka, kb := w.pair(i)
		a, b = append(a, ka), append(b, kb)
	}
	out := append(quantiles(a, n-n/2), "skew/b/")
	return append(out, quantiles(b, n/2)...)
}

// Prepare opens the accounts, or brings those of an earlier run back to their start.
func (w *skew) Prepare(ctx context.Context, s Store, _ int) error {
	for i := range w.pairs {
		a, b := w.pair(i)
		err := s.Update(ctx, func(_ context.Context, tx Tx) error {
			if err := tx.Put(a, number(skewStart)); err != nil {
				return err
			}
			return tx.Put(b, number(skewStart))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

type withdrawal struct {
	pair   int
	second bool
	amount int64
}

// Kind is "withdraw".
func (o *withdrawal) Kind() string { return "withdraw" }

func (w *skew) Generate(rng *rand.Rand, _ int) Op {
	return &withdrawal{rng.IntN(w.pairs), rng.IntN(2) == 0, 1 + rng.Int64N(skewStart)}
}

// Execute withdraws, or fills a pair up again that has run low or is broken.
func (w *skew) Execute(ctx context.Context, s Store, op Op) (int, error) {
	t, err := transactor(s, "skew")
	if err != nil {
		return 0, err
	}
	o, runs, found := op.(*withdrawal), 0, int64(0)
	a, b := w.pair(o.pair)
	err = t.UpdateAs(ctx, Kind{Serializable: w.level == history.Serializable}, func(ctx context.Context, tx Tx) error {
		runs++
		values, err := tx.Get(ctx, a, b)
		if err != nil {
			return err
		}
		first, second, err := bothOf(a, b, values)
		if err != nil {
			return err
		}
		if found = first + second; found < 0 && w.level == history.Serializable {
			return brokenf("a serializable transaction finds %d and %d at %s and %s: overdrawn", first, second,
				mvcc.FormatKey(a), mvcc.FormatKey(b))
		}
		if found < o.amount {
			if err := tx.Put(a, number(skewStart)); err != nil {
				return err
			}
			return tx.Put(b, number(skewStart))
		}
		if o.second {
			return tx.Put(b, number(second-o.amount))
		}
		return tx.Put(a, number(first-o.amount))
	})
	if err == nil {
		w.withdrawals.Add(1)
		if found < 0 {
			w.broken.Add(1)
		}
	}
	return max(runs-1, 0), err
}

func bothOf(a, b mvcc.Key, values [][]byte) (first, second int64, err error) {
	first, errA := strconv.ParseInt(string(values[0]), 10, 64)
	second, errB := strconv.ParseInt(string(values[1]), 10, 64)
	if errA != nil || errB != nil {
		return 0, 0, brokenf("the accounts %s and %s hold %q and %q", mvcc.FormatKey(a), mvcc.FormatKey(b), values[0], values[1])
	}
	return first, second, nil
}

// Verify looks at all pairs once more.
func (w *skew) Verify(ctx context.Context, s Store) ([]string, error) {
	for i := range w.pairs {
		a, b := w.pair(i)
		err := s.Update(ctx, func(ctx context.Context, tx Tx) error {
			values, err := tx.Get(ctx, a, b)
			if err != nil {
				return err
			}
			first, second, err := bothOf(a, b, values)
			if err != nil || first+second >= 0 {
				return err
			}
			if w.level == history.Serializable {
				return brokenf("%s and %s are overdrawn: %d and %d", mvcc.FormatKey(a), mvcc.FormatKey(b), first, second)
			}
			w.broken.Add(1)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if w.level == history.Serializable {
		return []string{fmt.Sprintf("write skew: none in %d withdrawals, nor may there be", w.withdrawals.Load())}, nil
	}
	return []string{fmt.Sprintf("write skew, which snapshot isolation allows: %d in %d withdrawals", w.broken.Load(),
		w.withdrawals.Load())}, nil
}
