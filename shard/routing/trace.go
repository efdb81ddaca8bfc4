package routing

// Trace is the span of whoever sends a request, as W3C Trace Context names it. Spans that are
// made on the request's behalf are its children.
type Trace struct {
	ID    [16]byte
	Span  [8]byte
	Flags byte // bit 0: sampled
}
