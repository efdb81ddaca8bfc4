package virtual

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// scanned is a session with one table t(a, b) over a scan.
func scanned(t *testing.T, scan func(context.Context, *Query) seq, functions ...*Function) *Session {
	t.Helper()
	return open(t, Config{Functions: functions,
		Tables: []*Table{{Name: "t", Columns: []Column{{Name: "a"}, {Name: "b"}}, Scan: scan}}})
}

func TestValues(t *testing.T) {
	s := scanned(t, func(context.Context, *Query) seq {
		return func(yield func([]any, error) bool) {
			row := make([]any, 2) // the row is used again
			for i, v := range []any{nil, int64(-5), 2.5, "te\x00xt", []byte{0, 1}, "", []byte{}, "\xff"} {
				row[0], row[1] = v, int64(i)
				if !yield(row, nil) {
					return
				}
			}
			if yield([]any{"short"}, nil) {
				yield([]any{"long", int64(1), int64(2)}, nil)
			}
		}
	})
	rows, err := all(s, "SELECT a FROM t")
	require.NoError(t, err)
	require.Equal(t, [][]any{{nil}, {int64(-5)}, {2.5}, {"te\x00xt"}, {[]byte{0, 1}}, {""}, {[]byte{}}, {"\xff"}, {"short"}, {"long"}}, rows)
	text(t, s, "CREATE TABLE dates(d DATETIME)")
	text(t, s, "INSERT INTO dates VALUES ('2026-11-23'), ('x')")
	require.Equal(t, "2026-11-23 | x", text(t, s, "SELECT d FROM dates"), "as it was written")
	require.Equal(t, "null integer real text blob text blob text text text", text(t, s,
		"SELECT group_concat(typeof(a), ' ') FROM t"))
	require.Equal(t, "1", text(t, s, "SELECT count(*) FROM t WHERE a = 'te' || char(0) || 'xt'"))
}

// An error of a table or a function is the statement's, with its type, wherever it comes.
func TestErrorsKeepTheirType(t *testing.T) {
	at := 0
	fails := func(context.Context, *Query) seq {
		return func(yield func([]any, error) bool) {
			for i := 0; ; i++ {
				if i == at {
					yield(nil, fmt.Errorf("page %d: %w", i, &conflictError{"k"}))
					return
				}
				if !yield([]any{int64(i), nil}, nil) {
					return
				}
			}
		}
	}
	s := scanned(t, fails, &Function{Name: "f", Args: 1, Call: func(context.Context, []any) (any, error) { return nil, &existsError{"f"} }})
	for at = range 3 {
		for _, statement := range []string{"SELECT * FROM t", "SELECT count(*) FROM t", "SELECT * FROM t ORDER BY a DESC",
			"CREATE TABLE copy AS SELECT * FROM t", "SELECT * FROM t x, t y WHERE x.a = y.a"} {
			_, err := all(s, statement)
			var conflict *conflictError
			require.ErrorAs(t, err, &conflict, "%s at %d", statement, at)
			require.EqualError(t, err, fmt.Sprintf("page %d: WRITE_CONFLICT: k", at))
		}
	}
	var exists *existsError
	_, err := all(s, "SELECT f(1)")
	require.ErrorAs(t, err, &exists)
	require.Equal(t, "1", text(t, s, "SELECT 1"), "an error does not stay")
	at = -1
	_, err = all(scanned(t, func(context.Context, *Query) seq {
		return func(yield func([]any, error) bool) { yield([]any{uint8(1)}, nil) }
	}), "SELECT a FROM t")
	require.EqualError(t, err, "t.a: a uint8 is no value of SQLite's")
}

func TestPanics(t *testing.T) {
	where := ""
	s := scanned(t, func(context.Context, *Query) seq {
		if where == "scan" {
			panic("in scan")
		}
		return func(yield func([]any, error) bool) {
			defer func() {
				if where == "end" {
					panic("at the end")
				}
			}()
			yield([]any{int64(1)}, nil)
			if where == "row" {
				panic("in a row")
			}
		}
	}, &Function{Name: "f", Args: -1, Call: func(context.Context, []any) (any, error) { panic("in a function") }})
	for _, c := range []struct{ where, statement, what string }{
		{"scan", "SELECT * FROM t", "in scan"}, {"row", "SELECT * FROM t", "in a row"},
		{"end", "SELECT * FROM t LIMIT 1", "at the end"}, {"", "SELECT f()", "in a function"},
	} {
		where = c.where
		_, err := all(s, c.statement)
		var panicked *PanicError
		require.ErrorAs(t, err, &panicked, c.where)
		require.Equal(t, c.what, panicked.Value)
		require.ErrorContains(t, err, "_test.go", "it says where")
	}
	where = ""
	require.Equal(t, "1 <nil>", text(t, s, "SELECT * FROM t"))
}

