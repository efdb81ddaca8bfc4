package shell

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Language says whose a statement is.
type Language int

// The three of them.
const (
	SQL  Language = iota
	Keys          // GET, PUT, DEL, SCAN
	Dot           // a command
)

// Statement is one piece of what was typed, without what ends it.
type Statement struct {
	Language Language
	Text     string
	Line     int // where it begins, from 1
}

// statementMax bounds what one statement may hold.
const statementMax = 16 << 20

// Split cuts a text into its statements. SQL ends at a semicolon outside of quotes and
// comments, a command at its line's end, words about keys at either. The rest is what has not
// ended, empty where that is spaces and comments.
func Split(text string) (done []Statement, rest string) {
	line, at := 1, 0
	for {
		from := at + blank(text[at:])
		line += strings.Count(text[at:from], "\n")
		if from == len(text) {
			return done, ""
		}
		language := languageOf(text[from:])
		n, ended := length(language, text[from:])
		if !ended {
			return done, text[from:]
		}
		at = from + n
		done = append(done, Statement{Language: language, Text: trimEnd(text[from:at]), Line: line})
		line += strings.Count(text[from:at], "\n")
	}
}

// SplitAll is Split for a text that nothing follows: its end ends the last statement, too.
func SplitAll(text string) []Statement {
	done, rest := Split(text)
	if rest == "" {
		return done
	}
	line := 1 + strings.Count(text[:len(text)-len(rest)], "\n")
	return append(done, Statement{Language: languageOf(rest), Text: trimEnd(rest), Line: line})
}

// trimEnd takes the spaces off, and the semicolon.
func trimEnd(s string) string {
	return strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(s), ";"))
}

// blank is the length of the spaces, comments and empty statements that s begins with.
func blank(s string) int {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == ';' || unicode.IsSpace(r):
			i += size
		case strings.HasPrefix(s[i:], "--"), strings.HasPrefix(s[i:], "/*"):
			i += quoted(s[i:])
		default:
			return i
		}
	}
	return len(s)
}

// languageOf looks at a statement's first word.
func languageOf(s string) Language {
	if s[0] == '.' || bareCommand(strings.TrimSpace(strings.TrimRight(s[:lineLength(s)], "; \t\r\n"))) {
		return Dot
	}
	if keyWord(firstWord(s)) != "" {
		return Keys
	}
	return SQL
}

func firstWord(s string) string {
	end := strings.IndexFunc(s, func(r rune) bool { return r == ';' || unicode.IsSpace(r) })
	if end < 0 {
		end = len(s)
	}
	return s[:end]
}

// length is where the statement ends, behind what ends it.
func length(language Language, s string) (n int, ended bool) {
	switch language {
	case Dot:
		return lineLength(s), true
	case Keys:
		return keysLength(s)
	}
	for i := 0; i < len(s); {
		if s[i] == ';' {
			return i + 1, true
		}
		i += quoted(s[i:])
	}
	return len(s), false
}

func lineLength(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i + 1
	}
	return len(s)
}

// quoted is the length of the first quoted text or comment of SQL, or one byte.
func quoted(s string) int {
	switch c := s[0]; {
	case c == '\'', c == '"', c == '`':
		return upTo(s, string(c), 1) // a doubled quote: the text goes on as a second one
	case c == '[':
		return upTo(s, "]", 1)
	case strings.HasPrefix(s, "--"):
		return upTo(s, "\n", 2)
	case strings.HasPrefix(s, "/*"):
		return upTo(s, "*/", 2)
	}
	return 1
}

func upTo(s, end string, from int) int {
	if i := strings.Index(s[from:], end); i >= 0 {
		return from + i + len(end)
	}
	return len(s)
}
