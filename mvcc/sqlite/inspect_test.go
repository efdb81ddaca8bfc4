package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
)

// hostile are statements that must not run: what writes, what leaves the file, what sets the
// connection free, what hides behind another statement or a comment.
func hostile(dir string) []string {
	out := dir + "/out.db"
	return []string{
		"ATTACH '" + out + "' AS x", "VACUUM INTO '" + out + "'", "VACUUM", "DETACH main",
		"INSERT INTO meta VALUES ('x', 'y', 1)", "UPDATE meta SET value = 1", "DELETE FROM raw_versions",
		"REPLACE INTO meta VALUES ('x', 'y', 1)", "DROP TABLE meta", "DROP VIEW versions", "ALTER TABLE meta RENAME TO m",
		"CREATE TABLE t (a)", "CREATE TEMP TABLE t (a)", "CREATE VIEW w AS SELECT 1", "CREATE INDEX i ON meta (value)",
		"CREATE TRIGGER g AFTER INSERT ON meta BEGIN SELECT 1; END", "CREATE VIRTUAL TABLE v USING fts5(a)",
		"BEGIN", "BEGIN IMMEDIATE", "COMMIT", "SAVEPOINT s", "REINDEX", "ANALYZE",
		"PRAGMA query_only = 0", "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA journal_mode = DELETE",
		"PRAGMA writable_schema = ON", "PRAGMA user_version = 9", "PRAGMA mmap_size = 1000000", "PRAGMA integrity_check",
		"PRAGMA cache_size = 1000000000", "PRAGMA locking_mode = EXCLUSIVE", "PRAGMA temp_store_directory = '/'",
		"SELECT load_extension('x')", "SELECT zeroblob(900000000)", "SELECT randomblob(1000000000)",
		"SELECT length(zeroblob(900000000))", "SELECT writefile('" + out + "', 'x')", "SELECT readfile('/etc/passwd')",
		"SELECT * FROM pragma_wal_checkpoint('TRUNCATE')", "SELECT fts3_tokenizer('x')", "SELECT sqlite_compileoption_get(1)",
		"SELECT 1; DELETE FROM meta", "SELECT 1; SELECT 2", "/* SELECT 1 */ DELETE FROM meta",
		"-- SELECT 1\nDELETE FROM meta", "SELECT 1 /* ; */ ; DROP TABLE meta", "SELECT ';' ; ATTACH '' AS y",
		"WITH x AS (SELECT 1) DELETE FROM meta", "EXPLAIN DELETE FROM meta", "", ";", "-- nothing",
		"SELECT '" + strings.Repeat("x", 2<<20) + "'", "SELECT " + strings.Repeat("NOT ", 300) + "1",
	}
}

// P30: a replica's file is open to SQL, and nothing but reading gets through.
func TestHostileStatementsAreRefused(t *testing.T) {
	s := open(t)
	b := &mvcc.Batch{Index: 7, Term: 2}
	put(b, "a", 100, []byte("one"))
	put(b, "b", 100, bytes.Repeat([]byte("x"), 1000))
	require.NoError(t, s.Flush(b, true))
	before := fileBytes(t, s.path)
	dir := t.TempDir()
	for _, q := range hostile(dir) {
		_, err := Inspect(context.Background(), s.path, q, Limits{Timeout: 2 * time.Second})
		require.Error(t, err, "statement %q", q)
	}
	require.Equal(t, before, fileBytes(t, s.path), "the file changed")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left, "a statement wrote a file")
	require.NoError(t, s.Close())
}

func fileBytes(t *testing.T, path string) string {
	t.Helper()
	var all []byte
	for _, p := range []string{path, path + "-wal"} {
		raw, err := os.ReadFile(p)
		require.NoError(t, err)
		all = append(all, raw...)
	}
	return string(all)
}

// P30: what runs for ever stops at its deadline.
func TestEndlessStatementsStop(t *testing.T) {
	s := open(t)
	defer s.Close()
	for _, q := range []string{
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
	} {
		begin := time.Now()
		_, err := Inspect(context.Background(), s.path, q, Limits{Timeout: 200 * time.Millisecond})
		require.True(t, errors.Is(err, context.DeadlineExceeded), "%v", err)
		require.Less(t, time.Since(begin), 5*time.Second) // generous: the machine is shared
	}
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