// The end of the context ends a Scan that waits, and SQLite where it is busy with itself.
func TestCancel(t *testing.T) {
	waiting := make(chan struct{}, 1)
	s := scanned(t, func(ctx context.Context, _ *Query) seq {
		return func(yield func([]any, error) bool) {
			if !yield([]any{int64(1)}, nil) {
				return
			}
			waiting <- struct{}{}
			<-ctx.Done()
			yield(nil, fmt.Errorf("gone: %w", &conflictError{"k"}))
		}
	})
	const bomb = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
	for _, c := range []struct {
		statement string
		rows      int
		scan      bool
	}{
		{"SELECT count(*) FROM t", 0, true},
		{"SELECT a FROM t", 1, true},
		{bomb + "SELECT count(*) FROM c", 0, false},
		{bomb + "SELECT x FROM c WHERE x = 1 OR x < 0", 1, false}, // busy after its first row
	} {
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			if c.scan {
				<-waiting
			}
			cancel()
		}()
		got := 0
		rows, err := s.Query(ctx, c.statement)
		if err == nil {
			for rows.Next() {
				got++
			}
			err = rows.Err()
		}
		require.ErrorIs(t, err, context.Canceled, c.statement)
		require.LessOrEqual(t, got, c.rows)
		if c.scan {
			var conflict *conflictError
			require.ErrorAs(t, err, &conflict)
		}
		require.Equal(t, "1", text(t, s, "SELECT 1"), "the next statement is whole")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := s.Query(ctx, "SELECT 1")
	require.ErrorIs(t, err, context.Canceled)
}

// A statement's context ends with its rows.
func TestContextEndsWithTheRows(t *testing.T) {
	var seen context.Context
	s := scanned(t, func(ctx context.Context, _ *Query) seq {
		seen = ctx
		return func(yield func([]any, error) bool) {
			for yield([]any{int64(1)}, nil) {
			}
		}
	})
	rows, err := s.Query(context.Background(), "SELECT * FROM t")
	require.NoError(t, err)
	require.True(t, rows.Next())
	require.NoError(t, seen.Err())
	require.NoError(t, rows.Close())
	require.Error(t, seen.Err())
}

// Sessions do not see one another, though the driver keeps one list of modules.
func TestSessionsAreTheirOwn(t *testing.T) {
	one := func(v string) *Session {
		return scanned(t, func(context.Context, *Query) seq {
			return func(yield func([]any, error) bool) { yield([]any{v, v}, nil) }
		}, &Function{Name: "who", Call: func(context.Context, []any) (any, error) { return v, nil }})
	}
	a, b := one("a"), one("b")
	text(t, a, "CREATE TABLE notes(n)")
	require.Equal(t, "a a", text(t, a, "SELECT a, who() FROM t"))
	require.Equal(t, "b b", text(t, b, "SELECT a, who() FROM t"))
	_, err := all(b, "SELECT * FROM notes")
	require.ErrorContains(t, err, "no such table: notes")
	require.NoError(t, a.Close())
	require.NoError(t, a.Close())
	_, err = a.Query(context.Background(), "SELECT 1")
	require.ErrorIs(t, err, ErrClosed)
	require.Equal(t, "b", text(t, b, "SELECT who()"))
}

func TestBadTables(t *testing.T) {
	scan := func(context.Context, *Query) seq { return nil }
	for what, cfg := range map[string]Config{
		"cannot be called":   {Tables: []*Table{{Name: "a b", Scan: scan, Columns: []Column{{Name: "a"}}}}},
		"two tables":         {Tables: []*Table{{Name: "a", Scan: scan, Columns: []Column{{Name: "a"}}}, {Name: "A", Scan: scan, Columns: []Column{{Name: "a"}}}}},
		"no columns":         {Tables: []*Table{{Name: "a", Scan: scan}}},
		"arguments come":     {Tables: []*Table{{Name: "a", Scan: scan, Columns: []Column{{Name: "a", Hidden: true}, {Name: "b"}}}}},
		"say TEXT":           {Tables: []*Table{{Name: "a", Scan: scan, Columns: []Column{{Name: "a", Type: "DATETIME"}}}}},
		"function cannot be": {Functions: []*Function{{Name: ""}}},
	} {
		_, err := Open(cfg)
		require.ErrorContains(t, err, what)
	}
}

func TestTransactionsNeedBegin(t *testing.T) {
	s := open(t, Config{})
	for _, statement := range []string{"BEGIN", "SAVEPOINT x"} {
		_, err := all(s, statement)
		require.ErrorContains(t, err, "only looks")
		require.False(t, s.handle.inTransaction())
	}
	_, err := s.Do(context.Background(), false, nil)
	require.ErrorContains(t, err, "only looks")

	failed := errors.New("no cluster")
	s = open(t, Config{Begin: func(context.Context) (Transaction, error) { return nil, failed }})
	for _, statement := range []string{"BEGIN", "SELECT * FROM kv"} {
		_, err := all(s, statement)
		require.ErrorIs(t, err, failed)
	}
	require.Equal(t, "1", text(t, s, "SELECT 1"))
}

// A value that a function draws once for the statement is the same wherever it is asked for.
func TestOncePerStatement(t *testing.T) {
	var drawn int64 = 1 << 58
	now := func(ctx context.Context, _ []any) (any, error) {
		return StatementOf(ctx).Once("now", func() (any, error) { drawn++; return drawn, nil })
	}
	s := open(t, Config{Begin: newStore().begin, Functions: []*Function{{Name: "f", Call: now},
		{Name: "g", Args: 1, Deterministic: true, Call: func(_ context.Context, a []any) (any, error) { return "x", nil }}}})
	for range 2000 {
		require.Equal(t, "1 1 text", text(t, s, "SELECT f() = f(), f() > 0, typeof(g(x'ff'))"))
	}
	require.EqualValues(t, 1<<58+2000, drawn)
}
