package register

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/shaledb/shale/bench/history"
	"github.com/shaledb/shale/mvcc"
)

// keyPatience bounds the search for one key.
const keyPatience = 10 * time.Second

// Report is what Check found.
type Report struct {
	Operations int
	Keys       int
	Unknown    int // operations of unknown outcome
	Undecided  int // keys whose search took too long
	history.Findings
}

// Summary is one line.
func (r *Report) Summary() string {
	verdict := "all linearizable"
	if !r.OK() {
		verdict = r.Counts()
	}
	return fmt.Sprintf("registers: %s: %d operations (%d of unknown outcome) on %d keys, %d undecided", verdict,
		r.Operations, r.Unknown, r.Keys, r.Undecided)
}

// Check looks at each key alone, for no longer than the patience in all.
func Check(ops []Op, patience time.Duration) *Report {
	r := &Report{}
	keys := map[mvcc.Key][]*Op{}
	for i := range ops {
		r.Operations++
		if ops[i].Outcome == history.Unknown {
			r.Unknown++
		}
		if ops[i].counts() {
			keys[ops[i].Key] = append(keys[ops[i].Key], &ops[i])
		}
	}
	r.Keys = len(keys)
	deadline := time.Now().Add(patience)
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		left := min(time.Until(deadline), keyPatience)
		if left <= 0 {
			r.Undecided++
			continue
		}
		switch linearizable(keys[k], left) {
		case porcupine.Unknown:
			r.Undecided++
		case porcupine.Illegal:
			r.Add("NOT LINEARIZABLE", "%s", trace{k, shortest(keys[k])})
		}
	}
	return r
}

func linearizable(ops []*Op, patience time.Duration) porcupine.CheckResult {
	all := make([]porcupine.Operation, len(ops))
	for i, o := range ops {
		all[i] = porcupine.Operation{ClientId: o.Process, Input: o, Call: int64(o.Begin), Return: int64(o.End)}
		if o.Outcome == history.Unknown {
			all[i].Return = math.MaxInt64
		}
	}
	return porcupine.CheckOperationsTimeout(porcupine.Model{
		Init: func() any { return state{} },
		Step: func(s, input, _ any) (bool, any) {
			ok, next := s.(state).step(input.(*Op))
			return ok, next
		},
	}, all, patience)
}

// shortest is the shortest beginning of a history that is not linearizable. The last of it is
// the answer that nothing explains: without it all is well.
func shortest(ops []*Op) []*Op {
	var ends []time.Duration
	for _, o := range ops {
		if o.Outcome == history.OK {
			ends = append(ends, o.End)
		}
	}
	slices.Sort(ends)
	// A beginning of a linearizable history is linearizable, so halving finds the first that
	// is not. What is undecided in time counts as well; the whole is printed then.
	n, _ := slices.BinarySearchFunc(ends, porcupine.Illegal, func(end time.Duration, _ porcupine.CheckResult) int {
		if linearizable(until(ops, end), keyPatience) == porcupine.Illegal {
			return 0
		}
		return -1
	})
	if n == len(ends) {
		return ops
	}
	return until(ops, ends[n])
}

// until is what was known at a moment: what had not ended by then may end in any way.
func until(ops []*Op, at time.Duration) []*Op {
	var out []*Op
	for _, o := range ops {
		if o.Begin > at {
			continue
		}
		if o.Outcome == history.OK && o.End > at {
			open := *o
			open.Outcome, open.Found = history.Unknown, false
			o = &open
		}
		if o.counts() {
			out = append(out, o)
		}
	}
	slices.SortStableFunc(out, func(a, b *Op) int { return cmp.Compare(a.Begin, b.Begin) })
	return out
}

// operationsShown bounds what is printed of a key's history: the end of it.
const operationsShown = 30

// trace is a key's history up to the answer that nothing explains.
type trace struct {
	key mvcc.Key
	ops []*Op
}

// String is a line for each operation, with a mark at the last answer.
func (t trace) String() string {
	var last *Op
	for _, o := range t.ops {
		if o.Outcome == history.OK && (last == nil || o.End >= last.End) {
			last = o
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "no order of these explains the last answer; key %s", mvcc.FormatKey(t.key))
	ops := t.ops
	if n := len(ops) - operationsShown; n > 0 {
		fmt.Fprintf(&b, "\n  … %d before", n)
		ops = ops[n:]
	}
	for _, o := range ops {
		mark, end := " ", "…"
		if o == last {
			mark = "▶"
		}
		if o.Outcome == history.OK {
			end = o.End.String()
		}
		fmt.Fprintf(&b, "\n  %s %s to %s   process %d  %s", mark, o.Begin, end, o.Process, o)
	}
	return b.String()
}

// Load reads a history of operations.
func Load(path string) (history.Header, []Op, error) {
	var h history.Header
	var ops []Op
	err := history.Records(path, func(got history.Header) error { h = got; return nil }, func(decode func(any) error) error {
		var o Op
		if err := decode(&o); err != nil {
			return err
		}
		ops = append(ops, o)
		return nil
	})
	return h, ops, err
}
