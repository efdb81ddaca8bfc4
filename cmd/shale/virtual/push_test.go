package virtual

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// pushSession has a table of versions, a function and a table of shards.
func pushSession(t *testing.T) (s *Session, versions, history, shards *asked) {
	t.Helper()
	versions = &asked{rows: [][]any{
		{"a", int64(10), int64(1), "x"}, {"a", int64(20), int64(1), "y"}, {"b", int64(10), int64(2), "z"}, {"c\x00d", int64(30), int64(2), nil}}}
	history = &asked{rows: [][]any{{int64(10)}, {int64(20)}}}
	shards = &asked{rows: [][]any{{int64(1), "n1"}, {int64(2), "n2"}}}
	s = open(t, Config{Tables: []*Table{
		{Name: "versions", Ordered: []string{"key", "commit_ts"}, Rows: 1e6, Scan: versions.scan, Columns: []Column{
			{Name: "key", Type: "TEXT", Equal: true, Range: true}, {Name: "commit_ts", Type: "INTEGER", Range: true},
			{Name: "shard", Type: "INTEGER", Equal: true}, {Name: "value"}}},
		{Name: "history", Scan: history.scan, Columns: []Column{{Name: "commit_ts", Type: "INTEGER", Range: true},
			{Name: "key", Type: "TEXT", Hidden: true}, {Name: "most", Type: "INTEGER", Hidden: true, Optional: true}}},
		{Name: "shards", Rows: 8, Scan: shards.scan, Columns: []Column{{Name: "id", Type: "INTEGER", Equal: true}, {Name: "node", Type: "TEXT"}}},
		{Name: "keys", Ordered: []string{"k"}, Scan: versions.scan, Columns: []Column{
			{Name: "k", Type: "TEXT", Equal: true, Range: true, Omit: true}, {Name: "commit_ts", Type: "INTEGER"}}},
	}})
	return s, versions, history, shards
}

func TestPushDown(t *testing.T) {
	s, versions, _, _ := pushSession(t)
	text(t, s, "CREATE TABLE loose(k TEXT COLLATE BINARY, n INTEGER)")
	text(t, s, "INSERT INTO loose VALUES ('a', 1)")
	for _, c := range []struct{ where, asked string }{
		{"key = 'a'", `key="a"`},
		{"'a' = key AND shard = 1", `key="a" shard=1`},
		{"key > 'a' AND key <= 'c'", `key>"a" key<="c"`},
		{"key > 'a' AND key >= 'b' AND key < 'z' AND key < 'y'", `key>="b" key<"y"`},
		{"key >= 'a' AND key > 'a'", `key>"a"`},
		{"key > 'a' AND key >= 'a'", `key>"a"`},
		{"key BETWEEN 'a' AND 'b'", `key>="a" key<="b"`},
		{"key > 'b' AND key < 'a'", ``},
		{"key = 'a' AND key = 'b'", ``},
		{"key = NULL", ``},
		{"commit_ts = 10", `commit_ts>=10 commit_ts<=10`},
		{"commit_ts = '10'", `commit_ts>=10 commit_ts<=10`},
		{"commit_ts > 9.5", `commit_ts>9`},
		{"commit_ts < 9.5", `commit_ts<=9`},
		{"commit_ts >= -9.5", `commit_ts>-10`},
		{"commit_ts < 1e300", `all`},
		{"commit_ts > 'abc'", `all`},
		{"commit_ts > x'00'", `all`},
		{"shard > 1", `all`},
		{"value = 'x'", `all`},
		{"key = 5", `all`},
		{"key = x'61'", `all`},
		{"key = 'A' COLLATE NOCASE", `all`},
		{"key COLLATE NOCASE = 'A'", `all`},
		{"key LIKE 'a%'", `key>="A" key<"b"`}, // SQLite's own doing, and enough
		{"key GLOB 'a*'", `key>="a" key<"b"`},
		{"key IS 'a'", `all`},
		{"key <> 'a'", `all`},
		{"key IN ('a', 'b')", `key="a"; key="b"`},
		{"key = 'a' OR key = 'b'", `key="a"; key="b"`},
		{"key = 'a' OR commit_ts > 20", `key="a"; commit_ts>20`},
		{"key = ('a' || '')", `key="a"`},
		{"key = 'c' || x'00' || 'd'", `key="c\x00d"`},
		{"key = (SELECT k FROM loose)", `key="a"`},
		{"commit_ts >= ts('2026-11-23 10:00')", `commit_ts>=470660677632000000`},
	} {
		text(t, s, "SELECT * FROM versions WHERE "+c.where)
		require.Equal(t, c.asked, versions.said(), c.where)
	}
	// A column of the user's brings its collation into every comparison with it.
	text(t, s, "CREATE TABLE loud(k TEXT COLLATE NOCASE)")
	text(t, s, "INSERT INTO loud VALUES ('A')")
	require.Equal(t, "2", text(t, s, "SELECT count(*) FROM loud CROSS JOIN versions WHERE loud.k = versions.key"))
	require.Equal(t, "all", versions.said())
}

