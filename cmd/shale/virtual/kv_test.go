package virtual

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func kvSession(t *testing.T, pairs ...string) (*Session, *store) {
	t.Helper()
	st := newStore(pairs...)
	s := open(t, Config{Begin: st.begin})
	s.SetWrite(true)
	t.Cleanup(func() {
		s.Close()
		require.Zero(t, st.open, "every transaction ends")
	})
	return s, st
}

func TestKVReads(t *testing.T) {
	s, st := kvSession(t, "a", "1", "b", "2", "b\x00x", "3", "c", "4", "\xff", "\xfe")
	for _, c := range []struct{ statement, rows, asked string }{
		{"SELECT key, value FROM kv WHERE key = 'b'", "b 2", "get:b"},
		{"SELECT key, value FROM kv WHERE key = x'62'", "b 2", "get:b"},
		{"SELECT value FROM kv WHERE key IN ('a', 'c')", "1 | 4", "get:a get:c"},
		{"SELECT value, commit_ts FROM kv WHERE key = 'b'", "2 50", `scan:"b"-"b\x00"`},
		{"SELECT hex(key) FROM kv WHERE key > 'b' AND key <= 'c'", "620078 | 63", `scan:"b\x00"-"c\x00"`},
		{"SELECT value FROM kv WHERE key = x'620078'", "3", "get:b\x00x"},
		{"SELECT typeof(key), hex(key), typeof(value), hex(value) FROM kv WHERE key >= x'ff'", "text FF blob FE", `scan:"\xff"-""`},
		{"SELECT hex(key) FROM kv ORDER BY key LIMIT 2", "61 | 62", `scan:""-""`},
		{"SELECT count(*) FROM kv", "5", `scan:""-""`},
		{"SELECT EXISTS (SELECT 1 FROM kv)", "1", `scan:""-""`},
		{"SELECT count(*) FROM kv WHERE key = NULL", "0", ""},
		{"SELECT count(*) FROM kv WHERE key > 'b' AND key < 'b'", "0", ""},
		{"SELECT count(*) FROM kv WHERE key = 'a' OR key >= 'c'", "3", `scan:"a"-"a\x00" scan:"c"-""`},
		{"SELECT count(*) FROM kv WHERE key = 'a' OR key <= 'b'", "2", `scan:"a"-"a\x00" scan:""-"b\x00"`},
	} {
		require.Equal(t, c.rows, text(t, s, c.statement), c.statement)
		said := st.said()
		require.Equal(t, c.asked, said[:max(len(said)-len(" rollback"), 0)], c.statement)
	}
}

func TestKVWritesOneStatement(t *testing.T) {
	s, st := kvSession(t, "a", "1", "b", "2")
	for _, c := range []struct{ statement, now string }{
		{"INSERT INTO kv(key, value) VALUES ('c', 3)", "a=1 b=2 c=3"},
		{"INSERT OR REPLACE INTO kv(key, value) VALUES ('c', 'three'), ('d', 4.0)", "a=1 b=2 c=three d=4.0"},
		{"INSERT OR IGNORE INTO kv(key, value) VALUES ('c', 'x'), ('e', 5)", "a=1 b=2 c=three d=4.0 e=5"},
		{"REPLACE INTO kv(key, value) VALUES ('e', x'00')", "a=1 b=2 c=three d=4.0 e=\x00"},
		{"UPDATE kv SET value = value || '!' WHERE key >= 'c' AND key < 'e'", "a=1 b=2 c=three! d=4.0! e=\x00"},
		{"UPDATE kv SET key = 'z' WHERE key = 'e'", "a=1 b=2 c=three! d=4.0! z=\x00"},
		{"DELETE FROM kv WHERE key = 'a' OR key > 'c'", "b=2 c=three!"},
		{"UPDATE kv SET key = key || x'00' || 'y' WHERE key = 'b'", "b\x00y=2 c=three!"},
		{"UPDATE kv SET value = 'w' WHERE key > 'b' AND key < 'c'", "b\x00y=w c=three!"},
		{"DELETE FROM kv", ""},
	} {
		rows, err := s.Query(context.Background(), c.statement)
		require.NoError(t, err, c.statement)
		require.NoError(t, rows.Close())
		require.Equal(t, c.now, st.now(), c.statement)
		require.Equal(t, st.clock, rows.Committed())
		require.NotZero(t, rows.Changes(), c.statement)
		require.Nil(t, s.Transaction())
	}
}

