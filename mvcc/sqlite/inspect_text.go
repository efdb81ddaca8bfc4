package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	ms "modernc.org/sqlite"

	"github.com/shaledb/shale/mvcc"
)

// scalar is a function of SQL.
type scalar = func(*ms.FunctionContext, []driver.Value) (driver.Value, error)

// newBox makes a box. What is registered with a driver stays for the life of the process: so
// there is a fixed number of boxes.
func newBox() *box {
	b := &box{driver: &ms.Driver{}}
	for name, f := range map[string]scalar{
		"like": b.like, "glob": b.glob, "instr": instr, "replace": replace,
		"trim":  trimmer(strings.TrimFunc),
		"ltrim": trimmer(strings.TrimLeftFunc),
		"rtrim": trimmer(strings.TrimRightFunc),
	} {
		b.driver.MustRegisterDeterministicScalarFunction(name, -1, f)
	}
	return b
}

// over says whether the inspection is at its end.
func (b *box) over() error { return context.Cause(*b.ctx.Load()) }

// errTooBig is SQLite's own.
var errTooBig = errors.New("string or blob too big")

func wantArgs(args []driver.Value, least, most int) error {
	if len(args) < least || len(args) > most {
		return errors.New("wrong number of arguments")
	}
	return nil
}

// textOf is a value as SQLite makes text of it.
func textOf(v driver.Value) string {
	switch x := v.(type) {
	case string:
		return x
	case []byte:
		return string(x)
	case int64:
		return strconv.FormatInt(x, 10)
	case float64:
		s := strconv.FormatFloat(x, 'g', 15, 64)
		if !strings.ContainsAny(s, ".eIN") {
			s += ".0"
		}
		return s
	}
	return ""
}

func anyNull(args []driver.Value) bool {
	for _, a := range args {
		if a == nil {
			return true
		}
	}
	return false
}

// instr is the place of the second text in the first: SQLite's own compares all of it at each
// place.
func instr(_ *ms.FunctionContext, args []driver.Value) (driver.Value, error) {
	if err := wantArgs(args, 2, 2); err != nil || anyNull(args) {
		return nil, err
	}
	hay, isBlob := args[0].([]byte)
	needle, both := args[1].([]byte)
	if isBlob && both {
		return int64(bytes.Index(hay, needle) + 1), nil
	}
	text := textOf(args[0])
	at := strings.Index(text, textOf(args[1]))
	if at < 0 {
		return int64(0), nil
	}
	return int64(utf8.RuneCountInString(text[:at]) + 1), nil
}

func replace(_ *ms.FunctionContext, args []driver.Value) (driver.Value, error) {
	if err := wantArgs(args, 3, 3); err != nil || anyNull(args[:2]) {
		return nil, err
	}
	text, from, to := textOf(args[0]), textOf(args[1]), textOf(args[2])
	switch {
	case from == "":
		return text, nil
	case args[2] == nil:
		return nil, nil
	}
	if n := strings.Count(text, from); len(text)+n*(len(to)-len(from)) > mvcc.MaxValueSize {
		return nil, errTooBig
	}
	return strings.ReplaceAll(text, from, to), nil
}

func trimmer(trim func(string, func(rune) bool) string) scalar {
	return func(_ *ms.FunctionContext, args []driver.Value) (driver.Value, error) {
		if err := wantArgs(args, 1, 2); err != nil || anyNull(args) {
			return nil, err
		}
		cut := map[rune]bool{' ': true}
		if len(args) == 2 {
			cut = map[rune]bool{}
			for _, r := range textOf(args[1]) {
				cut[r] = true
			}
		}
		return trim(textOf(args[0]), func(r rune) bool { return cut[r] }), nil
	}
}

// patternMax bounds a pattern: matching takes its length times the text's.
const patternMax = 1 << 10

func (b *box) like(_ *ms.FunctionContext, args []driver.Value) (driver.Value, error) {
	if err := wantArgs(args, 2, 3); err != nil {
		return nil, err
	}
	escape := rune(-1)
	if len(args) == 3 {
		if args[2] == nil {
			return nil, nil
		}
		r := []rune(textOf(args[2]))
		if len(r) != 1 {
			return nil, errors.New("ESCAPE expression must be a single character")
		}
		escape = r[0]
	}
	return b.match(args, func(p string) []piece { return likePieces(p, escape) })
}

