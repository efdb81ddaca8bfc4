package history

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/shaledb/shale/mvcc"
)

// errNotation: a word is no operation.
var errNotation = errors.New("write x=[1 2], x+3 or x*4")

// ParseOps reads operations in the short notation of the checkers' scripts, a key being one
// letter: x=[1 2] is a read, x+3 an append, x*4 an append by the store.
func ParseOps(text string) ([]Op, error) {
	var ops []Op
	depth := 0
	for _, word := range strings.FieldsFunc(text, func(r rune) bool {
		switch r {
		case '[':
			depth++
		case ']':
			depth--
		}
		return r == ' ' && depth == 0
	}) {
		op, err := parseOp(word)
		if err != nil {
			return nil, fmt.Errorf("operation %q: %w", word, err)
		}
		ops = append(ops, op)
	}
	return ops, nil
}

func parseOp(word string) (op Op, err error) {
	if len(word) < 3 {
		return op, errNotation
	}
	op.Key = mvcc.Key(word[:1])
	switch rest := word[2:]; word[1] {
	case '+':
		op.Do = Append
		op.Value, err = strconv.ParseInt(rest, 10, 64)
	case '*':
		op.Do = AtomicAppend
		op.Value, err = strconv.ParseInt(rest, 10, 64)
	case '=':
		op.Do = Read
		for v := range strings.FieldsSeq(strings.Trim(rest, "[]")) {
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				return op, err
			}
			op.List = append(op.List, n)
		}
	default:
		err = errNotation
	}
	return op, err
}
