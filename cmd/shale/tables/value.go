package tables

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/shaledb/shale/cmd/shale/virtual"
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// keyValue is a key as SQL sees it: see doc.go.
func keyValue(k mvcc.Key) any {
	if readable(string(k)) {
		return string(k)
	}
	return []byte(k)
}

// boundValue is a shard's bound; an empty one, which is open, is NULL.
func boundValue(k mvcc.Key) any {
	if k == "" {
		return nil
	}
	return keyValue(k)
}

// bytesValue is a value as SQL sees it; nil: there is none.
func bytesValue(v []byte) any {
	if v == nil {
		return nil
	}
	if s := string(v); readable(s) {
		return s
	}
	return v
}

// putValue is the value of a version; a put's may be empty, a delete has none.
func putValue(v *mvcc.Version) any {
	if v.Op != mvcc.OpPut {
		return nil
	}
	if v.Value == nil {
		return ""
	}
	return bytesValue(v.Value)
}

// readable says whether bytes are shown as text.
func readable(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf || c < ' ' || c == 0x7f {
			return readableRunes(s[i:])
		}
	}
	return true
}

func readableRunes(s string) bool {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return false
			}
		}
		if !unicode.IsPrint(r) && r != '\t' && r != '\n' && r != '\r' {
			return false
		}
	}
	return true
}

// tsValue is a timestamp; zero, none, is NULL.
func tsValue(ts timestamp.Timestamp) any {
	if ts == 0 {
		return nil
	}
	return int64(ts)
}

// timeText is a timestamp's moment for people, in UTC.
func timeText(ts timestamp.Timestamp) any {
	if ts == 0 {
		return nil
	}
	return ts.Time().UTC().Format("2006-01-02 15:04:05.000")
}

// keyOf is a key that a statement compares with: SQLite compares a number with text as text.
func keyOf(v any) (mvcc.Key, bool) {
	switch x := v.(type) {
	case string:
		return mvcc.Key(x), true
	case []byte:
		return mvcc.Key(x), true
	case int64:
		return mvcc.Key(strconv.FormatInt(x, 10)), true
	case float64:
		return mvcc.Key(strconv.FormatFloat(x, 'g', 15, 64)), true
	}
	return "", false
}

// tsOf is a timestamp, or a number of something, that a statement compares with.
func tsOf(v any) (uint64, bool) {
	switch x := v.(type) {
	case int64:
		return uint64(max(x, 0)), x >= 0
	case float64:
		if x >= 0 && x < math.MaxInt64 && x == math.Trunc(x) {
			return uint64(x), true
		}
	case string:
		n, err := strconv.ParseUint(strings.TrimSpace(x), 10, 63)
		return n, err == nil
	}
	return 0, false
}

// argument reads a timestamp that a function was given.
func tsArgument(function, name string, v any) (timestamp.Timestamp, error) {
	if n, ok := tsOf(v); ok && n > 0 {
		return timestamp.Timestamp(n), nil
	}
	return 0, fmt.Errorf("%s: %s is no timestamp; write ts_now(), ts('2026-11-23 10:00') or a commit_ts", function, name)
}

// keyArgument reads a key that a function was given; NULL, and nothing, are the empty one.
func keyArgument(q *virtual.Query, name string) mvcc.Key {
	v, _ := q.Equal(name)
	k, _ := keyOf(v)
	return k
}

// spanOf is the range of keys that a statement asks for. Not ok: none can fulfil it.
func spanOf(q *virtual.Query, column string) (span mvcc.Span, ok bool) {
	span.Start = mvcc.FirstUserKey
	if v, has := q.Equal(column); has {
		k, is := keyOf(v)
		if !is || k == "" {
			return span, false
		}
		span = span.Clip(mvcc.KeySpan(k))
	}
	if b, has := q.Lows[column]; has && b.Value != nil {
		k, is := keyOf(b.Value)
		if !is {
			return span, false
		}
		if !b.Inclusive {
			k = k.Successor()
		}
		span = span.Clip(mvcc.Span{Start: k})
	}
	if b, has := q.Highs[column]; has && b.Value != nil {
		k, is := keyOf(b.Value)
		if !is {
			return span, false
		}
		if b.Inclusive {
			k = k.Successor()
		}
		if k == "" {
			return span, false
		}
		span = span.Clip(mvcc.Span{End: k})
	}
	return span, !span.Empty()
}

// between are the bounds that a statement sets to a column of timestamps or numbers: above
// low, and at or below high. What is no whole number bounds nothing: SQLite looks itself.
func between(q *virtual.Query, column string, high uint64) (low, to uint64) {
	if v, has := q.Equal(column); has {
		if n, ok := tsOf(v); ok {
			return max(n, 1) - 1, min(n, high)
		}
	}
	if b, has := q.Lows[column]; has {
		if n, ok := tsOf(b.Value); ok {
			low = n
			if b.Inclusive {
				low = max(n, 1) - 1
			}
		}
	}
	if b, has := q.Highs[column]; has {
		if n, ok := tsOf(b.Value); ok {
			if !b.Inclusive {
				n = max(n, 1) - 1
			}
			high = min(high, n)
		}
	}
	return low, high
}

type cutName struct{}

// cut is the timestamp at which the statement reads.
func cut(ctx context.Context, s source) (timestamp.Timestamp, error) {
	if at := virtual.StatementOf(ctx).AsOf; at != 0 {
		return timestamp.Timestamp(at), nil
	}
	return s.now(ctx)
}

// explicit checks a timestamp that the statement names: the future is not known.
func explicit(ctx context.Context, s source, function, name string, v any) (timestamp.Timestamp, error) {
	ts, err := tsArgument(function, name, v)
	if err != nil {
		return 0, err
	}
	if at := virtual.StatementOf(ctx).AsOf; at != 0 && ts <= timestamp.Timestamp(at) {
		return ts, nil
	}
	now, err := s.now(ctx)
	if err != nil {
		return 0, err
	}
	if ts > now {
		return 0, fmt.Errorf("%s: %s %s is later than now, %s; ts_now() is the newest that can be read", function, name, ts, now)
	}
	return ts, nil
}

// once draws a value for the statement.
func once[T any](ctx context.Context, key any, value func() (T, error)) (T, error) {
	v, err := virtual.StatementOf(ctx).Once(key, func() (any, error) { return value() })
	if err != nil {
		var none T
		return none, err
	}
	return v.(T), nil
}