func TestKVErrors(t *testing.T) {
	s, st := kvSession(t, "a", "1")
	var exists *existsError
	_, err := all(s, "INSERT INTO kv(key, value) VALUES ('b', 2), ('a', 2)")
	require.ErrorAs(t, err, &exists)
	require.Equal(t, "a=1", st.now())
	for statement, what := range map[string]string{
		"INSERT INTO kv(key, value) VALUES (NULL, 1)":                     "key cannot be NULL",
		"INSERT INTO kv(key, value) VALUES ('', 1)":                       "key cannot be empty",
		"INSERT INTO kv(key) VALUES ('q')":                                "value cannot be NULL",
		"UPDATE kv SET value = NULL":                                      "value cannot be NULL",
		"UPDATE kv SET commit_ts = 5":                                     "given, not chosen",
		"INSERT INTO kv VALUES ('x', 1, 5)":                               "given, not chosen",
		"INSERT INTO kv(key,value) VALUES ('q',1) ON CONFLICT DO NOTHING": "UPSERT not implemented",
	} {
		_, err := all(s, statement)
		require.ErrorContains(t, err, what, statement)
		require.Equal(t, "a=1", st.now())
	}
	s.SetWrite(false)
	for _, statement := range []string{"DELETE FROM kv", "INSERT INTO kv(key, value) VALUES ('q', 1)", "UPDATE kv SET value = 1"} {
		_, err := all(s, statement)
		var refused *RefusedError
		require.ErrorAs(t, err, &refused)
		require.ErrorContains(t, err, ".write on")
	}
}

// BEGIN … COMMIT is one transaction on both sides, shared with Do.
func TestKVTransaction(t *testing.T) {
	s, st := kvSession(t, "a", "1", "b", "2")
	text(t, s, "CREATE TABLE notes(n)")
	text(t, s, "BEGIN")
	require.NotNil(t, s.Transaction())
	text(t, s, "UPDATE kv SET value = 'x' WHERE key = 'a'")
	text(t, s, "INSERT INTO notes SELECT value FROM kv")
	_, err := s.Do(context.Background(), true, func(tx Transaction) error { return tx.Put(context.Background(), "c", []byte("3")) })
	require.NoError(t, err)
	require.Equal(t, "x <nil> | 2 50 | 3 <nil>", text(t, s, "SELECT value, commit_ts FROM kv"))
	require.Equal(t, "a=1 b=2", st.now())
	rows, err := s.Query(context.Background(), "COMMIT")
	require.NoError(t, err)
	require.NotZero(t, rows.Committed())
	require.Equal(t, "a=x b=2 c=3", st.now())
	require.Equal(t, "x | 2", text(t, s, "SELECT * FROM notes"))
	require.Nil(t, s.Transaction())

	text(t, s, "BEGIN IMMEDIATE")
	text(t, s, "DELETE FROM kv")
	text(t, s, "DELETE FROM notes")
	text(t, s, "ROLLBACK")
	require.Nil(t, s.Transaction())
	require.Equal(t, "a=x b=2 c=3", st.now())
	require.Equal(t, "2", text(t, s, "SELECT count(*) FROM notes"))
}

