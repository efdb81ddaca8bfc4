package bench

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/bench/history"
	"github.com/shaledb/shale/mvcc"
)

func runOn(t *testing.T, s Store, name string, p Properties, operations int64) (*Report, error) {
	t.Helper()
	w, err := New(name, p)
	require.NoError(t, err)
	if c, ok := w.(Closer); ok {
		defer func() { require.NoError(t, c.Close()) }()
	}
	return Run(t.Context(), s, w, Options{Threads: 8, Operations: operations, Seed: 1}, io.Discard)
}

// A right store passes at both levels, with conflicts, deadlocks and lost replies; its history
// can be checked again, and what it did not promise is found there.
func TestAppendPasses(t *testing.T) {
	for _, level := range []history.Level{history.SnapshotIsolation, history.Serializable} {
		for _, mute := range []bool{false, true} {
			path := filepath.Join(t.TempDir(), "h.jsonl")
			s := newVersions(1)
			s.forget, s.mute = 0.02, mute
			report, err := runOn(t, s, "append", Properties{"check": string(level), "history": path}, 5000)
			require.NoError(t, err, "%v", report)
			require.Positive(t, report.Errors["aborted"])
			require.Positive(t, report.Errors["deadlock"])
			require.True(t, !mute || report.Errors["undetermined"] > 0)
			require.Contains(t, report.Findings[0], "no anomaly under "+string(level))
			require.Contains(t, report.Findings[1], "all as they were promised")

			_, err = CheckHistory(path, "")
			require.NoError(t, err)
			if level == history.SnapshotIsolation {
				findings, err := CheckHistory(path, history.Serializable)
				require.ErrorAs(t, err, new(*BrokenError))
				require.Contains(t, findings[0], "G2-item", "the work does bring transactions together")
			}
		}
	}
}

// Each way of breaking the promise is found, and the history is kept.
func TestAppendFindsBrokenPromises(t *testing.T) {
	for name, plan := range map[string]struct {
		bug            func(*versions)
		level          history.Level
		order, byStamp string // what package elle says, and what package bytime does
	}{
		"blind":    {func(s *versions) { s.blind = 0.2 }, history.SnapshotIsolation, "lost update", "first committer"},
		"half":     {func(s *versions) { s.half = 0.02 }, history.SnapshotIsolation, "ANOMALIES", "wrong read"},
		"torn":     {func(s *versions) { s.torn = 0.01 }, history.SnapshotIsolation, "ANOMALIES", "wrong read"},
		"late":     {func(s *versions) { s.late = 0.03 }, history.SnapshotIsolation, "-realtime", "real time"},
		"risen":    {func(s *versions) { s.risen = 0.1 }, history.SnapshotIsolation, "G1a", "aborted read"},
		"lost":     {func(s *versions) { s.lost = 0.01 }, history.SnapshotIsolation, "lost update", "wrong read"},
		"middle":   {func(s *versions) { s.middle = 0.5 }, history.SnapshotIsolation, "ANOMALIES", "MISTAKES"},
		"skewed":   {func(s *versions) { s.skewed = 0.5 }, history.Serializable, "G2-item", "not serializable"},
		"unlocked": {func(s *versions) { s.unlocked, s.blind = 0.3, 0.3 }, history.SnapshotIsolation, "lost update", "first committer"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newVersions(1)
			plan.bug(s)
			report, err := runOn(t, s, "append", Properties{"check": string(plan.level)}, 5000)
			require.ErrorAs(t, err, new(*BrokenError))
			require.Contains(t, report.Findings[0], plan.order)
			require.Contains(t, report.Findings[1], plan.byStamp)
			findings := strings.Join(report.Findings, "\n")
			_, path, ok := strings.Cut(findings, "the history is in ")
			require.True(t, ok)
			path, _, _ = strings.Cut(path, "\n")
			require.FileExists(t, path)
			require.NoError(t, os.RemoveAll(filepath.Dir(path)))
		})
	}
}

// Where nothing is wrong and nobody asked for it, nothing is left behind.
func TestAppendLeavesNothing(t *testing.T) {
	w, err := New("append", nil)
	require.NoError(t, err)
	dir := w.(*appending).temporary
	require.DirExists(t, dir)
	_, err = Run(t.Context(), newVersions(1), w, Options{Threads: 2, Operations: 100}, io.Discard)
	require.NoError(t, err)
	require.NoError(t, w.(Closer).Close())
	require.NoDirExists(t, dir)
}

func TestAppendRefusesMistakes(t *testing.T) {
	for _, p := range []Properties{{"check": "strong"}, {"keycount": "0"}, {"minops": "5", "maxops": "4"}, {"optimistc": "1"}} {
		_, err := New("append", p)
		require.ErrorAs(t, err, new(*mvcc.InvalidError))
	}
	w, err := New("append", nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, w.(Closer).Close()) }()
	_, err = Run(t.Context(), newMemory(1), w, Options{Operations: 1}, io.Discard)
	require.ErrorContains(t, err, "transactions that this store does not have")
}

// Registers: right ones pass, with lost replies; stale reads and lost writes are found.
func TestRegisters(t *testing.T) {
	s := newVersions(1)
	s.forget = 0.01
	report, err := runOn(t, s, "registers", nil, 5000)
	require.NoError(t, err, "%v", report)
	require.Contains(t, report.Findings[0], "all linearizable")
	for name, bug := range map[string]func(*versions){
		"torn": func(s *versions) { s.torn = 0.05 },
		"lost": func(s *versions) { s.lost = 0.05 },
	} {
		t.Run(name, func(t *testing.T) {
			s := newVersions(1)
			bug(s)
			report, err := runOn(t, s, "registers", Properties{"history": filepath.Join(t.TempDir(), "h.jsonl")}, 3000)
			require.ErrorAs(t, err, new(*BrokenError))
			require.Contains(t, strings.Join(report.Findings, "\n"), "no order of these explains the last answer")
		})
	}
}

// Write skew is counted where it is allowed, impossible where it is not, and found where it
// should have been impossible.
func TestSkew(t *testing.T) {
	report, err := runOn(t, newVersions(1), "skew", Properties{"pairs": "2"}, 3000)
	require.NoError(t, err)
	require.NotContains(t, report.Findings[0], ": 0 in", "snapshot isolation allows it, so it happens")

	serializable := Properties{"pairs": "2", "check": "serializable"}
	_, err = runOn(t, newVersions(1), "skew", serializable, 3000)
	require.NoError(t, err)

	s := newVersions(1)
	s.skewed = 1
	_, err = runOn(t, s, "skew", serializable, 3000)
	require.ErrorAs(t, err, new(*BrokenError))
}

// All modes of the contended workload do their work.
func TestContend(t *testing.T) {
	for _, mode := range []string{"optimistic", "pessimistic", "serializable"} {
		report, err := runOn(t, newVersions(1), "contend", Properties{"mode": mode, "recordcount": "10", "theta": "1.2"}, 1000)
		require.NoError(t, err)
		require.Positive(t, report.Operations)
		require.Positive(t, report.Retries+report.Errors["deadlock"], mode)
	}
}
