package register

import (
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/bench/history"
)

func op(process int, begin, end time.Duration, text string) Op {
	o := Op{Process: process, Key: "a", Outcome: history.OK, Begin: begin, End: end}
	words := strings.Fields(text)
	o.Do = words[0]
	number := func(s string) int64 { return int64(s[0] - '0') }
	switch words[0] {
	case Get:
		if o.Found = words[1] != "nothing"; o.Found {
			o.Value = number(words[1])
		}
	case CAS:
		o.Old, o.Value, o.Found = number(words[1]), number(words[2]), words[len(words)-1] == "swapped"
	default:
		o.Value = number(words[1])
	}
	switch words[len(words)-1] {
	case "unknown":
		o.Outcome = history.Unknown
	case "aborted":
		o.Outcome = history.Aborted
	}
	return o
}

func TestRegisters(t *testing.T) {
	for name, c := range map[string]struct {
		ops  []Op
		want bool
	}{
		"one after the other":   {[]Op{op(1, 0, 1, "get nothing"), op(1, 2, 3, "put 1"), op(1, 4, 5, "add 2"), op(1, 6, 7, "get 3")}, true},
		"a stale get":           {[]Op{op(1, 0, 1, "put 1"), op(1, 2, 3, "put 2"), op(2, 4, 5, "get 1")}, false},
		"it overlaps":           {[]Op{op(1, 0, 1, "put 1"), op(1, 2, 6, "put 2"), op(2, 4, 5, "get 1")}, true},
		"new, then old":         {[]Op{op(1, 0, 9, "put 1"), op(2, 1, 2, "get 1"), op(3, 3, 4, "get nothing")}, false},
		"both swapped":          {[]Op{op(1, 0, 1, "put 1"), op(1, 2, 9, "cas 1 2 swapped"), op(2, 2, 9, "cas 1 3 swapped")}, false},
		"one swapped":           {[]Op{op(1, 0, 1, "put 1"), op(1, 2, 9, "cas 1 2 swapped"), op(2, 2, 9, "cas 1 3"), op(1, 10, 11, "get 2")}, true},
		"none swapped":          {[]Op{op(1, 0, 1, "put 1"), op(1, 2, 9, "cas 1 2")}, false},
		"an add is lost":        {[]Op{op(1, 0, 9, "add 1"), op(2, 0, 9, "add 1"), op(1, 10, 11, "get 1")}, false},
		"unknown, done":         {[]Op{op(1, 0, 1, "add 1 unknown"), op(2, 2, 3, "get nothing"), op(2, 4, 5, "get 1")}, true},
		"unknown, done twice":   {[]Op{op(1, 0, 1, "add 1 unknown"), op(2, 2, 3, "get 2")}, false},
		"unknown swap, done":    {[]Op{op(1, 0, 1, "put 1"), op(1, 2, 3, "cas 1 2 unknown"), op(2, 8, 9, "get 2")}, true},
		"unknown swap, not":     {[]Op{op(1, 0, 1, "put 1"), op(1, 2, 3, "cas 1 2 unknown"), op(2, 8, 9, "get 1")}, true},
		"aborted, done":         {[]Op{op(1, 0, 1, "put 1 aborted"), op(2, 8, 9, "get 1")}, false},
		"a get without an ear":  {[]Op{op(1, 0, 1, "get 5 unknown")}, true},
		"zero is not nothing":   {[]Op{op(1, 0, 1, "put 0"), op(2, 8, 9, "get nothing")}, false},
		"a swap out of nothing": {[]Op{op(1, 0, 1, "cas 0 1 swapped")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := Check(c.ops, time.Minute)
			require.Equal(t, c.want, r.OK(), "%v", r.Anomalies)
			require.Zero(t, r.Undecided)
		})
	}
}

// The shortest beginning is printed, with the answer that nothing explains.
func TestShortest(t *testing.T) {
	ops := []Op{op(1, 0, 10, "put 1"), op(2, 20, 30, "put 2"), op(1, 40, 50, "get 1"), op(3, 45, 90, "put 7"), op(2, 60, 70, "get 1")}
	r := Check(ops, time.Minute)
	require.Equal(t, "no order of these explains the last answer; key a\n"+
		"    0s to 10ns   process 1  put 1\n"+
		"    20ns to 30ns   process 2  put 2\n"+
		"  ▶ 40ns to 50ns   process 1  get: 1\n"+
		"    45ns to …   process 3  put 7, outcome unknown", r.Anomalies[0].Text)
}

// execute does operations one at a time, each somewhere within its interval.
func execute(rng *rand.Rand, n int) []Op {
	var s state
	ops := make([]Op, n)
	for i := range ops {
		at := time.Duration(10 * i)
		o := &ops[i]
		*o = Op{Process: i % 5, Key: "a", Do: []string{Get, Put, Add, CAS}[rng.IntN(4)], Outcome: history.OK,
			Begin: at - time.Duration(rng.IntN(20)), End: at + time.Duration(rng.IntN(20)), Value: rng.Int64N(4), Old: rng.Int64N(4)}
		switch o.Do {
		case Get:
			o.Found, o.Value = s.there, s.value
		case CAS:
			o.Found = s == state{true, o.Old}
		}
		if rng.IntN(30) == 0 {
			o.Outcome, o.Found = history.Unknown, false
			if rng.IntN(2) == 0 {
				continue // it never happens
			}
		}
		_, s = s.step(o)
	}
	return ops
}

func TestRightHistoriesAreRight(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 50 {
		ops := execute(rng, 100)
		r := Check(ops, time.Minute)
		require.True(t, r.OK(), "seed %d: %v", seed, r.Anomalies)
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.jsonl")
	ops := []Op{op(1, 0, 10, "put 1"), op(2, 20, 30, "cas 1 2 swapped"), op(1, 40, 0, "add 1 unknown")}
	w, err := history.Create(path, history.Header{Kind: "registers"})
	require.NoError(t, err)
	for i := range ops {
		require.NoError(t, w.Write(&ops[i]))
	}
	require.NoError(t, w.Close())
	h, got, err := Load(path)
	require.NoError(t, err)
	require.Equal(t, "registers", h.Kind)
	require.Equal(t, ops, got)
}