// A conflict at the commit is COMMIT's error, with its type, and both sides are out.
func TestKVConflictAtCommit(t *testing.T) {
	s, st := kvSession(t, "a", "1")
	text(t, s, "CREATE TABLE notes(n)")
	text(t, s, "BEGIN")
	text(t, s, "UPDATE kv SET value = 'mine' WHERE key = 'a'")
	text(t, s, "INSERT INTO notes VALUES (1)")
	st.clock += 10
	st.data["a"] = Entry{"a", []byte("theirs"), st.clock}
	_, err := all(s, "COMMIT")
	var conflict *conflictError
	require.ErrorAs(t, err, &conflict)
	require.Nil(t, s.Transaction())
	require.False(t, s.handle.inTransaction())
	require.Equal(t, "theirs", text(t, s, "SELECT value FROM kv"))
	require.Equal(t, "0", text(t, s, "SELECT count(*) FROM notes"))
	_, err = all(s, "COMMIT")
	require.ErrorContains(t, err, "no transaction is active")
	text(t, s, "BEGIN")
	text(t, s, "COMMIT")
}

func TestKVSavepoints(t *testing.T) {
	for _, first := range []string{"BEGIN", "SAVEPOINT outer"} {
		s, st := kvSession(t, "a", "1")
		text(t, s, first)
		text(t, s, "INSERT INTO kv(key, value) VALUES ('b', 2)")
		text(t, s, "SAVEPOINT one")
		text(t, s, "INSERT INTO kv(key, value) VALUES ('c', 3), ('d', 4)")
		text(t, s, "SAVEPOINT two")
		text(t, s, "DELETE FROM kv")
		require.Equal(t, "", text(t, s, "SELECT key FROM kv"))
		text(t, s, "ROLLBACK TO two")
		require.Equal(t, "a | b | c | d", text(t, s, "SELECT key FROM kv"))
		text(t, s, "RELEASE two")
		text(t, s, "ROLLBACK TO one")
		require.Equal(t, "a | b", text(t, s, "SELECT key FROM kv"))
		text(t, s, "INSERT INTO kv(key, value) VALUES ('e', 5)")
		text(t, s, "RELEASE one")
		require.NotNil(t, s.Transaction())
		if first == "BEGIN" {
			text(t, s, "END")
		} else {
			text(t, s, "SAVEPOINT x")
			text(t, s, "RELEASE outer")
		}
		require.Nil(t, s.Transaction())
		require.Equal(t, "a=1 b=2 e=5", st.now())
	}
	s, st := kvSession(t, "a", "1")
	text(t, s, "SAVEPOINT outer")
	text(t, s, "DELETE FROM kv")
	text(t, s, "ROLLBACK TO outer")
	require.Equal(t, "a", text(t, s, "SELECT key FROM kv"))
	text(t, s, "RELEASE outer")
	require.Equal(t, "a=1", st.now())
}

// A statement that fails in the middle leaves the transaction as it was before it.
func TestKVStatementFailsInTheMiddle(t *testing.T) {
	s, st := kvSession(t, "a", "1", "b", "2")
	text(t, s, "BEGIN")
	text(t, s, "INSERT INTO kv(key, value) VALUES ('c', 3)")
	_, err := all(s, "INSERT INTO kv(key, value) VALUES ('d', 4), ('e', NULL)")
	require.Error(t, err)
	_, err = all(s, "UPDATE kv SET value = CASE key WHEN 'b' THEN NULL ELSE 'u' END")
	require.Error(t, err)
	failed := errors.New("told to")
	_, err = s.Do(context.Background(), true, func(tx Transaction) error {
		tx.Put(context.Background(), "f", nil)
		return failed
	})
	require.ErrorIs(t, err, failed)
	require.NotNil(t, s.Transaction())
	require.Equal(t, "a 1 | b 2 | c 3", text(t, s, "SELECT key, value FROM kv"))
	text(t, s, "COMMIT")
	require.Equal(t, "a=1 b=2 c=3", st.now())
}

// SQLite may roll back on its own; the distributed transaction goes with it.
func TestKVRolledBackBySQLite(t *testing.T) {
	s, st := kvSession(t, "a", "1")
	text(t, s, "CREATE TABLE notes(n PRIMARY KEY)")
	text(t, s, "BEGIN")
	text(t, s, "DELETE FROM kv")
	text(t, s, "INSERT INTO notes VALUES (1)")
	_, err := all(s, "INSERT OR ROLLBACK INTO notes VALUES (1)")
	require.ErrorContains(t, err, "UNIQUE")
	require.Nil(t, s.Transaction())
	require.False(t, s.handle.inTransaction())
	require.Equal(t, "a=1", st.now())
}

