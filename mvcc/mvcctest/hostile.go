package mvcctest

import (
	"fmt"
	"strings"
)

// Hostile are statements that an inspection must not run: what writes, what leaves the file,
// what sets the connection free, what hides behind another statement, a comment or a byte.
// Dir is where none may leave a file.
func Hostile(dir string) []string {
	out := dir + "/out.db"
	return []string{
		"ATTACH '" + out + "' AS x", "ATTACH ':memory:' AS x", "VACUUM INTO '" + out + "'", "VACUUM", "DETACH main",
		"INSERT INTO meta VALUES ('x', 'y', 1)", "UPDATE meta SET value = 1", "DELETE FROM raw_versions",
		"REPLACE INTO meta VALUES ('x', 'y', 1)", "DROP TABLE meta", "DROP VIEW versions", "ALTER TABLE meta RENAME TO m",
		"INSERT INTO meta SELECT * FROM meta RETURNING name", "UPDATE OR IGNORE meta SET sum = 0 RETURNING 1",
		"CREATE TABLE t (a)", "CREATE TEMP TABLE t (a)", "CREATE VIEW w AS SELECT 1", "CREATE INDEX i ON meta (value)",
		"CREATE TABLE t AS SELECT * FROM versions", "CREATE TEMP VIEW w AS SELECT 1",
		"CREATE TRIGGER g AFTER INSERT ON meta BEGIN SELECT 1; END", "CREATE VIRTUAL TABLE v USING fts5(a)",
		"CREATE VIRTUAL TABLE v USING rtree(a, b, c)", "CREATE VIRTUAL TABLE temp.v USING dbstat(main)",
		"BEGIN", "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK", "SAVEPOINT s", "RELEASE s", "REINDEX", "ANALYZE",
		"PRAGMA query_only = 0", "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA journal_mode = DELETE",
		"PRAGMA writable_schema = ON", "PRAGMA user_version = 9", "PRAGMA mmap_size = 1000000", "PRAGMA integrity_check",
		"PRAGMA cache_size = 1000000000", "PRAGMA locking_mode = EXCLUSIVE", "PRAGMA temp_store_directory = '/'",
		"PRAGMA hard_heap_limit = 1", "PRAGMA trusted_schema = 1", "PRAGMA database_list", "PRAGMA function_list",
		"PRAGMA main.journal_size_limit = 0", "PRAGMA incremental_vacuum", "PRAGMA optimize", "PRAGMA shrink_memory",
		"SELECT * FROM pragma_database_list", "SELECT * FROM pragma_function_list", "SELECT * FROM pragma_journal_mode",
		"SELECT * FROM pragma_wal_checkpoint('TRUNCATE')", "SELECT * FROM pragma_integrity_check",
		"SELECT count(*) FROM sqlite_dbpage", "SELECT data FROM sqlite_dbpage WHERE pgno = 1", "SELECT * FROM dbstat",
		"UPDATE sqlite_dbpage SET data = x'00' WHERE pgno = 1", "SELECT * FROM fts5vocab('a', 'row')",
		"SELECT * FROM sqlite_stmt", "SELECT * FROM bytecode('SELECT 1')", "SELECT * FROM json_tree('[1]')",
		"SELECT fts5_source_id()", "SELECT rtreecheck('meta')", "SELECT geopoly_json('x')", "SELECT match('a', 'b')",
		"SELECT load_extension('x')", "SELECT sqlite_offset(value) FROM meta", "SELECT last_insert_rowid()",
		"SELECT zeroblob(900000000)", "SELECT randomblob(1000000000)", "SELECT length(zeroblob(900000000))",
		"SELECT printf('%900000000d', 1)", "SELECT format('%*c', 900000000, 'x')", "SELECT soundex('x')",
		"SELECT writefile('" + out + "', 'x')", "SELECT readfile('/etc/passwd')", "SELECT edit('x')",
		"SELECT fts3_tokenizer('x')", "SELECT sqlite_compileoption_get(1)",
		"SELECT 1; DELETE FROM meta", "SELECT 1; SELECT 2", "SELECT 1;; DELETE FROM meta", "/* SELECT 1 */ DELETE FROM meta",
		"-- SELECT 1\nDELETE FROM meta", "SELECT 1 /* ; */ ; DROP TABLE meta", "SELECT ';' ; ATTACH '' AS y",
		"/* /* */ DELETE FROM meta", "SELECT 1 -- ;\n; DELETE FROM meta", "SELECT [;] ; DROP TABLE meta",
		"SELECT 1\x00; DELETE FROM meta", "DELETE\x00 FROM meta", "\ufeffDELETE FROM meta", "SELECT 1\ufeff;\ufeffDELETE FROM meta",
		"DE\u200bLETE FROM meta", "\uff24\uff25\uff2c\uff25\uff34\uff25 FROM meta", "SELECT 'unclosed; DELETE FROM meta",
		"WITH x AS (SELECT 1) DELETE FROM meta", "EXPLAIN DELETE FROM meta", "EXPLAIN QUERY PLAN DELETE FROM meta",
		"", ";", ";;;", "-- nothing", "/* nothing",
		"SELECT '" + strings.Repeat("x", 2<<20) + "'", "SELECT " + strings.Repeat("NOT ", 300) + "1",
		"SELECT 1" + strings.Repeat(" + 1", 500),
		"SELECT 1" + strings.Repeat(" UNION ALL SELECT 1", 400), "SELECT 1" + strings.Repeat(", 1", 3000),
		"SELECT coalesce(1" + strings.Repeat(", 1", 500) + ")",
	}
}

