package sqlite

import "strings"

// single refuses a text that is not exactly one statement. It reads the text as SQLite's
// tokenizer does, as far as quotes and comments go: preparing it to see would run into what
// is to be kept out.
func single(query string) error {
	seen, ended := false, false
	for i := 0; i < len(query); {
		n := token(query[i:])
		t := query[i : i+n]
		i += n
		switch {
		case strings.TrimSpace(t) == "" || strings.HasPrefix(t, "--") || strings.HasPrefix(t, "/*"):
		case t == ";":
			ended = seen
		case t == "\x00":
			return &RefusedError{What: "a statement may not hold the byte 0x00"}
		case ended:
			return &RefusedError{What: "one statement at a time: there is another one after the semicolon"}
		default:
			seen = true
		}
	}
	if !seen {
		return &RefusedError{What: "there is no statement"}
	}
	return nil
}

// token is the length of the first token: a quoted text, a comment, or one byte.
func token(s string) int {
	switch c := s[0]; {
	case c == '\'' || c == '"' || c == '`':
		for i := 1; i < len(s); i++ {
			if s[i] != c {
				continue
			}
			if i+1 < len(s) && s[i+1] == c {
				i++ // doubled: part of the text
				continue
			}
			return i + 1
		}
		return len(s)
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
