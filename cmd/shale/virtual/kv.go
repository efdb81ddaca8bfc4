package virtual

import (
	"context"
	"fmt"
	"iter"
	"unicode/utf8"
)

const kvName = "kv"

// kv's columns, in order.
const (
	kvKey = iota
	kvValue
	kvCommitTS
)

// kv is the key space as the session's transaction sees it.
func (s *Session) kv() *Table {
	return &Table{
		Name: kvName,
		Doc:  "the keys and their values, as the transaction sees them; writable after “.write on”",
		Columns: []Column{
			{Name: "key", Type: "TEXT", Doc: "its bytes", Equal: true, Range: true, Omit: true},
			{Name: "value", Type: "", Doc: "text, or a BLOB where it is none"},
			{Name: "commit_ts", Type: "INTEGER", Doc: "when it was written; NULL: by this transaction"},
		},
		Ordered: []string{"key"},
		Scan:    s.scanKV,
		Writer:  kvWriter{s},
	}
}

// scanKV reads through the transaction that the statement runs in.
func (s *Session) scanKV(ctx context.Context, q *Query) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		if s.tx == nil {
			yield(nil, fmt.Errorf("kv: no transaction is open"))
			return
		}
		row := make([]any, 3)
		if key, ok := q.Equal("key"); ok && !q.Uses("commit_ts") {
			value, found, err := s.tx.Get(ctx, key.(string))
			if err != nil {
				yield(nil, err)
			} else if found {
				row[kvKey], row[kvValue] = key, shown(value)
				yield(row, nil)
			}
			return
		}
		start, end, some := q.span("key")
		if !some {
			return
		}
		for e, err := range s.tx.Scan(ctx, start, end) {
			if err != nil {
				yield(nil, err)
				return
			}
			row[kvKey], row[kvValue], row[kvCommitTS] = e.Key, shown(e.Value), nil
			if e.CommitTS != 0 {
				row[kvCommitTS] = int64(e.CommitTS)
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// span is the half-open range of keys that the query asks for of a key column; false:
// there is none. An empty end is past the last key.
func (q *Query) span(column string) (start, end string, some bool) {
	if key, ok := q.Equal(column); ok {
		return key.(string), key.(string) + "\x00", true
	}
	if low, ok := q.Lows[column]; ok {
		start = low.Value.(string)
		if !low.Inclusive {
			start += "\x00"
		}
	}
	if high, ok := q.Highs[column]; ok {
		end = high.Value.(string)
		if high.Inclusive {
			end += "\x00"
		}
		return start, end, start < end
	}
	return start, "", true
}

// shown is a value as SQL shows it.
func shown(value []byte) any {
	if utf8.Valid(value) {
		return string(value)
	}
	return value
}

// kvWriter writes into the transaction that the statement runs in.
type kvWriter struct{ s *Session }

// Keep is what of a row its change has to know.
func (kvWriter) Keep(row []any) []any { return row[:1] }

func (w kvWriter) Insert(ctx context.Context, row []any) error {
	if row[kvCommitTS] != nil {
		return &RefusedError{"kv: a commit timestamp is given, not chosen"}
	}
	key, value, err := pair(row)
	if err != nil {
		return err
	}
	return w.add(ctx, key, value)
}

// add writes a key that should not be there, by what the statement says after OR.
func (w kvWriter) add(ctx context.Context, key string, value []byte) error {
	switch w.s.handle.conflict() {
	case conflictReplace:
		return w.s.tx.Put(ctx, key, value)
	case conflictIgnore:
		if _, found, err := w.s.tx.Get(ctx, key); err != nil || found {
			return err
		}
	}
	return w.s.tx.Insert(ctx, key, value)
}

func (w kvWriter) Update(ctx context.Context, before, after []any) error {
	key, value, err := pair(after)
	if err != nil {
		return err
	}
	old := bytesOf(before[kvKey])
	if key == old {
		return w.s.tx.Put(ctx, key, value)
	}
	if err := w.s.tx.Delete(ctx, old); err != nil {
		return err
	}
	return w.add(ctx, key, value)
}

func (w kvWriter) Delete(ctx context.Context, before []any) error {
	return w.s.tx.Delete(ctx, bytesOf(before[kvKey]))
}

// pair is the key and the value of a row to write, as bytes.
func pair(row []any) (string, []byte, error) {
	key, value := row[kvKey], row[kvValue]
	switch {
	case key == nil:
		return "", nil, &RefusedError{"kv: a key cannot be NULL"}
	case bytesOf(key) == "":
		return "", nil, &RefusedError{"kv: a key cannot be empty"}
	case value == nil:
		return "", nil, &RefusedError{"kv: a value cannot be NULL; DELETE removes a key, and an empty value is ''"}
	}
	return bytesOf(key), []byte(bytesOf(value)), nil
}