func TestPushDownOmitted(t *testing.T) {
	s, versions, _, _ := pushSession(t)
	versions.rows = [][]any{{"a", int64(1)}}
	for _, c := range []struct{ where, asked string }{
		{"k = 'a'", `k="a"`},
		{"k = x'61'", `k="a"`},
		{"k > x'61' AND k <= 'b'", `k>"a" k<="b"`},
		{"k = x'61' AND k >= 'a'", `k="a" k>="a"`},
		{"k LIKE 'a%' LIMIT 1", `k>="A" k<"b"`},
		{"k = 5", `k="5"`},
		{"k = NULL", ``},
		{"k > NULL", ``},
		{"k COLLATE NOCASE = 'A'", `k="A"`},
		{"k = 'a' LIMIT 1", `k="a" limit 1`},
		{"k >= 'a' ORDER BY k LIMIT 3 OFFSET 2", `k>="a" limit 5`},
		{"k >= 'a' ORDER BY k DESC LIMIT 3", `k>="a"`},
		{"k >= 'a' AND commit_ts = 1 LIMIT 1", `k>="a"`},
		{"k IN ('a', 'b') LIMIT 1", `k="a"`}, // SQLite stops by itself
	} {
		text(t, s, "SELECT * FROM keys WHERE "+c.where)
		require.Equal(t, c.asked, versions.said(), c.where)
	}
}

// SQLite checks the seventeenth comparison itself, and would find no TEXT equal to a BLOB.
func TestManyComparisons(t *testing.T) {
	s, versions, _, _ := pushSession(t)
	versions.rows = [][]any{{"a", int64(1)}}
	many := "SELECT commit_ts FROM keys WHERE " + strings.Repeat("commit_ts + 0 >= 0 AND commit_ts >= 0 AND ", 20)
	require.Equal(t, "1", text(t, s, many+"k = 'a'"))
	require.Equal(t, `k="a"`, versions.said())
	_, err := all(s, many+"k = x'61'")
	require.ErrorContains(t, err, "first 16 comparisons")
	require.Equal(t, "1", text(t, s, strings.Replace(many, "WHERE", "WHERE k = x'61' AND", 1)+"1"))
}

func TestLimitAndOrder(t *testing.T) {
	s, versions, _, _ := pushSession(t)
	for _, c := range []struct {
		statement, asked string
		sorts            bool
	}{
		{"SELECT * FROM versions LIMIT 2", "limit 2", false},
		{"SELECT * FROM versions LIMIT 2 OFFSET 1", "limit 3", false},
		{"SELECT * FROM versions LIMIT -1", "all", false},
		{"SELECT * FROM versions LIMIT 0", "", false},
		{"SELECT * FROM versions ORDER BY key LIMIT 2", "limit 2", false},
		{"SELECT * FROM versions ORDER BY key, commit_ts LIMIT 2", "limit 2", false},
		{"SELECT * FROM versions ORDER BY key DESC LIMIT 2", "all", true},
		{"SELECT * FROM versions ORDER BY commit_ts LIMIT 2", "all", true},
		{"SELECT * FROM versions ORDER BY key, shard", "all", true},
		{"SELECT * FROM versions ORDER BY key COLLATE NOCASE", "all", true},
		{"SELECT * FROM versions WHERE key = 'a' LIMIT 2", `key="a"`, false}, // SQLite filters
		{"SELECT * FROM versions WHERE shard = 1 ORDER BY shard, key", "shard=1", false},
		{"SELECT * FROM versions WHERE key IN ('b', 'a') ORDER BY key", `key="a"; key="b"`, true},
		{"SELECT * FROM versions WHERE value > 'x' LIMIT 2", "all", false},
		{"SELECT * FROM versions WHERE length(value) = 1 LIMIT 2", "all", false},
		{"SELECT DISTINCT shard FROM versions LIMIT 2", "all", true},
		{"SELECT shard, count(*) FROM versions GROUP BY shard LIMIT 1", "all", true},
		{"SELECT key, count(*) FROM versions GROUP BY key LIMIT 1", "all", false},
		{"SELECT max(commit_ts) FROM versions LIMIT 1", "all", false},
	} {
		text(t, s, c.statement)
		require.Equal(t, c.asked, versions.said(), c.statement)
		plan := text(t, s, "EXPLAIN QUERY PLAN "+c.statement)
		require.Equal(t, c.sorts, strings.Contains(plan, "TEMP B-TREE"), c.statement+": "+plan)
	}
	require.Zero(t, versions.open, "every scan was stopped")
}

