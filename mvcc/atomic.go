package mvcc

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// ApplyAtomic is what an atomic operation makes of a key's value. An absent key counts as 0,
// or as empty for APPEND. Numbers are 64-bit signed decimal text. The error is an
// *AtomicError: what is stored is no number, or the result is too large.
func ApplyAtomic(key Key, op MutationOp, base []byte, present bool, operand []byte) ([]byte, error) {
	refuse := func(format string, args ...any) ([]byte, error) {
		return nil, &AtomicError{Key: key, Op: op, What: fmt.Sprintf(format, args...)}
	}
	if op == MutationAppend {
		if len(base)+len(operand) > MaxValueSize {
			return refuse("the value would have %d bytes, and may have %d", len(base)+len(operand), MaxValueSize)
		}
		return slices.Concat(base, operand), nil
	}
	old := int64(0)
	if present {
		var ok bool
		if old, ok = parseInteger(base); !ok {
			return refuse("the value %s is no 64-bit integer", FormatValue(base, 32))
		}
	}
	n, ok := parseInteger(operand)
	switch {
	case !ok:
		return refuse("the operand %s is no 64-bit integer", FormatValue(operand, 32))
	case op == MutationAdd && (n > 0 && old > math.MaxInt64-n || n < 0 && old < math.MinInt64-n):
		return refuse("%d and %d have no 64-bit sum", old, n)
	case op == MutationAdd:
		n += old
	case op == MutationMin:
		n = min(n, old)
	case op == MutationMax:
		n = max(n, old)
	default:
		return refuse("this is no atomic operation")
	}
	return strconv.AppendInt(nil, n, 10), nil
}

// parseInteger reads a number as atomic operations keep and take it: at most a sign and the
// 19 digits of the largest.
func parseInteger(text []byte) (int64, bool) {
	if len(text) > 20 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	return n, err == nil
}

func isInteger(text []byte) bool {
	_, ok := parseInteger(text)
	return ok
}
