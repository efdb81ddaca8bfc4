package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/mvcctest"
)

// crowd fills a store with some hundred versions.
func crowd(t *testing.T, s *Store) {
	t.Helper()
	b := &mvcc.Batch{Index: 7, Term: 2}
	for i := range 300 {
		put(b, mvcc.Key(fmt.Sprintf("k%03d", i)), 100, bytes.Repeat([]byte{byte('a' + i%26)}, 100+i*10))
	}
	require.NoError(t, s.Flush(b, true))
}

// P30: a replica's file is open to SQL, and nothing but reading gets through; alive or dead.
func TestHostileStatementsAreRefused(t *testing.T) {
	s := open(t)
	crowd(t, s)
	dir := t.TempDir()
	attack := func() {
		before := fileBytes(t, s.path)
		for _, q := range mvcctest.Hostile(dir) {
			_, err := Inspect(t.Context(), s.path, q, Limits{Timeout: 20 * time.Second})
			require.Error(t, err, "statement %.200q", q)
			require.NotErrorIs(t, err, context.DeadlineExceeded, "it ran: %.200q", q)
		}
		require.Equal(t, before, fileBytes(t, s.path), "the file changed")
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, left, "a statement wrote a file")
	}
	require.GreaterOrEqual(t, len(mvcctest.Hostile(dir)), 60)
	attack()
	require.NoError(t, s.Close())
	attack()
}

func fileBytes(t *testing.T, path string) string {
	t.Helper()
	var all []byte
	for _, p := range []string{path, path + "-wal"} {
		raw, err := os.ReadFile(p)
		if !errors.Is(err, fs.ErrNotExist) { // a dead file may have no log
			require.NoError(t, err)
		}
		all = append(all, raw...)
	}
	return string(all)
}

// P30: what would run for ever, or take all memory, stops at its deadline, within a row or
// between two; nothing of it stays in memory.
func TestBombsStop(t *testing.T) {
	s := open(t)
	crowd(t, s)
	require.NoError(t, s.Close())
	before := fileBytes(t, s.path)
	const deadline, memory = 200 * time.Millisecond, 64 << 20
	base, most, late := resident(), int64(0), time.Duration(0)
	how := map[string]int{}
	for _, q := range mvcctest.Bombs() {
		begin := time.Now()
		_, err := Inspect(t.Context(), s.path, q, Limits{Timeout: deadline, Memory: memory})
		took := time.Since(begin)
		require.Error(t, err, "statement %.200q", q)
		require.Less(t, took, 30*time.Second, "%.200q", q) // generous: the machine is shared
		if took > deadline {
			late = max(late, took-deadline)
		}
		most = max(most, resident()-base)
		how[kindOf(err)]++
		eventuallyFree(t)
	}
	t.Logf("%d statements: %v; at most %s after the deadline, and %d MiB more in memory", len(mvcctest.Bombs()), how, late, most>>20)
	require.Less(t, most, int64(1<<30))
	require.Positive(t, how["deadline"])
	require.Positive(t, how["limit"])
	require.Equal(t, before, fileBytes(t, s.path), "the file changed")
}

func kindOf(err error) string {
	var greedy *GreedyError
	switch {
	case errors.As(err, &greedy):
		return "memory"
	case errors.Is(err, context.DeadlineExceeded):
		return "deadline"
	}
	return "limit"
}

// eventuallyFree waits until no inspection is under way: one may outlive its answer.
func eventuallyFree(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return len(boxes().free) == boxesMax }, time.Minute, time.Millisecond)
}

func TestInspect(t *testing.T) {
	s := open(t)
	b := &mvcc.Batch{Index: 7, Term: 2}
	for i := range 30 {
		put(b, mvcc.Key(fmt.Sprintf("k%02d", i)), 100, bytes.Repeat([]byte{byte('a' + i)}, 1000))
	}
	require.NoError(t, s.Flush(b, false))
	alive, err := Inspect(context.Background(), s.path, "SELECT count(*), min(CAST(key AS TEXT)) FROM versions;", Limits{})
	require.NoError(t, err)
	require.Equal(t, [][]any{{int64(30), "k00"}}, alive.Rows)
	capped, err := Inspect(context.Background(), s.path, "SELECT key FROM versions", Limits{Rows: 4})
	require.NoError(t, err)
	require.Len(t, capped.Rows, 4)
	require.True(t, capped.Truncated)
	small, err := Inspect(context.Background(), s.path, "SELECT value FROM versions", Limits{Bytes: 5000})
	require.NoError(t, err)
	require.Len(t, small.Rows, 4)
	require.NoError(t, s.Close())
	dead, err := Inspect(context.Background(), s.path, "SELECT op, length(value) FROM versions LIMIT 1", Limits{})
	require.NoError(t, err)
	require.Equal(t, [][]any{{"put", int64(1000)}}, dead.Rows)
}