func TestKVWriteInterrupted(t *testing.T) {
	s, st := kvSession(t, "a", "1")
	text(t, s, "BEGIN")
	text(t, s, "DELETE FROM kv")
	ctx, cancel := context.WithCancel(context.Background())
	s.functions[0].Call = func(context.Context, []any) (any, error) { cancel(); return int64(1), nil }
	_, err := allIn(ctx, s, "INSERT INTO kv(key, value) WITH RECURSIVE c(x) AS (SELECT ts(1) UNION ALL SELECT x+1 FROM c) SELECT x, x FROM c")
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, s.handle.inTransaction(), s.Transaction() != nil)
	require.Equal(t, "a=1", st.now())
}

func TestDo(t *testing.T) {
	s, st := kvSession(t, "a", "1")
	ctx := context.Background()
	ts, err := s.Do(ctx, true, func(tx Transaction) error { return tx.Put(ctx, "b", []byte("2")) })
	require.NoError(t, err)
	require.Equal(t, st.clock, ts)
	ts, err = s.Do(ctx, false, func(tx Transaction) error { _, _, err := tx.Get(ctx, "a"); return err })
	require.NoError(t, err)
	require.Zero(t, ts)
	_, err = s.Do(ctx, true, func(Transaction) error { panic("ouch") })
	var panicked *PanicError
	require.ErrorAs(t, err, &panicked)
	s.SetWrite(false)
	_, err = s.Do(ctx, true, func(Transaction) error { return nil })
	require.ErrorContains(t, err, ".write on")
	rows, err := s.Query(ctx, "SELECT * FROM kv")
	require.NoError(t, err)
	_, err = s.Do(ctx, false, func(Transaction) error { return nil })
	require.ErrorContains(t, err, "still open")
	_, err = s.Query(ctx, "SELECT 1")
	require.ErrorContains(t, err, "still open")
	require.NoError(t, rows.Close())
	require.Equal(t, "a=1 b=2", st.now())
}

// The cut of a statement is that of the transaction it runs in.
func TestKVCut(t *testing.T) {
	st := newStore("a", "1")
	var cuts []uint64
	table := &asked{}
	s := open(t, Config{Begin: st.begin, Tables: []*Table{{Name: "versions", Columns: []Column{{Name: "key", Type: "TEXT"}},
		Scan: func(ctx context.Context, q *Query) seq {
			cuts = append(cuts, StatementOf(ctx).AsOf)
			return table.scan(ctx, q)
		}}}})
	text(t, s, "SELECT * FROM versions")
	text(t, s, "SELECT * FROM versions, kv")
	text(t, s, "BEGIN")
	text(t, s, "SELECT * FROM versions")
	begun := s.Transaction().ReadTimestamp()
	text(t, s, "ROLLBACK")
	s.SetAsOf(7)
	text(t, s, "SELECT * FROM versions")
	require.Equal(t, []uint64{0, 101, begun, 7}, cuts)
	for _, statement := range []string{"SELECT * FROM kv", "BEGIN"} {
		_, err := all(s, statement)
		require.ErrorContains(t, err, ".asof")
		require.Nil(t, s.Transaction())
		require.False(t, s.handle.inTransaction())
	}
	require.Zero(t, st.open)
}

// A commit that went through is no error, though the caller had given up by then.
func TestKVCanceledWhileCommitting(t *testing.T) {
	for _, statements := range [][]string{{"INSERT INTO kv(key, value) VALUES ('b', 2)"}, {"BEGIN", "INSERT INTO kv(key, value) VALUES ('b', 2)", "COMMIT"},
		{"INSERT INTO kv(key, value) VALUES ('b', 2) RETURNING key"}} {
		s, st := kvSession(t, "a", "1")
		ctx, cancel := context.WithCancel(context.Background())
		st.hook = func(what string) {
			if what == "commit" {
				cancel()
			}
		}
		var committed uint64
		for _, statement := range statements {
			rows, err := s.Query(ctx, statement)
			require.NoError(t, err)
			for rows.Next() {
			}
			require.NoError(t, rows.Close())
			committed = rows.Committed()
		}
		require.Equal(t, st.clock, committed)
		require.Equal(t, "a=1 b=2", st.now())
		require.Nil(t, s.Transaction())
		require.False(t, s.handle.inTransaction())
	}
}

