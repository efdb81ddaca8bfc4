package txn

import (
	"maps"
	"slices"

	"github.com/shaledb/shale/mvcc"
)

// reads is what a serializable transaction has read: it is part of what it commits. Nothing
// is kept for others.
type reads struct {
	single map[mvcc.Key]struct{}
	spans  []mvcc.Span // a page each, in the order read; neighbours joined
	size   int
}

// keys notes keys that are about to be read.
func (r *reads) keys(kept bool, keys []mvcc.Key) error {
	if !kept {
		return nil
	}
	if r.single == nil {
		r.single = map[mvcc.Key]struct{}{}
	}
	for _, k := range keys {
		if _, ok := r.single[k]; !ok {
			r.single[k] = struct{}{}
			r.size += len(k)
		}
	}
	return r.bounded()
}

// span notes a span that was read.
func (r *reads) span(kept bool, s mvcc.Span) error {
	if !kept || s.Empty() {
		return nil
	}
	if n := len(r.spans); n > 0 {
		switch last := &r.spans[n-1]; {
		case last.End != "" && last.End == s.Start:
			r.size += len(s.End) - len(last.End)
			last.End = s.End
			return r.bounded()
		case s.End != "" && s.End == last.Start: // a scan in reverse
			r.size += len(s.Start) - len(last.Start)
			last.Start = s.Start
			return r.bounded()
		}
	}
	r.spans = append(r.spans, s)
	r.size += len(s.Start) + len(s.End)
	return r.bounded()
}

func (r *reads) bounded() error {
	if len(r.single)+len(r.spans) > readsMax || r.size > readsBytesMax {
		return errReadsTooLarge()
	}
	return nil
}

// all is what was read, in one order whatever the order of reading: a Commit sent again has
// the same content.
func (r *reads) all() ([]mvcc.Key, []mvcc.Span) {
	return slices.Sorted(maps.Keys(r.single)), slices.Clone(r.spans)
}
