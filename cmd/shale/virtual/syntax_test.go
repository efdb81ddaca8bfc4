package virtual

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCarets(t *testing.T) {
	s, _, _, _ := pushSession(t)
	for _, c := range []struct{ statement, what, at string }{
		{"SELEC 1", "syntax error", "SELEC"},
		{"SELECT 1 FORM versions", "syntax error", "versions"},
		{"SELECT * FROM versions WHERE key = = 'a'", "syntax error", "= 'a'"},
		{"SELECT kye FROM versions", "no such column: kye", "kye"},
		{"SELECT v.kye FROM versions v", "no such column: v.kye", "v.kye"},
		{"SELECT * FROM version", "no such table: version", "version"},
		{"SELECT nope(1)", "no such function: nope", "nope"},
		{"SELECT 'it's'", "unrecognized token", "'"},
		{"SELECT * FROM versions WHERE", "incomplete input", ""},
		{"SELECT (1", "incomplete input", ""},
		{"-- what follows is wrong\nSELECT\n\tkye,\n 1 FROM versions", "no such column: kye", "kye"},
		{"SELECT \"kye\" FROM versions", "no such column", `"kye"`},
		{"SELECT 1; SELECT 2", "one statement at a time", "; SELECT 2"},
		{"SELECT 1\x00", "NUL byte", "\x00"},
		{"SELECT count(1, 2)", "wrong number of arguments", "count"},
		{"INSERT INTO nowhere VALUES (1)", "no such table: nowhere", "nowhere"},
	} {
		_, err := all(s, c.statement)
		var e *SyntaxError
		require.ErrorAs(t, err, &e, c.statement)
		require.Contains(t, e.Error(), c.what, c.statement)
		require.NotContains(t, e.Error(), "\n")
		require.True(t, strings.HasPrefix(e.Statement[e.Offset:], c.at), "%s: at %q", c.statement, e.Statement[e.Offset:])
	}
}

func TestCaretPicture(t *testing.T) {
	e := &SyntaxError{"SELECT\n\té, kye FROM t\nWHERE 1", len("SELECT\n\té, "), "no such column: kye"}
	require.Equal(t, " é, kye FROM t\n    ^", e.Caret())
	long := &SyntaxError{"SELECT " + strings.Repeat("a, ", 500) + "kye FROM t", 7 + 1500, "no"}
	lines := strings.Split(long.Caret(), "\n")
	require.LessOrEqual(t, len(lines[0]), caretWidth)
	require.Equal(t, "kye", lines[0][strings.Index(lines[1], "^"):][:3])
	require.Equal(t, "\n^", (&SyntaxError{"", 0, ""}).Caret())
}

func TestEmptyStatements(t *testing.T) {
	s := open(t, Config{})
	for _, statement := range []string{"", "  \n", ";", ";;", "-- nothing", "/* nothing */;", "/* open"} {
		rows, err := s.Query(context.Background(), statement)
		require.NoError(t, err, statement)
		require.Empty(t, rows.Columns())
		require.False(t, rows.Next())
		require.NoError(t, rows.Close())
	}
	require.Equal(t, "1", text(t, s, "-- first\nSELECT 1 ; -- last"))
	require.Equal(t, "; --", text(t, s, "SELECT '; --'"))
}

func FuzzTokens(f *testing.F) {
	for _, s := range []string{"SELECT 'a''b' -- c\n/* d */ [e]\"f\"`g`x'00'", "'", "/*", "--", "x'"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at := 0
		for _, tok := range tokens(s) {
			if tok.offset < at || tok.text == "" || s[tok.offset:tok.offset+len(tok.text)] != tok.text {
				t.Fatalf("%q: %+v", s, tok)
			}
			at = tok.offset + len(tok.text)
		}
		(&SyntaxError{Statement: s, Offset: len(s) / 2}).Caret()
		place(s, `near "a": syntax error`, -1)
	})
}

