package elle

import (
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/bench/history"
	"github.com/shaledb/shale/mvcc"
)

// The twin tries every order in which the transactions could have been executed, and every
// choice of which unknown ones were committed. The checker has to agree with it, both ways:
// what it reports has no execution, and what has none it reports.
func TestAgreesWithTryingAllOrders(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
		seed = n
	}
	t.Logf("seed %d; SEED=%d replays it", seed, seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	verdicts := map[history.Level]map[bool]int{history.SnapshotIsolation: {}, history.Serializable: {}}
	for range 3000 {
		txns := generate(rng)
		for level, count := range verdicts {
			want := possible(txns, level)
			r := Check(txns, level)
			require.Equal(t, want, r.OK(), "seed %d, %s\n%s%s", seed, level, explain(r), describe(txns))
			count[want]++
		}
	}
	for level, count := range verdicts {
		t.Logf("%s: %d possible, %d not", level, count[true], count[false])
		require.Greater(t, min(count[true], count[false]), 300, "%s: the histories are too much alike", level)
	}
}

func describe(txns []history.Txn) string {
	out := ""
	for i := range txns {
		out += txns[i].Format() + ": " + txns[i].FormatOps() + "\n"
	}
	return out
}

// generate executes a few transactions in a random order, where each reads the state as it
// was at a random moment before its commit; and then, at times, changes what one has read.
func generate(rng *rand.Rand) []history.Txn {
	n := 2 + rng.IntN(3)
	txns := make([]history.Txn, n)
	state := []map[mvcc.Key][]int64{{}}
	value := int64(0)
	keys := []mvcc.Key{"x", "y", "z"}[:1+rng.IntN(3)]
	for i := range txns {
		tx := &txns[i]
		tx.Process, tx.Outcome = i+1, history.OK
		view := state[max(0, len(state)-1-rng.IntN(3))]
		next := maps.Clone(state[len(state)-1])
		own := map[mvcc.Key][]int64{}
		for range 1 + rng.IntN(3) {
			k := keys[rng.IntN(len(keys))]
			value++
			see := func() {
				tx.Ops = append(tx.Ops, history.Op{Do: history.Read, Key: k, List: slices.Concat(view[k], own[k])})
			}
			switch rng.IntN(4) {
			case 0, 1:
				see()
				continue
			case 2:
				see() // a client has to read what it appends to
				tx.Ops = append(tx.Ops, history.Op{Do: history.Append, Key: k, Value: value})
			case 3:
				tx.Ops = append(tx.Ops, history.Op{Do: history.AtomicAppend, Key: k, Value: value})
			}
			own[k] = append(own[k], value)
			next[k] = append(slices.Clip(next[k]), value)
		}
		switch rng.IntN(10) {
		case 0:
			tx.Outcome = history.Aborted
		case 1:
			tx.Outcome = history.Unknown
		}
		if tx.Outcome == history.OK || rng.IntN(8) == 0 {
			state = append(state, next)
		}
	}
	mutate(rng, txns, state[len(state)-1])
	times(rng, txns)
	rng.Shuffle(n, func(i, j int) { txns[i], txns[j] = txns[j], txns[i] })
	return txns
}

func mutate(rng *rand.Rand, txns []history.Txn, last map[mvcc.Key][]int64) {
	if rng.IntN(3) > 0 {
		return
	}
	tx := &txns[rng.IntN(len(txns))]
	op := &tx.Ops[rng.IntN(len(tx.Ops))]
	if op.Do != history.Read {
		return
	}
	list := slices.Clone(last[op.Key])
	if len(list) > 1 && rng.IntN(4) == 0 {
		list[0], list[1] = list[1], list[0]
	}
	op.List = list[:rng.IntN(len(list)+1)]
}

// times gives some of the transactions an order in real time, mostly that of execution.
func times(rng *rand.Rand, txns []history.Txn) {
	if rng.IntN(2) == 0 {
		return
	}
	for i := range txns {
		begin := 10*i - rng.IntN(25)
		txns[i].Begin, txns[i].End = time.Duration(begin), time.Duration(begin+1+rng.IntN(25))
		txns[i].Stale = rng.IntN(8) == 0 && !txns[i].Writes()
	}
}

// possible tries everything.
func possible(txns []history.Txn, level history.Level) bool {
	var unknown []int
	for i := range txns {
		if txns[i].Outcome == history.Unknown {
			unknown = append(unknown, i)
		}
	}
	for choice := range 1 << len(unknown) {
		var committed []*history.Txn
		for i := range txns {
			at := slices.Index(unknown, i)
			if txns[i].Outcome == history.OK || at >= 0 && choice>>at&1 == 1 {
				committed = append(committed, &txns[i])
			}
		}
		e := &execution{txns: committed, level: level, phase: make([]int, len(committed)),
			views: make([]map[mvcc.Key][]int64, len(committed)), now: map[mvcc.Key][]int64{}}
		if e.try(0) {
			return true
		}
	}
	return false
}

// execution is one under way: each transaction starts and commits, both at once where it is
// to be serializable.
type execution struct {
	txns  []*history.Txn
	level history.Level
	phase []int // 0: to start, 1: to commit, 2: done
	views []map[mvcc.Key][]int64
	now   map[mvcc.Key][]int64
}

func (e *execution) try(done int) bool {
	if done == len(e.txns) {
		return true
	}
	for i := range e.txns {
		switch {
		case e.phase[i] == 0 && e.mayStart(i):
			e.phase[i], e.views[i] = 1, maps.Clone(e.now)
			if e.level == history.Serializable {
				if e.commit(i, done) {
					return true
				}
			} else if e.try(done) {
				return true
			}
			e.phase[i] = 0
		case e.phase[i] == 1:
			if e.commit(i, done) {
				return true
			}
		}
	}
	return false
}

// mayStart: all that had ended before it began are committed.
func (e *execution) mayStart(i int) bool {
	for j, t := range e.txns {
		if t.Outcome == history.OK && !e.txns[i].Stale && t.End < e.txns[i].Begin && e.phase[j] != 2 {
			return false
		}
	}
	return true
}

func (e *execution) commit(i, done int) bool {
	next, ok := e.apply(i)
	if !ok {
		return false
	}
	before := e.now
	e.now, e.phase[i] = next, 2
	ok = e.try(done + 1)
	e.now, e.phase[i] = before, 1
	return ok
}

// apply is the state after the transaction, if all its reads are right and nobody has
// written meanwhile what it read and writes.
func (e *execution) apply(i int) (map[mvcc.Key][]int64, bool) {
	next, own := maps.Clone(e.now), map[mvcc.Key][]int64{}
	for _, op := range e.txns[i].Ops {
		view := e.views[i][op.Key]
		switch op.Do {
		case history.Read:
			if !slices.Equal(op.List, slices.Concat(view, own[op.Key])) {
				return nil, false
			}
			continue
		case history.Append:
			if !slices.Equal(view, e.now[op.Key]) {
				return nil, false
			}
		}
		own[op.Key] = append(own[op.Key], op.Value)
		next[op.Key] = append(slices.Clip(next[op.Key]), op.Value)
	}
	return next, true
}
