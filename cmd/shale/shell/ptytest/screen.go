package ptytest

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/shaledb/shale/cmd/shale/output"
)

// scrolledMax bounds the lines that a screen keeps after they have scrolled off.
const scrolledMax = 20_000

// Screen is what a terminal's window shows.
type Screen struct {
	columns, rows int
	cells         [][]string // a character each; "" is the second half of a wide one
	scrolled      []string
	x, y          int
	wrap          bool   // the last column was written: the next character begins a line
	pending       []byte // the beginning of an escape sequence or character
	Hidden        bool   // the cursor
	Pasting       bool   // the program wants pastes in brackets: a line editor reads
	drawn         bool   // and has just shown the cursor
	reply         []byte // what the terminal answers
}

// NewScreen is an empty one.
func NewScreen(columns, rows int) *Screen {
	s := &Screen{columns: columns, rows: rows}
	for range rows {
		s.cells = append(s.cells, s.emptyLine())
	}
	return s
}

func (s *Screen) emptyLine() []string { return slices.Repeat([]string{" "}, s.columns) }

// Write shows what a program writes.
func (s *Screen) Write(b []byte) (int, error) {
	data := append(s.pending, b...)
	s.pending = nil
	for len(data) > 0 {
		n := s.next(data)
		if n == 0 {
			s.pending = slices.Clone(data)
			break
		}
		data = data[n:]
	}
	return len(b), nil
}

// next takes one character or sequence off; zero: it is not whole yet.
func (s *Screen) next(data []byte) int {
	// To show the cursor is the last that an editor does before it reads. Behind anything
	// else it may ask where the cursor is, and what is typed beside the answer is lost.
	s.drawn = false
	switch c := data[0]; {
	case c == 0x1b:
		return s.escape(data)
	case c < ' ' || c == 0x7f:
		s.control(c)
		return 1
	case !utf8.FullRune(data):
		return 0
	}
	r, n := utf8.DecodeRune(data)
	s.put(string(r))
	return n
}

func (s *Screen) control(c byte) {
	switch c {
	case '\r':
		s.x, s.wrap = 0, false
	case '\n', '\v', '\f':
		s.down()
	case '\b':
		s.x, s.wrap = max(s.x-1, 0), false
	case '\t':
		s.x = min((s.x/8+1)*8, s.columns-1)
	}
}

// down goes to the next line; from the last one everything scrolls.
func (s *Screen) down() {
	s.wrap = false
	if s.y < s.rows-1 {
		s.y++
		return
	}
	if s.scrolled = append(s.scrolled, line(s.cells[0])); len(s.scrolled) > scrolledMax {
		s.scrolled = s.scrolled[len(s.scrolled)-scrolledMax:]
	}
	s.cells = append(s.cells[1:], s.emptyLine())
}

func (s *Screen) put(char string) {
	width := output.Width(char)
	if width == 0 { // it belongs to the character before
		if s.x > 0 {
			s.cells[s.y][s.x-1] += char
		}
		return
	}
	if s.wrap || s.x+width > s.columns {
		s.x = 0
		s.down()
	}
	s.cells[s.y][s.x] = char
	if width == 2 && s.x+1 < s.columns {
		s.cells[s.y][s.x+1] = ""
	}
	if s.x += width; s.x >= s.columns {
		s.x, s.wrap = s.columns-1, true
	}
}

// escape reads a sequence: ESC [ parameters letter, ESC ] text BEL, ESC ( letter, or ESC letter.
func (s *Screen) escape(data []byte) int {
	if len(data) < 2 {
		return 0
	}
	switch data[1] {
	case '[':
		for i := 2; i < len(data); i++ {
			if data[i] >= 0x40 && data[i] <= 0x7e {
				s.csi(string(data[2:i]), data[i])
				return i + 1
			}
		}
		return 0
	case ']':
		if i := slices.Index(data, '\a'); i >= 0 {
			return i + 1
		}
		return 0
	case '(', ')': // a character set, named by one more
		if len(data) < 3 {
			return 0
		}
		return 3
	}
	return 2
}

// csi obeys a sequence that begins with ESC [.
func (s *Screen) csi(parameters string, final byte) {
	n := func(i, otherwise int) int {
		fields := strings.Split(parameters, ";")
		if i < len(fields) {
			if v, err := strconv.Atoi(fields[i]); err == nil && v > 0 {
				return v
			}
		}
		return otherwise
	}
	s.wrap = false
	switch final {
	case 'A':
		s.y = max(s.y-n(0, 1), 0)
	case 'B':
		s.y = min(s.y+n(0, 1), s.rows-1)
	case 'C':
		s.x = min(s.x+n(0, 1), s.columns-1)
	case 'D':
		s.x = max(s.x-n(0, 1), 0)
	case 'G':
		s.x = min(n(0, 1), s.columns) - 1
	case 'H', 'f':
		s.y, s.x = min(n(0, 1), s.rows)-1, min(n(1, 1), s.columns)-1
	case 'J':
		s.clear(n(0, 0))
	case 'K':
		s.clearLine(n(0, 0))
	case 'n':
		if parameters == "6" {
			s.reply = append(s.reply, "\x1b["+strconv.Itoa(s.y+1)+";"+strconv.Itoa(s.x+1)+"R"...)
		}
	case 'h', 'l':
		s.mode(parameters, final == 'h')
	}
}

func (s *Screen) mode(name string, on bool) {
	switch name {
	case "?25":
		s.Hidden = !on
		s.drawn = s.Pasting && on
	case "?2004":
		s.Pasting, s.drawn = on, false
	}
}

// clear empties the screen behind the cursor, before it, or all of it.
func (s *Screen) clear(what int) {
	for y := range s.rows {
		switch {
		case y == s.y:
			s.clearLine(what)
		case what == 2, what == 3, what == 0 && y > s.y, what == 1 && y < s.y:
			s.cells[y] = s.emptyLine()
		}
	}
}

func (s *Screen) clearLine(what int) {
	for x := range s.columns {
		if what >= 2 || what == 0 && x >= s.x || what == 1 && x <= s.x {
			s.cells[s.y][x] = " "
		}
	}
}

func line(cells []string) string { return strings.TrimRight(strings.Join(cells, ""), " ") }

// Ready says that a line editor waits for keys.
func (s *Screen) Ready() bool { return s.Pasting && s.drawn && !s.Hidden }

// Line is the cursor's line, up to the cursor.
func (s *Screen) Line() string { return strings.Join(s.cells[s.y][:s.x], "") }

// String is what the window shows, without the empty lines at its end.
func (s *Screen) String() string {
	var lines []string
	for _, cells := range s.cells {
		lines = append(lines, line(cells))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// All is what the window shows after all that has scrolled off.
func (s *Screen) All() string {
	return strings.TrimRight(strings.Join(append(slices.Clone(s.scrolled), s.String()), "\n"), "\n")
}
