package virtual

import "strings"

// token is a piece of a statement: a word, a quoted name, a string, a number or a sign.
// Comments and blanks are none.
type token struct {
	text   string
	offset int
	word   bool // a bare word: a keyword or a name
}

// is says whether the token is the keyword.
func (t token) is(keyword string) bool { return t.word && strings.EqualFold(t.text, keyword) }

// tokens takes a statement apart as SQLite does.
func tokens(s string) []token {
	var out []token
	for i := 0; i < len(s); {
		n, kind := lex(s[i:])
		if kind != lexBlank {
			out = append(out, token{text: s[i : i+n], offset: i, word: kind == lexWord})
		}
		i += n
	}
	return out
}

type lexKind int

const (
	lexBlank lexKind = iota
	lexWord
	lexOther
)

// lex is the length and the kind of the first piece.
func lex(s string) (int, lexKind) {
	switch c := s[0]; {
	case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
		return 1, lexBlank
	case strings.HasPrefix(s, "--"):
		return through(s, 2, "\n"), lexBlank
	case strings.HasPrefix(s, "/*"):
		return through(s, 2, "*/"), lexBlank
	case c == '\'' || c == '"' || c == '`':
		return quoted(s, c), lexOther
	case c == '[':
		return through(s, 1, "]"), lexOther
	case inWord(c):
		n := 1
		for n < len(s) && inWord(s[n]) {
			n++
		}
		if (c == 'x' || c == 'X') && n == 1 && len(s) > 1 && s[1] == '\'' {
			return 1 + quoted(s[1:], '\''), lexOther
		}
		if c >= '0' && c <= '9' {
			return n, lexOther
		}
		return n, lexWord
	}
	return 1, lexOther
}

func inWord(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// through is the length up to the end mark and with it, or of all that is left.
func through(s string, from int, end string) int {
	if i := strings.Index(s[from:], end); i >= 0 {
		return from + i + len(end)
	}
	return len(s)
}

// quoted is the length of a quoted piece; its quote is doubled inside.
func quoted(s string, quote byte) int {
	for i := 1; i < len(s); i++ {
		if s[i] != quote {
			continue
		}
		if i+1 < len(s) && s[i+1] == quote {
			i++
			continue
		}
		return i + 1
	}
	return len(s)
}

// has says whether one of the keywords stands among the tokens.
func has(ts []token, keywords ...string) bool {
	for _, t := range ts {
		for _, k := range keywords {
			if t.is(k) {
				return true
			}
		}
	}
	return false
}
