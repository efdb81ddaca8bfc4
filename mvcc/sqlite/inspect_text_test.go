package sqlite

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The functions that are here once more answer as SQLite's own do.
func TestTextFunctionsAreAsSQLites(t *testing.T) {
	s := open(t)
	defer s.Close()
	own, err := sql.Open("sqlite", ":memory:")
	require.NoError(t, err)
	defer own.Close()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	alphabet := []string{"a", "A", "b", "%", "_", "*", "?", "[", "]", "^", "-", "ä", "Ä", "x", " ", "\\", "''"}
	text := func() string {
		var b strings.Builder
		for range r.IntN(7) {
			b.WriteString(alphabet[r.IntN(len(alphabet))])
		}
		return "'" + b.String() + "'"
	}
	value := func() string {
		switch r.IntN(12) {
		case 0:
			return "NULL"
		case 1:
			return fmt.Sprint(r.IntN(200) - 100)
		case 2:
			return fmt.Sprintf("%d.%d", r.IntN(20), r.IntN(100))
		case 3:
			return fmt.Sprintf("x'%02x%02x'", r.IntN(100)+20, r.IntN(100)+20)
		}
		return text()
	}
	var terms []string
	for _, form := range []string{"%s LIKE %s", `%s LIKE %s ESCAPE '\'`, "%s GLOB %s", "instr(%s, %s)", "trim(%s, %s)", "ltrim(%s, %s)", "rtrim(%s, %s)"} {
		for range 150 {
			terms = append(terms, fmt.Sprintf(form, value(), value()))
		}
	}
	for range 150 {
		terms = append(terms, fmt.Sprintf("replace(%s, %s, %s)", value(), value(), value()), fmt.Sprintf("trim(%s)", text()))
	}
	for some := range slices.Chunk(terms, 50) {
		query := "SELECT " + strings.Join(some, ", ")
		want := make([]any, len(some))
		to := make([]any, len(some))
		for i := range want {
			to[i] = &want[i]
		}
		require.NoError(t, own.QueryRow(query).Scan(to...))
		got, err := Inspect(t.Context(), s.path, query, Limits{Timeout: time.Minute})
		require.NoError(t, err)
		for i, term := range some {
			require.Equal(t, want[i], got.Rows[0][i], term)
		}
	}
}
