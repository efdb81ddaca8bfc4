package output

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// lent are rows whose text lies in memory that the next row takes, as SQLite's does.
type lent struct {
	texts  []string
	at     int
	buffer []byte
}

func (l *lent) Columns() []string { return []string{"text"} }

func (l *lent) Next() bool {
	if l.at == len(l.texts) {
		copy(l.buffer, strings.Repeat("#", len(l.buffer)))
		return false
	}
	copy(l.buffer, l.texts[l.at])
	l.at++
	return true
}

func (l *lent) Row() []any {
	return []any{unsafe.String(&l.buffer[0], len(l.texts[l.at-1]))}
}

func (l *lent) Err() error { return nil }

// A row is valid until the next one: no format keeps its text beyond that.
func TestRowsAreLent(t *testing.T) {
	for _, name := range Names() {
		var out strings.Builder
		n, err := Print(&out, Format(name), &lent{texts: []string{"one", "two", "six"}, buffer: make([]byte, 3)}, Options{})
		require.NoError(t, err)
		require.Equal(t, 3, n)
		for _, want := range []string{"one", "two", "six"} {
			require.Contains(t, out.String(), want, fmt.Sprintf("as %s", name))
		}
	}
}
