package virtual

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// twinScan is an eager Scan: it leaves out every row and every value that the query lets it
// leave out, stops at the limit, and yields in order. What it yields must still be enough for
// the same answers as a table of SQLite's own gives.
func twinScan(columns []Column, rows [][]any) func(context.Context, *Query) seq {
	return func(_ context.Context, q *Query) seq {
		return func(yield func([]any, error) bool) {
			var count int64
			for _, row := range rows {
				if !admits(q, columns, row) {
					continue
				}
				out := slices.Clone(row)
				for i, c := range columns {
					if !q.Uses(c.Name) {
						out[i] = nil
					}
				}
				if count++; !yield(out, nil) || count == q.Limit {
					return
				}
			}
		}
	}
}

func admits(q *Query, columns []Column, row []any) bool {
	for i, c := range columns {
		if v, ok := q.Equals[c.Name]; ok {
			if d, comparable := compare(row[i], v); !comparable || d != 0 {
				return false
			}
		}
		if b, ok := q.Lows[c.Name]; ok {
			if d, comparable := compare(row[i], b.Value); !comparable || d < 0 || d == 0 && !b.Inclusive {
				return false
			}
		}
		if b, ok := q.Highs[c.Name]; ok {
			if d, comparable := compare(row[i], b.Value); !comparable || d > 0 || d == 0 && !b.Inclusive {
				return false
			}
		}
	}
	return true
}

// TestTwin asks the adapter and a table of SQLite's own the same questions.
func TestTwin(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	g := &twinGen{rand.New(rand.NewPCG(seed, 1))}
	columns := []Column{
		{Name: "k", Type: "TEXT", Equal: true, Range: true}, {Name: "n", Type: "INTEGER", Equal: true, Range: true},
		{Name: "r", Type: "REAL", Range: true}, {Name: "b", Type: "BLOB", Equal: true, Range: true},
		{Name: "id", Type: "INTEGER"}}
	for range 6 {
		rows := g.rows()
		s := open(t, Config{Tables: []*Table{{Name: "v", Columns: columns, Ordered: []string{"k", "n"},
			Rows: int64(g.IntN(3) * 50000), Scan: twinScan(columns, rows)}}})
		text(t, s, "CREATE TABLE o(k TEXT, n INTEGER, r REAL, b BLOB, id INTEGER)")
		for _, row := range rows {
			text(t, s, fmt.Sprintf("INSERT INTO o VALUES (%s, %s, %s, %s, %d)", literal(row[0]), literal(row[1]), literal(row[2]), literal(row[3]), row[4]))
		}
		for range 250 {
			statement := g.statement()
			want, err := all(s, strings.ReplaceAll(statement, "@", "o"))
			require.NoError(t, err, statement)
			got, err := all(s, strings.ReplaceAll(statement, "@", "v"))
			require.NoError(t, err, statement)
			if !strings.Contains(statement, "ORDER BY") {
				sortRows(want)
				sortRows(got)
			}
			require.Equal(t, want, got, "seed %d: %s", seed, statement)
		}
	}
}

type twinGen struct{ *rand.Rand }

func (g *twinGen) pick(of ...string) string { return of[g.IntN(len(of))] }

func (g *twinGen) rows() [][]any {
	var rows [][]any
	for i := range 12 {
		rows = append(rows, []any{g.pick("", "a", "A", "b", "ab", "5", "05", "é"), int64(g.IntN(7) - 2),
			float64(g.IntN(9)) / 2, []byte(g.pick("", "a", "b", "\x00", "5")), int64(i)})
	}
	slices.SortFunc(rows, func(a, b []any) int {
		if d, _ := compare(a[0], b[0]); d != 0 {
			return d
		}
		d, _ := compare(a[1], b[1])
		return d
	})
	return rows
}

func literal(v any) string {
	switch v := v.(type) {
	case string:
		return "'" + v + "'"
	case []byte:
		return fmt.Sprintf("x'%x'", v)
	}
	return fmt.Sprint(v)
}

func (g *twinGen) value() string {
	return g.pick("'a'", "'A'", "'b'", "'5'", "'05'", "' 5 '", "''", "5", "0", "-1", "2", "2.0", "2.5", "-0.5", "1e300", "-1e300",
		"x'61'", "x''", "NULL", "'1e0'", "'x'", "+3", "CAST(2 AS TEXT)")
}

func (g *twinGen) comparison(table string) string {
	column := table + "." + g.pick("k", "n", "r", "b")
	switch g.IntN(12) {
	case 0:
		return column + " IN (" + g.value() + ", " + g.value() + ", " + g.value() + ")"
	case 1:
		return column + " BETWEEN " + g.value() + " AND " + g.value()
	case 2:
		return column + " LIKE " + g.pick("'a%'", "'%'", "'5'")
	case 3:
		return column + g.pick(" = ", " > ", " <= ") + g.value() + " COLLATE NOCASE"
	case 4:
		return column + " IS " + g.pick("NOT ", "") + g.value()
	case 5:
		return g.value() + g.pick(" < ", " >= ", " = ") + column
	}
	return column + g.pick(" = ", " = ", " < ", " <= ", " > ", " >= ", " <> ") + g.value()
}

func (g *twinGen) where(table string, depth int) string {
	if depth == 0 || g.IntN(3) == 0 {
		return g.comparison(table)
	}
	return "(" + g.where(table, depth-1) + g.pick(" AND ", " AND ", " OR ") + g.where(table, depth-1) + ")"
}

func (g *twinGen) statement() string {
	w := g.where("x", 3)
	switch g.IntN(10) {
	case 7: // few columns are asked for, so that rows look alike
		return "SELECT count(*) FROM @ x WHERE x.k " + g.pick(">", "=") + " 'a' OR x.n = 1"
	case 8:
		return "SELECT count(*) FROM @ y RIGHT JOIN @ x ON x.n = y.n AND y.k > " + g.value()
	case 0:
		return "SELECT count(*), min(k), max(n), sum(r) FROM @ x WHERE " + w
	case 1:
		return "SELECT k, n, id FROM @ x WHERE " + w + " ORDER BY k, n, id LIMIT 4 OFFSET " + g.pick("0", "1", "3")
	case 2:
		return "SELECT x.id, y.id FROM @ x JOIN @ y ON x." + g.pick("k", "n", "b") + g.pick(" = ", " < ") + "y." + g.pick("k", "n", "r") + " WHERE " + w
	case 3:
		return "SELECT x.id, y.id FROM @ x LEFT JOIN @ y ON x.n = y.n AND " + g.where("y", 1) + " WHERE " + w
	case 4:
		return "SELECT x.id, y.id FROM @ x " + g.pick("RIGHT", "FULL") + " JOIN @ y ON x.n = y.r AND " + w
	case 5:
		return "SELECT k, count(*) FROM @ x WHERE " + w + " GROUP BY k ORDER BY k"
	case 6:
		return "SELECT DISTINCT n FROM @ x WHERE " + w + " AND x.k IN (SELECT k FROM @ y WHERE " + g.where("y", 1) + ")"
	}
	return "SELECT k, n, id FROM @ x WHERE " + w
}

func sortRows(rows [][]any) {
	slices.SortFunc(rows, func(a, b []any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
}
