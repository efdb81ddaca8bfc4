package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
)

// Every workload runs on an honest store, and verifies.
func TestWorkloadsRun(t *testing.T) {
	small := Properties{"recordcount": "200", "fieldlength": "10"}
	plans := map[string]func() (Workload, error){
		"put":       func() (Workload, error) { return New("put", small) },
		"get":       func() (Workload, error) { return New("get", small) },
		"scan50":    func() (Workload, error) { return New("scan50", small) },
		"transfer2": func() (Workload, error) { return New("transfer2", small) },
	}
	for _, letter := range []string{"a", "b", "c", "d", "e", "f"} {
		preset, err := Preset(letter)
		require.NoError(t, err)
		plans["ycsb "+letter] = func() (Workload, error) { return New("ycsb", preset.Merge(small)) }
	}
	for name, plan := range plans {
		t.Run(name, func(t *testing.T) {
			w, err := plan()
			require.NoError(t, err)
			report, err := Run(t.Context(), newMemory(1), w, Options{Threads: 4, Operations: 500, Seed: 3}, io.Discard)
			require.NoError(t, err)
			require.Empty(t, report.Errors)
			require.Equal(t, int64(500), report.Operations)
			require.NotEmpty(t, report.Findings)
		})
	}
}

// The mixes are YCSB's.
func TestMixes(t *testing.T) {
	want := map[string]map[string]float64{
		"a": {"read": 0.5, "update": 0.5}, "b": {"read": 0.95, "update": 0.05}, "c": {"read": 1},
		"d": {"read": 0.95, "insert": 0.05}, "e": {"scan": 0.95, "insert": 0.05},
		"f": {"read": 0.5, "read-modify-write": 0.5},
	}
	for letter, shares := range want {
		p, err := Preset(letter)
		require.NoError(t, err)
		w, err := New("ycsb", p)
		require.NoError(t, err)
		rng, got := rand.New(rand.NewPCG(1, 1)), map[string]float64{}
		for range 20_000 {
			op := w.Generate(rng, 0).(*ycsbOp)
			got[op.kind] += 1.0 / 20_000
			if op.kind == "scan" {
				require.True(t, op.rows >= 1 && op.rows <= 100)
			}
			if op.kind == "insert" {
				w.(*ycsb).inserted.finish(op.record)
			}
		}
		require.Len(t, got, len(shares), letter)
		for kind, share := range shares {
			require.InDelta(t, share, got[kind], 0.02, "%s %s", letter, kind)
		}
	}
}

// The same seed gives the same operations; another one gives others.
func TestSeedRepeats(t *testing.T) {
	generate := func(seed uint64) []mvcc.Key {
		w, err := New("put", nil)
		require.NoError(t, err)
		rng := rand.New(rand.NewPCG(seed, 0))
		var keys []mvcc.Key
		for range 50 {
			keys = append(keys, w.Generate(rng, 0).(*ycsbOp).key)
		}
		return keys
	}
	require.Equal(t, generate(5), generate(5))
	require.NotEqual(t, generate(5), generate(6))
}

// stalling is a store whose third get takes a second.
type stalling struct {
	*memory
	gets atomic.Int64
}

func (s *stalling) Get(ctx context.Context, k mvcc.Key) ([]byte, bool, error) {
	if s.gets.Add(1) == 3 {
		pause(ctx, time.Second)
	}
	return s.memory.Get(ctx, k)
}

// With a target rate a stall is charged to all who would have come meanwhile; without one
// only to the one that met it.
func TestLatencyFromTheIntendedStart(t *testing.T) { // P38
	run := func(t *testing.T, target float64) *Report {
		var report *Report
		synctest.Test(t, func(t *testing.T) {
			m := newMemory(1)
			w, err := New("get", Properties{"recordcount": "10", "fieldlength": "10"})
			require.NoError(t, err)
			require.NoError(t, w.Prepare(t.Context(), m, 1))
			report, err = Run(t.Context(), &stalling{memory: m}, w, Options{Threads: 1, Operations: 100,
				Target: target, Seed: 1, SkipPrepare: true, SkipVerify: true}, io.Discard)
			require.NoError(t, err)
		})
		return report
	}
	honest, flattering := run(t, 100).Kinds[0], run(t, 0).Kinds[0]
	require.InDelta(t, 1000, float64(honest.Max), 5)
	require.Greater(t, honest.P50, Millis(400), "98 came during or after the stall")
	require.InDelta(t, 1000, float64(flattering.Max), 5)
	require.Less(t, flattering.P99, Millis(1))
}

