package memory

import (
	"iter"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// Versions yields all versions of the span behind the named one.
func (v *view) Versions(span mvcc.Span, after mvcc.VersionName, at timestamp.Timestamp, keysOnly bool) iter.Seq2[mvcc.Version, error] {
	from := mvcc.Version{Key: span.Start, CommitTS: timestamp.Max}
	switch {
	case after.Key == "" || after.Key < span.Start:
	case after.CommitTS == 0:
		from.Key = after.Key.Successor()
	default:
		from.Key, from.CommitTS = after.Key, after.CommitTS-1
	}
	return func(yield func(mvcc.Version, error) bool) {
		v.rows.versions.Ascend(from, func(version mvcc.Version) bool {
			var err error
			switch {
			case !span.Contains(version.Key):
				return false
			case version.CommitTS > at:
				return true
			case keysOnly:
				version.Value, version.ValueID = nil, 0
			default:
				version, err = v.filled(version)
			}
			return yield(version, err) && err == nil
		})
	}
}

// Records yields the records at keys of the span behind the named one.
func (v *view) Records(span mvcc.Span, after mvcc.RecordName, start timestamp.Timestamp) iter.Seq2[mvcc.Record, error] {
	from := mvcc.Record{Key: after.Key, StartTS: after.StartTS}
	if from.StartTS < start {
		from = mvcc.Record{StartTS: start}
	}
	return func(yield func(mvcc.Record, error) bool) {
		v.rows.records.Ascend(from, func(r mvcc.Record) bool {
			switch {
			case start != 0 && r.StartTS > start:
				return false
			case !span.Contains(r.Key) || (r.StartTS == after.StartTS && r.Key == after.Key):
				return true
			}
			return yield(r, nil)
		})
	}
}