// Bombs are statements that an inspection may begin, and must end for them: they would take
// for ever, or more memory than there is. They want some hundred versions in the file.
func Bombs() []string {
	const (
		endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
		long    = "WITH RECURSIVE d(s, i) AS (SELECT 'a', 0 UNION ALL SELECT s || s, i + 1 FROM d WHERE i < 21) "
		texts   = "WITH RECURSIVE d(s) AS (SELECT 'abcdefgh' UNION ALL SELECT "
		biggest = ", big(s) AS MATERIALIZED (SELECT max(s) FROM d) "
	)
	bombs := []string{
		endless + "SELECT count(*) FROM n", endless + "SELECT max(i) FROM n", endless + "SELECT total(i * 1.5) FROM n",
		endless + "SELECT 1 UNION ALL SELECT count(*) FROM n",
		endless + "SELECT i FROM n WHERE i < 0", endless + "SELECT i FROM n WHERE i = 3 OR i < 0",
		endless + "SELECT count(*) FROM n a, n b", endless + "SELECT i FROM n ORDER BY -i",
		endless + "SELECT count(DISTINCT i) FROM n", endless + "SELECT i % 7, count(*) FROM n GROUP BY 1",
		endless + "SELECT i FROM n EXCEPT SELECT i FROM n", endless + "SELECT 1 WHERE 0 IN (SELECT i FROM n)",
		endless + "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM n WHERE i < 0)",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n) SELECT count(*) FROM n",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n ORDER BY 1 DESC) SELECT count(*) FROM n",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n UNION ALL SELECT i + 2 FROM n) SELECT count(*) FROM n",
		endless + "SELECT sum(i) OVER (ORDER BY i) FROM n WHERE i < 0",
		endless + "SELECT sum(i) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM n",
		endless + "SELECT ntile(3) OVER (ORDER BY -i) FROM n", endless + "SELECT group_concat(i) FROM n",
		endless + "SELECT string_agg(hex(i), '') FROM n", endless + "SELECT json_group_array(i) FROM n",
		endless + "SELECT json_group_object(i, i) FROM n",
		"WITH RECURSIVE d(s) AS (SELECT 'x' UNION ALL SELECT s || s FROM d) SELECT max(length(s)) FROM d",
		texts + "hex(s) FROM d) SELECT max(length(s)) FROM d",
		texts + "replace(s, 'a', 'aaaa') FROM d) SELECT max(length(s)) FROM d",
		texts + "quote(s) || s FROM d) SELECT max(length(s)) FROM d",
		texts + "concat(s, s, s) FROM d) SELECT max(length(s)) FROM d",
		texts + "json_array(s, s) FROM d) SELECT max(length(s)) FROM d",
		texts + "json_object(s, s) FROM d) SELECT max(length(s)) FROM d",
		texts + "(SELECT group_concat(d.s, d.s) FROM raw_versions) FROM d) SELECT max(length(s)) FROM d",
		"SELECT count(*) FROM versions a, versions b, versions c, versions d, versions e",
		"SELECT * FROM versions a, versions b, versions c, versions d ORDER BY a.value || b.value, c.key, d.key",
		"SELECT max(a.key || b.key || c.key) FROM versions a, versions b, versions c, versions d, versions e WHERE a.op <= b.op",
		"SELECT count(*) FROM json_each('[" + strings.Repeat("1,", 4000) + "1]') a, json_each('[" +
			strings.Repeat("1,", 4000) + "1]') b, json_each('[1,2,3,4]') c, versions",
		long + "SELECT count(*) FROM d WHERE s LIKE '%" + strings.Repeat("a_", 500) + "b'",
		long + "SELECT count(*) FROM d WHERE s GLOB '*" + strings.Repeat("[a-c]?", 150) + "b'",
		long + "SELECT count(*) FROM d a, d b, versions WHERE instr(a.s, b.s || 'b') > 0 OR replace(a.s, b.s || 'b', '') <> a.s",
		long + "SELECT count(*) FROM d a, d b, versions WHERE trim(a.s, b.s || 'c') <> ''",
	}
	var sum, columns []string
	for i := range 400 { // SQLite asks nobody on a straight way
		sum = append(sum, fmt.Sprintf("length(hex(substr(s, %d)))", i))
	}
	for i := range 60 {
		columns = append(columns, fmt.Sprintf("group_concat(s, '%d')", i))
	}
	return append(bombs, long+biggest+"SELECT "+strings.Join(sum, "+")+" FROM big, versions",
		long+"SELECT "+strings.Join(columns, ", ")+" FROM d WHERE i > 18", long+"SELECT a.s || b.key FROM d a, versions b, versions c ORDER BY 1")
}
