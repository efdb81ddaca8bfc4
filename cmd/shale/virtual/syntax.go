package virtual

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// SyntaxError is a statement that SQLite did not understand, and where.
type SyntaxError struct {
	Statement string
	Offset    int // in bytes
	What      string
}

func (e *SyntaxError) Error() string { return e.What }

// caretWidth is how much of a long line Caret shows.
const caretWidth = 100

// Caret is the statement's line with a caret under the place.
func (e *SyntaxError) Caret() string {
	at := min(max(e.Offset, 0), len(e.Statement))
	start := strings.LastIndexByte(e.Statement[:at], '\n') + 1
	end := len(e.Statement)
	if i := strings.IndexByte(e.Statement[at:], '\n'); i >= 0 {
		end = at + i
	}
	// A tab is one column here, as the caret counts it.
	before := []rune(strings.ReplaceAll(e.Statement[start:at], "\t", " "))
	line := []rune(strings.TrimRight(strings.ReplaceAll(e.Statement[start:end], "\t", " "), "\r"))
	if cut := len(before) - caretWidth*3/4; cut > 0 {
		before, line = before[cut:], line[min(cut, len(line)):]
	}
	if len(line) > caretWidth {
		line = line[:caretWidth]
	}
	return string(line) + "\n" + strings.Repeat(" ", len(before)) + "^"
}

// RefusedError is a statement that this session does not run; its text says what to do.
type RefusedError struct{ What string }

func (e *RefusedError) Error() string { return e.What }

// Error is what SQLite said of a statement that it understood.
type Error struct {
	Code int // SQLite's extended result code
	What string
}

func (e *Error) Error() string { return e.What }

// named finds the token that SQLite's message is about. Constant.
var named = regexp.MustCompile(`near "((?s).*)": syntax error|no such (?:table|column|function|index|view|collation sequence|savepoint|module): (\S+)`)

// place is where the message points to in the statement; -1: nowhere.
func place(statement, message string, offset int) int {
	if offset >= 0 && offset <= len(statement) {
		return offset
	}
	if strings.HasPrefix(message, "incomplete input") {
		return len(strings.TrimRight(statement, " \t\r\n;"))
	}
	m := named.FindStringSubmatch(message)
	if m == nil {
		return -1
	}
	name := m[1] + m[2]
	name = name[strings.LastIndexByte(name, '.')+1:]
	for _, t := range tokens(statement) {
		if strings.EqualFold(strings.Trim(t.text, "\"`[]"), name) {
			return t.offset
		}
	}
	return -1
}

// one refuses more than one statement, and text that SQLite would cut at a NUL byte (P30).
func one(statement string) ([]token, error) {
	if len(statement) > statementMax {
		return nil, &RefusedError{"the statement is longer than 1 MiB"}
	}
	if i := strings.IndexByte(statement, 0); i >= 0 {
		return nil, &SyntaxError{statement, i, "the statement has a NUL byte; write it as x'00'"}
	}
	if !utf8.ValidString(statement) {
		return nil, &RefusedError{"the statement is not UTF-8; write bytes as x'…'"}
	}
	ts := tokens(statement)
	for len(ts) > 0 && ts[len(ts)-1].text == ";" {
		ts = ts[:len(ts)-1]
	}
	for i, t := range ts {
		if t.text == ";" && i > 0 {
			return nil, &SyntaxError{statement, t.offset, "one statement at a time, please: more follows the semicolon"}
		}
	}
	return ts, nil
}
