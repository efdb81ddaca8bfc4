package shell

import (
	"strconv"
	"strings"
)

// keyWord is the word in capitals, if it is one about keys.
func keyWord(word string) string {
	switch w := strings.ToUpper(word); w {
	case "GET", "PUT", "DEL", "SCAN":
		return w
	}
	return ""
}

// keysLength is where words about keys end: at a semicolon or a line's end outside of quotes.
func keysLength(s string) (n int, ended bool) {
	for i := 0; i < len(s); {
		if s[i] == ';' || s[i] == '\n' {
			return i + 1, true
		}
		size, closed := wordLength(s[i:])
		if !closed {
			return len(s), false
		}
		i += max(size, 1)
	}
	return len(s), true // the line's end is the text's
}

// wordLength is the length of the word that s begins with, up to a space, a semicolon or a
// line's end. A word that begins with a quote ends with it. Inside of a bare word a pair of
// double quotes on one line protects what is between: {"a": "x; y"} is JSON, as people type it.
func wordLength(s string) (n int, closed bool) {
	if s[0] == '\'' || s[0] == '"' {
		return quoteLength(s)
	}
	for n < len(s) && !strings.ContainsRune(" \t\r\n;", rune(s[n])) {
		if s[n] == '"' {
			if size, ok := quoteLength(s[n:]); ok && !strings.Contains(s[n:n+size], "\n") {
				n += size
				continue
			}
		}
		n++
	}
	return n, true
}

// quoteLength is the length of a quoted text with its quotes. Inside of double quotes a
// backslash protects what follows.
func quoteLength(s string) (n int, closed bool) {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && s[0] == '"':
			i++
		case s[i] == s[0]:
			return i + 1, true
		}
	}
	return len(s), false
}

// word is one of a line's words. Bare says that it had no quotes.
type word struct {
	text string
	at   int // where it begins
	bare bool
}

// words reads the words of a line, or only so many: bare, in 'single' quotes as they stand, or
// in "double" quotes with Go's escapes.
func words(line string, most int) ([]word, error) {
	var out []word
	for i := 0; i < len(line) && (len(out) < most || most == 0); {
		if strings.ContainsRune(" \t\r\n;", rune(line[i])) {
			i++
			continue
		}
		n, closed := wordLength(line[i:])
		if !closed {
			return nil, mistake("the quote %s is not closed", line[i:])
		}
		w := word{text: line[i : i+n], at: i}
		switch line[i] {
		case '\'':
			w.text = w.text[1 : n-1]
		case '"':
			text, err := unquote(w.text)
			if err != nil {
				return nil, err
			}
			w.text = text
		default:
			w.bare = true
		}
		out = append(out, w)
		i += n
		if !w.bare && i < len(line) && !strings.ContainsRune(" \t\r\n;", rune(line[i])) {
			return nil, mistake("a space is missing behind %s", line[w.at:i])
		}
	}
	return out, nil
}

// unquote reads a text in double quotes; line breaks stand for themselves.
func unquote(text string) (string, error) {
	out, err := strconv.Unquote(strings.ReplaceAll(text, "\n", `\n`))
	if err != nil {
		return "", mistake(`%s has a bad escape: write a backslash as \\ and bytes as \x00`, text)
	}
	return out, nil
}
