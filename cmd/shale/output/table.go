package output

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// What a terminal is told, and the space between two columns.
const (
	bold, dim, plain = "\x1b[1m", "\x1b[2m", "\x1b[0m"
	gap              = "  "
)

// printTable holds the rows back to know how wide the columns are, up to a bound. It counts
// the others.
func printTable(w io.Writer, rows Rows, o Options) (int, error) {
	limit := o.TableRows
	if limit <= 0 {
		limit = tableRowsMax
	}
	t := newGrid(rows.Columns())
	n, err := each(rows, func(i int, row []any) error {
		if i < limit {
			t.add(row)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	out := bufio.NewWriterSize(w, 64<<10)
	t.write(out, o)
	if err := out.Flush(); err != nil {
		return n, err
	}
	if n > limit && o.Say != nil {
		fmt.Fprintf(o.Say, "there are %s more rows: a table shows the first %s; csv, json and jsonl have all of them\n",
			Thousands(n-limit), Thousands(limit))
	}
	return n, nil
}

// cell is a value as it will be printed.
type cell struct {
	text  string
	width int
	null  bool
}

// grid is a table before it is written.
type grid struct {
	head   []cell
	rows   [][]cell
	widths []int
	words  []bool // the column holds something that is no number,
	digits []bool // and something that is one
}

func newGrid(columns []string) *grid {
	n := len(columns)
	t := &grid{widths: make([]int, n), words: make([]bool, n), digits: make([]bool, n)}
	for i, c := range columns {
		h := heading(c)
		t.head = append(t.head, cell{text: h, width: Width(h)})
		t.widths[i] = t.head[i].width
	}
	return t
}

func (t *grid) add(row []any) {
	cells := make([]cell, len(t.head))
	for i, v := range row {
		s := strings.Clone(Text(v, shownMax)) // the row is its owner's again before it is printed
		cells[i] = cell{text: s, width: Width(s), null: v == nil}
		t.widths[i] = max(t.widths[i], cells[i].width)
		t.words[i] = t.words[i] || v != nil && !number(v)
		t.digits[i] = t.digits[i] || number(v)
	}
	t.rows = append(t.rows, cells)
}

// write prints numbers to the right, all else to the left, and no space at the lines' ends.
func (t *grid) write(out *bufio.Writer, o Options) {
	if len(t.head) == 0 {
		return
	}
	if !o.NoHeader {
		t.line(out, t.head, func(c cell) string { return o.paint(bold, c.text) })
	}
	for _, row := range t.rows {
		t.line(out, row, func(c cell) string {
			if c.null {
				return o.paint(dim, c.text)
			}
			return c.text
		})
	}
}

func (t *grid) line(out *bufio.Writer, cells []cell, show func(cell) string) {
	// A bufio.Writer keeps its first error for Flush.
	for i, c := range cells {
		if i > 0 {
			_, _ = out.WriteString(gap)
		}
		pad := strings.Repeat(" ", t.widths[i]-c.width)
		right := t.digits[i] && !t.words[i]
		if right {
			_, _ = out.WriteString(pad)
		}
		_, _ = out.WriteString(show(c))
		if !right && i < len(cells)-1 {
			_, _ = out.WriteString(pad)
		}
	}
	_ = out.WriteByte('\n')
}

func (o Options) paint(code, s string) string {
	if !o.Color || s == "" {
		return s
	}
	return code + s + plain
}

// heading is a column's name on one line; SQLite names a column after its expression, as it
// was typed.
func heading(name string) string {
	return Text(strings.Join(strings.Fields(name), " "), shownMax)
}

// Width is how many columns of a terminal a text takes: wide characters take two.
func Width(s string) int { return text.StringWidthWithoutEscSequences(s) }

// Thousands prints a number with commas.
func Thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