func TestUsedColumns(t *testing.T) {
	s, versions, _, _ := pushSession(t)
	text(t, s, "CREATE VIEW some AS SELECT key FROM versions WHERE key = 'a' OR commit_ts > 5")
	for statement, used := range map[string]string{
		"SELECT count(*) FROM versions":                                   "",
		"SELECT key FROM versions WHERE shard = 1":                        "key shard",
		"SELECT * FROM versions":                                          "key commit_ts shard value",
		"SELECT key FROM versions WHERE key = 'a' OR commit_ts > 5":       "key commit_ts shard value", // told apart by all
		"SELECT key FROM versions WHERE value = 'a' OR value = 'b'":       "key value",
		"SELECT * FROM some":                                              "key commit_ts shard value",
		"SELECT rowid FROM versions":                                      "key commit_ts shard value",
		"SELECT v.key FROM shards RIGHT JOIN versions v ON shards.id = 1": "key commit_ts shard value",
	} {
		text(t, s, statement)
		q := versions.queries[len(versions.queries)-1]
		var got []string
		for _, c := range []string{"key", "commit_ts", "shard", "value"} {
			if q.Uses(c) {
				got = append(got, c)
			}
		}
		require.Equal(t, used, strings.Join(got, " "), statement)
	}
}

func TestArguments(t *testing.T) {
	s, versions, history, shards := pushSession(t)
	for _, c := range []struct{ statement, asked, rows string }{
		{"SELECT * FROM history('a')", `key="a"`, "10 | 20"},
		{"SELECT * FROM history('a', 5) WHERE commit_ts > 10", `commit_ts>10 key="a" most=5`, "20"},
		{"SELECT * FROM history WHERE key = 'a' LIMIT 1", `key="a" limit 1`, "10"},
		{"SELECT * FROM history(NULL)", `key=<nil>`, "10 | 20"},
		{"SELECT key, most FROM history('a')", `key="a"`, "a <nil> | a <nil>"},
		{"SELECT h.commit_ts FROM versions v, history(v.key) h WHERE v.key = 'b'", `key="b"`, "10 | 20"},
		{"SELECT h.commit_ts FROM history(v.key) h, versions v WHERE v.key = 'b'", `key="b"`, "10 | 20"},
		{"SELECT commit_ts FROM history('a') WHERE commit_ts < 11 OR commit_ts > 19", `commit_ts<11 key="a"; commit_ts>19 key="a"`, "10 | 20"},
	} {
		require.Equal(t, c.rows, text(t, s, c.statement), c.statement)
		require.Equal(t, c.asked, history.said(), c.statement)
	}
	_, err := all(s, "SELECT * FROM history")
	require.EqualError(t, err, "history(key, [most]): the argument key is missing")
	_, err = all(s, "SELECT * FROM history('a', 1, 2)")
	require.ErrorContains(t, err, "too many arguments")
	_, err = all(s, "SELECT * FROM shards(1, 2, 3)")
	require.ErrorContains(t, err, "too many arguments")
	versions.said()
	shards.said()
}

// A join looks the table up that has the equality, inside the other.
func TestJoins(t *testing.T) {
	s, versions, _, shards := pushSession(t)
	require.Equal(t, "a n1 | a n1 | b n2 | c\x00d n2",
		text(t, s, "SELECT key, node FROM versions JOIN shards ON shards.id = versions.shard"))
	require.Equal(t, "shard=1; shard=2", versions.said())
	require.Equal(t, "all", shards.said())

	text(t, s, "CREATE TABLE wanted(k TEXT)")
	text(t, s, "INSERT INTO wanted VALUES ('b'), ('a')")
	require.Equal(t, "b 10 | a 10 | a 20", text(t, s, "SELECT k, commit_ts FROM wanted JOIN versions ON versions.key = wanted.k"))
	require.Equal(t, `key="b"; key="a"`, versions.said())
	require.Equal(t, "2", text(t, s, "SELECT count(*) FROM versions WHERE key IN (SELECT k FROM wanted WHERE k = 'a')"))
	require.Equal(t, `key="a"`, versions.said())
	require.Equal(t, "1 <nil> | 2 b", text(t, s, "SELECT id, key FROM shards LEFT JOIN versions ON shard = id AND key = 'b'"))
	require.Equal(t, "n1 | n2 | n2", text(t, s,
		"SELECT node FROM versions RIGHT JOIN shards ON shard = id AND key > 'a' ORDER BY node"))
}

func TestScanStopsEarly(t *testing.T) {
	s, versions, _, _ := pushSession(t)
	rows, err := s.Query(context.Background(), "SELECT * FROM versions")
	require.NoError(t, err)
	require.True(t, rows.Next())
	require.Equal(t, 1, versions.open)
	require.NoError(t, rows.Close())
	require.Zero(t, versions.open)
	require.False(t, rows.Next())
}
