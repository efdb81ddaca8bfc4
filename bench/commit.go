package bench

import (
	"context"
	"math/rand/v2"

	"github.com/shaledb/shale/mvcc"
)

// The three ways to commit, as transactions that take them.
const (
	OnePhase = "one-phase" // two records of one shard
	AsyncWay = "async"     // two records of two shards
	TwoPhase = "two-phase" // the same, and a third one was read: serializable, so validated
	allWays  = "mixed"     // all of them in turn, in one run
)

// commits writes two records in each transaction, without looking at them, in one of the ways
// to commit: so their costs can be told apart, and their latencies compared in one run.
type commits struct {
	*transfer2
	way string
}

func newCommits(p *propertyReader) (*commits, error) {
	way := p.choice("kind", allWays, OnePhase, AsyncWay, TwoPhase)
	t, err := newTransfer2(p, "+") // records of its own: transfer2's have to keep their sum
	return &commits{t, way}, err
}

type commitOp struct {
	way   string
	pair  *transfer2Op
	third mvcc.Key // read, where the way is two-phase
}

// Kind is the way that it is committed.
func (o *commitOp) Kind() string { return o.way }

// Generate draws records so that they lie in one shard, or in two.
func (w *commits) Generate(rng *rand.Rand, thread int) Op {
	way := w.way
	if way == allWays {
		way = []string{OnePhase, AsyncWay, TwoPhase}[rng.IntN(3)]
	}
	pair := w.transfer2.Generate(rng, thread).(*transfer2Op)
	if way == OnePhase {
		part := w.parts[rng.IntN(len(w.parts))]
		i := rng.IntN(len(part))
		pair.from, pair.to = part[i], part[(i+1)%len(part)]
	}
	return &commitOp{way, pair, w.transfer2.Generate(rng, thread).(*transfer2Op).from}
}

// Execute writes the two.
func (w *commits) Execute(ctx context.Context, s Store, op Op) (int, error) {
	t, err := transactor(s, "commit")
	if err != nil {
		return 0, err
	}
	o, runs := op.(*commitOp), 0
	err = t.UpdateAs(ctx, Kind{Serializable: o.way == TwoPhase}, func(ctx context.Context, tx Tx) error {
		runs++
		if o.way == TwoPhase {
			if _, err := tx.Get(ctx, o.third); err != nil {
				return err
			}
		}
		if err := tx.Put(o.pair.from, w.filled(o.pair.from, transferCount, o.pair.filler)); err != nil {
			return err
		}
		return tx.Put(o.pair.to, w.filled(o.pair.to, transferCount, o.pair.filler+1))
	})
	return max(runs-1, 0), err
}
