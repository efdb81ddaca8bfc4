package main

import "strings"

// split cuts a text into statements at the semicolons that stand outside quotes and
// comments. The rest is what comes after the last semicolon, empty where that is spaces and
// comments.
func split(text string) (statements []string, rest string) {
	from, seen := 0, false
	for i := 0; i < len(text); {
		n := quoted(text[i:])
		switch t := text[i : i+n]; {
		case t == ";":
			if seen {
				statements = append(statements, strings.TrimSpace(text[from:i]))
			}
			from, seen = i+1, false
		case strings.HasPrefix(t, "--"), strings.HasPrefix(t, "/*"), strings.TrimSpace(t) == "":
		default:
			seen = true
		}
		i += n
	}
	if seen {
		rest = strings.TrimSpace(text[from:])
	}
	return statements, rest
}

// quoted is the length of the first quoted text or comment, or one byte.
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

// finished says whether a person may have ended the statement: it ends in a semicolon, or
// nothing is in it.
func finished(text string) bool {
	_, rest := split(text)
	return rest == ""
}
