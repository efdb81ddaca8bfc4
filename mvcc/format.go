package mvcc

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// FormatKey prints a key as text with Go escapes and without quotes: the one form of the
// shell, the logs, the errors and the tests.
func FormatKey(k Key) string { return formatText(string(k)) }

// FormatValue prints a value: text as it is, other bytes with Go escapes, at most limit
// bytes of it (zero: all) and then how many there are.
func FormatValue(v []byte, limit int) string {
	if limit <= 0 || len(v) <= limit {
		return formatText(string(v))
	}
	return fmt.Sprintf("%s… (%d bytes)", formatText(string(v[:limit])), len(v))
}

// ParseKey reads a key as people type it: text with Go escapes.
func ParseKey(text string) (Key, error) {
	var out []byte
	for rest := text; rest != ""; {
		r, multibyte, tail, err := strconv.UnquoteChar(rest, 0)
		if err != nil {
			return "", &InvalidError{Reason: "KEY_SYNTAX", What: fmt.Sprintf("key %q has a bad escape", text),
				Hint: `write a backslash as \\ and bytes as \x00`}
		}
		if multibyte {
			out = utf8.AppendRune(out, r)
		} else {
			out = append(out, byte(r))
		}
		rest = tail
	}
	return Key(out), nil
}

func formatText(s string) string {
	q := strconv.Quote(s)
	out := make([]byte, 0, len(q))
	for i := 1; i < len(q)-1; i++ {
		if q[i] == '\\' && q[i+1] == '"' {
			continue // quotes stand for themselves
		}
		out = append(out, q[i])
		if q[i] == '\\' { // keep the escaped character together with its backslash
			i++
			out = append(out, q[i])
		}
	}
	return string(out)
}

// String names the operation as the contract does.
func (op MutationOp) String() string {
	switch op {
	case MutationPut:
		return "PUT"
	case MutationDelete:
		return "DELETE"
	case MutationInsert:
		return "INSERT"
	case MutationCheckExists:
		return "CHECK_EXISTS"
	case MutationCheckAbsent:
		return "CHECK_ABSENT"
	case MutationCheckValue:
		return "CHECK_VALUE"
	case MutationAdd:
		return "ADD"
	case MutationMin:
		return "MIN"
	case MutationMax:
		return "MAX"
	case MutationAppend:
		return "APPEND"
	case MutationClaim:
		return "CLAIM"
	}
	return fmt.Sprintf("op %d", uint8(op))
}

func (op Op) String() string {
	switch op {
	case OpPut:
		return "put"
	case OpDelete:
		return "delete"
	case OpMark:
		return "mark"
	}
	return fmt.Sprintf("op %d", uint8(op))
}

func (d Decision) String() string {
	switch d {
	case Undecided:
		return "undecided"
	case Committed:
		return "committed"
	case Aborted:
		return "aborted"
	case Fenced:
		return "fenced"
	}
	return fmt.Sprintf("decision %d", uint8(d))
}

func (k LockKind) String() string {
	switch k {
	case LockPut:
		return "put"
	case LockDelete:
		return "delete"
	case LockCheck:
		return "check"
	case LockClaim:
		return "claim"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}