func TestKVCanceledWhileBeginning(t *testing.T) {
	s, st := kvSession(t, "a", "1")
	for _, statement := range []string{"BEGIN", "SAVEPOINT x", "SELECT * FROM kv", "DELETE FROM kv"} {
		ctx, cancel := context.WithCancel(context.Background())
		st.hook = func(string) { cancel() }
		_, err := allIn(ctx, s, statement)
		require.ErrorIs(t, err, context.Canceled, statement)
		require.Nil(t, s.Transaction())
		require.False(t, s.handle.inTransaction())
		require.Zero(t, st.open)
		require.Equal(t, "a=1", st.now())
	}
}

// TestKVTwin drives kv and a table of SQLite's own through the same transactions: what SQLite
// does to one, the distributed transaction must do to the other.
func TestKVTwin(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	g := &twinGen{rand.New(rand.NewPCG(seed, 2))}
	s, st := kvSession(t)
	text(t, s, "CREATE TABLE own(key TEXT PRIMARY KEY, value NOT NULL)")
	failed := 0
	for range 3000 {
		statement := g.change()
		_, errKV := all(s, strings.ReplaceAll(statement, "@", "kv"))
		if statement != strings.ReplaceAll(statement, "@", "") {
			_, errOwn := all(s, strings.ReplaceAll(statement, "@", "own"))
			require.Equal(t, errOwn == nil, errKV == nil, "seed %d: %s: %v, %v", seed, statement, errOwn, errKV)
		}
		if errKV != nil {
			failed++
		}
		require.Equal(t, s.handle.inTransaction(), s.Transaction() != nil)
		require.Equal(t, text(t, s, "SELECT key, value FROM own ORDER BY key"), text(t, s, "SELECT key, value FROM kv ORDER BY key"),
			"seed %d: %s", seed, statement)
		if s.Transaction() == nil {
			require.Zero(t, st.open)
		}
	}
	require.NotZero(t, failed)
}

func (g *twinGen) change() string {
	key := func() string { return g.pick("'a'", "'b'", "'ab'", "'c'") }
	switch g.IntN(16) {
	case 0:
		return g.pick("BEGIN", "SAVEPOINT s1")
	case 1:
		return g.pick("COMMIT", "END")
	case 2:
		return "ROLLBACK"
	case 3:
		return "SAVEPOINT " + g.pick("s1", "s2", "s3")
	case 4:
		return "RELEASE " + g.pick("s1", "s2", "s3")
	case 5, 6:
		return "ROLLBACK TO " + g.pick("s1", "s2", "s3")
	case 7, 8:
		return "INSERT OR REPLACE INTO @(key, value) VALUES (" + key() + ", '" + g.pick("1", "2", "3") + "'), (" + key() + ", " + g.pick("'4'", "'5'", "NULL") + ")"
	case 9:
		return "INSERT OR IGNORE INTO @(key, value) VALUES (" + key() + ", 'i'), (" + key() + ", 'j')"
	case 10:
		return "DELETE FROM @ WHERE key " + g.pick("=", "<", ">", ">=") + key()
	case 11:
		return "DELETE FROM @ WHERE key = " + key() + " OR value > '3'"
	case 12:
		return "UPDATE @ SET value = CASE WHEN key = " + key() + " AND value > '3' THEN NULL ELSE value || '+' END WHERE length(value) < 5"
	case 13:
		return "UPDATE OR REPLACE @ SET key = " + key() + " WHERE key = " + key()
	case 14:
		return "INSERT OR REPLACE INTO @(key, value) SELECT key || 'b', value FROM @ WHERE length(key) < 3"
	}
	return "INSERT OR REPLACE INTO @(key, value) VALUES (" + key() + ", '9')"
}
