package output

import (
	"bufio"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// The bounds of a table, unless Options say otherwise.
const (
	tableRowsMax = 10_000
	shownMax     = 120 // bytes of a value
)

// lateness is how long a printed row may wait for company before it is written.
const lateness = 100 * time.Millisecond

// Options say for whom a result is printed. The zero value: with a header, without colour.
type Options struct {
	NoHeader  bool
	Color     bool
	TableRows int       // how many rows a table holds; zero: 10,000
	Say       io.Writer // hears how many rows a table left out; nil: nobody does
}

// Print prints all rows and answers how many there were. What it has printed before an error
// stays printed.
func Print(w io.Writer, f Format, rows Rows, o Options) (int, error) {
	if f == Table || f == "" {
		return printTable(w, rows, o)
	}
	out := &stream{Writer: bufio.NewWriterSize(w, 64<<10), written: time.Now()}
	var n int
	var err error
	switch f {
	case JSON:
		n, err = printArray(out, rows)
	case JSONL:
		n, err = printLines(out, rows)
	case CSV:
		n, err = printCSV(out, rows, o)
	case Markdown:
		n, err = printMarkdown(out, rows, o)
	default:
		return 0, &FormatError{Name: string(f)}
	}
	if e := out.Flush(); err == nil {
		err = e
	}
	return n, err
}

// stream writes rows in large pieces while they come fast, and soon where they do not.
type stream struct {
	*bufio.Writer
	written time.Time
}

// rowDone says that a row is complete.
func (s *stream) rowDone() error {
	if now := time.Now(); now.Sub(s.written) > lateness {
		s.written = now
		return s.Flush()
	}
	return nil
}

// each calls f for every row, counted from 0.
func each(rows Rows, f func(i int, row []any) error) (int, error) {
	n := 0
	for rows.Next() {
		if err := f(n, rows.Row()); err != nil {
			return n, err
		}
		n++
	}
	return n, rows.Err()
}

// Terminal says whether a person sits at the other end: /dev/null, a character device too,
// has no window.
func Terminal(end any) bool {
	_, _, ok := Size(end)
	return ok
}

// Size is how many columns and rows the terminal has at the other end, if it is one.
func Size(end any) (columns, rows int, ok bool) {
	f, ok := end.(*os.File)
	if !ok {
		return 0, 0, false
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0, false
	}
	return int(size.Col), int(size.Row), true
}

// Colored says whether what is written there should have colour.
func Colored(w any) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && Terminal(w)
}