func (b *box) glob(_ *ms.FunctionContext, args []driver.Value) (driver.Value, error) {
	if err := wantArgs(args, 2, 2); err != nil {
		return nil, err
	}
	return b.match(args, globPieces)
}

// match says whether a text is as a pattern says; bytes never are.
func (b *box) match(args []driver.Value, parse func(string) []piece) (driver.Value, error) {
	for _, a := range args[:2] {
		if _, isBlob := a.([]byte); isBlob {
			return int64(0), nil
		}
	}
	if anyNull(args[:2]) {
		return nil, nil
	}
	pattern, text := textOf(args[0]), textOf(args[1])
	if len(pattern) > patternMax {
		return nil, errors.New("LIKE or GLOB pattern too complex")
	}
	same, err := matches(parse(pattern), text, b.over)
	if err != nil || !same {
		return int64(0), err
	}
	return int64(1), nil
}

// piece is a part of a pattern: any number of characters, or one that it takes.
type piece struct {
	star  bool
	takes func(rune) bool
}

// lookUpEvery is after how many steps matching asks whether it is over.
const lookUpEvery = 1 << 14

// matches goes back to the last star alone: an earlier one could take no more than it.
func matches(ps []piece, text string, over func() error) (bool, error) {
	p, at, star, from := 0, 0, -1, 0
	for steps := 1; at < len(text); steps++ {
		if steps%lookUpEvery == 0 {
			if err := over(); err != nil {
				return false, err
			}
		}
		r, n := utf8.DecodeRuneInString(text[at:])
		switch {
		case p < len(ps) && ps[p].star:
			star, from = p, at
			p++
		case p < len(ps) && ps[p].takes(r):
			p++
			at += n
		case star >= 0:
			_, n := utf8.DecodeRuneInString(text[from:])
			from += n
			p, at = star+1, from
		default:
			return false, nil
		}
	}
	for p < len(ps) && ps[p].star {
		p++
	}
	return p == len(ps), nil
}

func lowerASCII(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

func anyRune(rune) bool { return true }

func likePieces(pattern string, escape rune) []piece {
	var ps []piece
	literal := false
	for _, r := range pattern {
		switch {
		case !literal && r == escape:
			literal = true
			continue
		case !literal && r == '%':
			ps = append(ps, piece{star: true})
		case !literal && r == '_':
			ps = append(ps, piece{takes: anyRune})
		default:
			ps = append(ps, piece{takes: func(c rune) bool { return lowerASCII(c) == lowerASCII(r) }})
		}
		literal = false
	}
	if literal { // nothing is like what it would escape
		ps = append(ps, piece{takes: func(rune) bool { return false }})
	}
	return ps
}

func globPieces(pattern string) []piece {
	var ps []piece
	for rs := []rune(pattern); len(rs) > 0; {
		r := rs[0]
		rs = rs[1:]
		switch r {
		case '*':
			ps = append(ps, piece{star: true})
		case '?':
			ps = append(ps, piece{takes: anyRune})
		case '[':
			var set func(rune) bool
			set, rs = globSet(rs)
			ps = append(ps, piece{takes: set})
		default:
			ps = append(ps, piece{takes: func(c rune) bool { return c == r }})
		}
	}
	return ps
}

// globSet reads a set up to its bracket; one that has none takes nothing.
func globSet(rs []rune) (takes func(rune) bool, rest []rune) {
	invert := len(rs) > 0 && rs[0] == '^'
	if invert {
		rs = rs[1:]
	}
	var spans [][2]rune
	for i := 0; i < len(rs); i++ {
		switch {
		case rs[i] == ']' && i > 0:
			return func(c rune) bool {
				in := false
				for _, s := range spans {
					in = in || s[0] <= c && c <= s[1]
				}
				return in != invert
			}, rs[i+1:]
		case i+2 < len(rs) && rs[i+1] == '-' && rs[i+2] != ']':
			spans = append(spans, [2]rune{rs[i], rs[i+2]})
			i += 2
		default:
			spans = append(spans, [2]rune{rs[i], rs[i]})
		}
	}
	return func(rune) bool { return false }, nil
}