// Nothing that a statement can say reaches past the session's own memory.
func TestHostile(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	st := newStore("a", "1")
	s := open(t, Config{Begin: st.begin, Tables: []*Table{{Name: "versions", Scan: (&asked{}).scan, Columns: []Column{{Name: "key"}}}}})
	for _, statement := range hostile() {
		_, err := all(s, statement)
		require.Error(t, err, statement)
		require.Equal(t, "a=1", st.now(), statement)
		require.False(t, s.handle.inTransaction(), statement)
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, left, statement)
	}
	for _, statement := range []string{
		"CREATE TABLE notes AS SELECT * FROM versions", "CREATE TEMP TABLE mine(a)", "CREATE INDEX i ON notes(key)",
		"CREATE VIEW v AS SELECT * FROM versions", "SELECT * FROM v", "ALTER TABLE notes ADD COLUMN b", "DROP TABLE notes",
		"ATTACH ':memory:' AS other", "DETACH other", "PRAGMA table_info(versions)", "SELECT name FROM pragma_table_info('versions')",
		"EXPLAIN SELECT * FROM versions", "EXPLAIN QUERY PLAN SELECT * FROM kv", "EXPLAIN DELETE FROM kv", "EXPLAIN BEGIN", "ANALYZE",
		"SELECT * FROM json_each('[1]')", "VALUES (1)",
	} {
		_, err := all(s, statement)
		require.NoError(t, err, statement)
	}
	require.Equal(t, 0, st.open)
}

func hostile() []string {
	return []string{
		"ATTACH 'x.db' AS x", "ATTACH '' AS x", "ATTACH 'file:x.db' AS x", "ATTACH 'file::memory:?cache=shared' AS x",
		"ATTACH ('x' || '.db') AS x", "ATTACH DATABASE \"x.db\" AS x", "/* */ ATTACH/**/'x.db' AS x", "EXPLAIN ATTACH 'x.db' AS x",
		"VACUUM", "VACUUM INTO 'x.db'", "VACUUM main INTO 'x.db'", "PRAGMA journal_mode = WAL", "PRAGMA temp_store_directory = '.'",
		"PRAGMA writable_schema = ON", "PRAGMA trusted_schema = ON", "PRAGMA max_page_count = 1", "PRAGMA query_only = 0",
		"PRAGMA hard_heap_limit = 1", "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA user_version", "PRAGMA main.cache_size = 1",
		"PRAGMA threads = 8", "PRAGMA data_store_directory = '.'", "SELECT * FROM pragma_hard_heap_limit(1)", "PRAGMA analysis_limit = 0",
		"SELECT load_extension('x.so')", "SELECT readfile('/etc/passwd')", "SELECT writefile('x', 'y')", "SELECT fts3_tokenizer('simple')",
		"SELECT edit('x')", "CREATE VIRTUAL TABLE f USING fts5(x)", "CREATE VIRTUAL TABLE c USING csv(filename='x')",
		"CREATE VIRTUAL TABLE v2 USING shale_session", "SELECT * FROM shale_session", "DROP TABLE versions", "DROP TABLE kv",
		"ALTER TABLE versions RENAME TO w", "ALTER TABLE kv ADD COLUMN x", "DELETE FROM versions", "INSERT INTO versions VALUES (1)",
		"UPDATE versions SET key = 1", "INSERT INTO kv(key, value) VALUES ('a', 2)", "DELETE FROM kv", "UPDATE kv SET value = 2",
		"REPLACE INTO kv(key, value) VALUES ('a', 2)", "WITH x AS (SELECT 1) DELETE FROM kv", "CREATE TABLE versions(x)", "CREATE TABLE kv(x)",
		"CREATE INDEX i ON versions(key)", "CREATE TRIGGER t AFTER INSERT ON versions BEGIN DELETE FROM kv; END",
		"CREATE TEMP TRIGGER t INSTEAD OF DELETE ON versions BEGIN SELECT 1; END", "UPDATE sqlite_schema SET sql = ''",
		"DELETE FROM sqlite_schema", "INSERT INTO sqlite_schema VALUES ('table','x','x',0,'')", "SELECT 1; DELETE FROM kv",
		"SELECT 1 /* ; */; DROP TABLE kv", "SELECT 1;\x00DROP TABLE kv", "SELECT 1 -- \n; DELETE FROM kv", "COMMIT", "ROLLBACK", "RELEASE x",
		"SELECT zeroblob(1000000000)", "SELECT randomblob(200000000)", "SELECT printf('%900000000d', 1)", "SELECT zeroblob(67108865)",
		"SELECT ?1", "SELECT :x", "SELECT " + strings.Repeat("(", 5000) + "1" + strings.Repeat(")", 5000),
		"SELECT 1" + strings.Repeat(" ", statementMax),
		"SELECT '\xff'", "SELECT * FROM sqlite_dbpage; DELETE FROM kv", "UPDATE sqlite_dbpage SET data = x''",
	}
}
