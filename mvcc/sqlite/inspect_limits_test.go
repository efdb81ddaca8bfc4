package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

// P30: what keeps more than it may in memory is told so, and stops before its deadline.
func TestGreedyStatementsStop(t *testing.T) {
	if resident() == 0 {
		t.Skip("this system does not say how large a process is")
	}
	if testing.Short() {
		t.Skip("a minute and a half under the race detector: memory fills slowly there")
	}
	s := open(t)
	defer s.Close()
	crowd(t, s)
	for _, q := range []string{
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n ORDER BY -i",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n) SELECT count(*) FROM n",
		"SELECT a.value || b.value AS v FROM versions a, versions b, versions c ORDER BY v || c.key",
	} {
		_, err := Inspect(t.Context(), s.path, q, Limits{Timeout: 5 * time.Minute, Memory: 24 << 20})
		var greedy *GreedyError
		require.ErrorAs(t, err, &greedy, q)
		t.Logf("stopped when it had grown by %d MiB", greedy.Grown>>20)
		require.Less(t, greedy.Grown, int64(256<<20))
	}
}

// The caller's end is the statement's, whatever its own deadline; the box comes back.
func TestTheCallersEndStopsAStatement(t *testing.T) {
	s := open(t)
	defer s.Close()
	crowd(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := Inspect(ctx, s.path, endless, Limits{Timeout: time.Hour})
		ended <- err
	}()
	require.Eventually(t, func() bool { return len(boxes().free) < boxesMax }, time.Minute, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	eventuallyFree(t)
}

// As many as there are boxes run at once; another one waits a little, and is told.
func TestInspectionsAtOnce(t *testing.T) {
	s := open(t)
	defer s.Close()
	crowd(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	for range boxesMax {
		go func() {
			_, err := Inspect(ctx, s.path, endless, Limits{Timeout: time.Hour})
			ended <- err
		}()
	}
	require.Eventually(t, func() bool { return len(boxes().free) == 0 }, time.Minute, time.Millisecond)
	var busy *BusyError
	_, err := Inspect(t.Context(), s.path, "SELECT 1", Limits{})
	require.ErrorAs(t, err, &busy)
	waiting, gone := context.WithTimeout(t.Context(), time.Millisecond)
	defer gone()
	_, err = Inspect(waiting, s.path, "SELECT 1", Limits{})
	require.ErrorIs(t, err, context.DeadlineExceeded, "its own end comes before its turn")
	cancel()
	for range boxesMax {
		require.ErrorIs(t, <-ended, context.Canceled)
	}
	_, err = Inspect(t.Context(), s.path, "SELECT 1", Limits{})
	require.NoError(t, err)
}

// P25: what an inspection pins of the write-ahead log ends with its deadline; the log begins
// anew, and does not grow any more.
func TestAnInspectionPinsTheLogNoLongerThanItRuns(t *testing.T) {
	s := open(t)
	defer s.Close()
	crowd(t, s)
	index, size := mvcc.Index(8), func() int64 {
		info, err := os.Stat(s.path + "-wal")
		require.NoError(t, err)
		return info.Size()
	}
	flush := func() {
		b := &mvcc.Batch{Index: index, Term: 2}
		for i := range 20 {
			put(b, mvcc.Key(fmt.Sprintf("k%03d", i)), 1000+timestamp.Timestamp(index), []byte(strings.Repeat("x", 500)))
		}
		require.NoError(t, s.Flush(b, false))
		_, err := s.Checkpoint()
		require.NoError(t, err)
		index++
	}
	for range 50 {
		flush()
	}
	for _, c := range []struct {
		limits Limits
		greedy bool
	}{
		{Limits{Timeout: time.Hour, Log: 16 << 20}, true},
		{Limits{Timeout: 2 * time.Second, Log: 1 << 40}, false},
	} {
		before, ended := size(), make(chan error)
		go func() {
			_, err := Inspect(t.Context(), s.path, endless+", versions", c.limits)
			ended <- err
		}()
		flushes, err := 0, error(nil)
		for running := true; running; flushes++ {
			select {
			case err = <-ended:
				running = false
			default:
				flush()
			}
		}
		require.Equal(t, c.greedy, errors.As(err, new(*GreedyError)), "%v", err)
		require.Equal(t, !c.greedy, errors.Is(err, context.DeadlineExceeded), "%v", err)
		eventuallyFree(t)
		pinned := size()
		for range 50 {
			flush()
		}
		t.Logf("%v: the log had %d KiB, %d KiB after %d flushes beside an inspection, and %d KiB later",
			err, before>>10, pinned>>10, flushes, size()>>10)
		require.Greater(t, pinned, before, "nothing was pinned: this test shows nothing")
		require.LessOrEqual(t, size(), pinned, "it went on growing")
	}
	left, err := s.Checkpoint()
	require.NoError(t, err)
	require.Zero(t, left)
}

// A statement that is wrong says where.
func TestBrokenStatementsPointAtThePlace(t *testing.T) {
	s := open(t)
	defer s.Close()
	for _, c := range []struct {
		query string
		at    int
		words string
	}{
		{"SELECT * FORM versions", 9, `near "FORM": syntax error, at character 10: SELECT * ▸FORM versions`},
		{"SELECT keyy FROM versions", 7, "no such column: keyy, at character 8: SELECT ▸keyy FROM versions"},
		{"SELECT key,\n  nope(key)\nFROM versions", 14, "no such function: nope, at character 15:   ▸nope(key)"},
		{"SELECT 'größer', *\n  FROM versions WERE key = 1", 42, "at character 41:   FROM versions WERE ▸key = 1"},
		{"SELECT (1", -1, "incomplete input"},
		{"SELECT 1 FROM nosuch", -1, "no such table: nosuch"},
		{"SELECT " + strings.Repeat("ä", 40) + ", FROM " + strings.Repeat("ö", 40), 89, "…"},
	} {
		_, err := Inspect(t.Context(), s.path, c.query, Limits{})
		var wrong *StatementError
		require.ErrorAs(t, err, &wrong, c.query)
		require.Equal(t, c.at, wrong.Offset, "%s: %v", c.query, err)
		require.ErrorContains(t, err, c.words)
		require.NotContains(t, err.Error(), s.path)
	}
}