// A lane that is away shows, though the others go on.
func TestLaneGap(t *testing.T) {
	g := &gaps{}
	for at := time.Duration(0); at <= 10*time.Second; at += 100 * time.Millisecond {
		lanes := []int{0}
		if at < 2*time.Second || at > 7*time.Second {
			lanes = append(lanes, 1)
		}
		g.success(&transfer{lanes: lanes}, at)
	}
	all, lane := g.longest(10 * time.Second)
	require.Equal(t, Millis(100), all)
	require.InDelta(t, 5200, float64(lane), 1)
	_, lane = g.longest(30 * time.Second)
	require.Equal(t, Millis(20_000), lane, "silence up to the end counts")
}

// Records spread evenly over the shards that SplitKeys makes, and a transfer crosses them.
func TestSplitKeysAreEven(t *testing.T) {
	w, err := New("transfer2", Properties{"recordcount": "10000"})
	require.NoError(t, err)
	tr := w.(*transfer2)
	require.Len(t, tr.splits, 7)
	require.IsIncreasing(t, tr.splits)
	require.Len(t, tr.parts, 8)
	for _, part := range tr.parts {
		require.InDelta(t, 1250, len(part), 130)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		op := tr.Generate(rng, 0).(*transfer2Op)
		a, _ := slices.BinarySearch(tr.splits, op.from.Successor())
		b, _ := slices.BinarySearch(tr.splits, op.to.Successor())
		require.NotEqual(t, a, b)
	}
}

// A record at the wrong key is no answer.
func TestWrongRecordIsFound(t *testing.T) {
	s := newMemory(1)
	w, err := New("get", Properties{"recordcount": "10"})
	require.NoError(t, err)
	require.NoError(t, w.Prepare(t.Context(), s, 1))
	r := &w.(*raw).records
	s.data[r.key(3)] = s.data[r.key(4)]
	_, err = Run(t.Context(), s, w, Options{Threads: 1, Operations: 1000}, io.Discard)
	require.ErrorAs(t, err, new(*BrokenError))
}

func TestPropertiesRefuseMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"recordcuont=1":               "no property recordcuont",
		"recordcount=many":            "recordcount=many",
		"requestdistribution=hotspot": "requestdistribution=hotspot",
		"fieldcount=0":                "fieldcount",
	} {
		p := Properties{}
		require.NoError(t, p.Set(text))
		_, err := New("ycsb", p)
		require.ErrorContains(t, err, want)
		require.ErrorAs(t, err, new(*mvcc.InvalidError))
	}
	require.Error(t, Properties{}.Set("novalue"))
	_, err := New("nothing", nil)
	require.ErrorContains(t, err, `no workload "nothing"`)
	p, err := parseProperties(strings.NewReader("# YCSB\nrecordcount = 5\n\nthreadcount=3\ntarget=10\noperationcount=7\n"), "f")
	require.NoError(t, err)
	o, err := p.Options(Options{})
	require.NoError(t, err)
	require.Equal(t, Options{Threads: 3, Target: 10, Operations: 7}, o)
	p, err = LoadProperties("workloads/workloadc")
	require.NoError(t, err)
	require.Equal(t, "1", p["readproportion"])
	_, err = LoadProperties("nowhere/at-all")
	require.Error(t, err)
}

func TestReportForms(t *testing.T) {
	w, err := New("put", Properties{"recordcount": "10", "fieldlength": "10"})
	require.NoError(t, err)
	report, err := Run(t.Context(), newMemory(1), w, Options{Threads: 2, Operations: 10, Seed: 9}, io.Discard)
	require.NoError(t, err)
	var table, line bytes.Buffer
	require.NoError(t, report.WriteTable(&table))
	require.Contains(t, table.String(), "p99.9")
	require.Contains(t, table.String(), "seed 9")
	require.NoError(t, report.WriteJSON(&line))
	var back Report
	require.NoError(t, json.Unmarshal(line.Bytes(), &back))
	require.Equal(t, int64(10), back.Operations)
}
