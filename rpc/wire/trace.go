package wire

import "github.com/shaledb/shale/shard/routing"

// traceSize is a trace on the wire: its id, the span's, and the flags.
const traceSize = 16 + 8 + 1

// encodeTrace makes the bytes of a trace; nil: there is none.
func encodeTrace(t *routing.Trace) []byte {
	if t == nil {
		return nil
	}
	b := make([]byte, 0, traceSize)
	b = append(b, t.ID[:]...)
	b = append(b, t.Span[:]...)
	return append(b, t.Flags)
}

// decodeTrace reads them. What is no trace is left out: nobody's answer depends on it.
func decodeTrace(b []byte) *routing.Trace {
	if len(b) != traceSize {
		return nil
	}
	t := &routing.Trace{Flags: b[24]}
	copy(t.ID[:], b)
	copy(t.Span[:], b[16:])
	return t
}
