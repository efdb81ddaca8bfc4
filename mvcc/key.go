package mvcc

import "strings"

// Limits of what one key, value and transaction may hold, in bytes.
const (
	MaxKeySize         = 4 << 10
	MaxBoundSize       = MaxKeySize + 1 // a bound may be a key's successor
	MaxValueSize       = 4 << 20
	MaxTransactionSize = 64 << 20
)

// FirstUserKey is the least key that a client may use. Keys below it, those that begin with
// the byte 0x00, are the system's own.
const FirstUserKey = Key("\x01")

// Key is 1 to MaxKeySize bytes, ordered bytewise. It is immutable, which is why it is a
// string: it is shared by lock tables, overlays and requests without copies.
type Key string

// Successor is the least key above k.
func (k Key) Successor() Key { return k + "\x00" }

// System says whether k belongs to the system.
func (k Key) System() bool { return strings.HasPrefix(string(k), "\x00") }

// Span is the key range [Start, End). An empty End means "past the last key".
type Span struct{ Start, End Key }

// Contains says whether k lies in the span.
func (s Span) Contains(k Key) bool {
	return s.Start <= k && (s.End == "" || k < s.End)
}

// Covers says whether every key of o lies in s.
func (s Span) Covers(o Span) bool {
	return s.Start <= o.Start && (s.End == "" || (o.End != "" && o.End <= s.End))
}

// Clip is the part of o that lies in s; it may be empty.
func (s Span) Clip(o Span) Span {
	if o.Start < s.Start {
		o.Start = s.Start
	}
	if s.End != "" && (o.End == "" || o.End > s.End) {
		o.End = s.End
	}
	return o
}

// Empty says whether no key lies in the span.
func (s Span) Empty() bool { return s.End != "" && s.Start >= s.End }

// KeySpan is the span of a single key.
func KeySpan(k Key) Span { return Span{k, k.Successor()} }
