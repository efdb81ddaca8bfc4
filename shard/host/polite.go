package host

import (
	"iter"
	"runtime"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// polite is a view whose long walks let others run in between: a page of somebody who looks inside
// is tens of milliseconds of work, which clients' requests would otherwise wait behind wherever
// there are fewer processors than readers.
type polite struct{ mvcc.View }

// politeRows is about a tenth of a millisecond.
const politeRows = 64

func (v polite) Versions(span mvcc.Span, after mvcc.VersionName, at timestamp.Timestamp, keysOnly bool) iter.Seq2[mvcc.Version, error] {
	return yielding(v.View.Versions(span, after, at, keysOnly))
}

func (v polite) Records(span mvcc.Span, after mvcc.RecordName, start timestamp.Timestamp) iter.Seq2[mvcc.Record, error] {
	return yielding(v.View.Records(span, after, start))
}

func yielding[T any](rows iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		n := 0
		for row, err := range rows {
			if n++; n%politeRows == 0 {
				runtime.Gosched()
			}
			if !yield(row, err) {
				return
			}
		}
	}
}
