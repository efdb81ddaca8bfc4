package memory

import (
	"fmt"
	"iter"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// view is one state of a store.
type view struct{ rows rows }

func (v *view) Index() mvcc.Index { return v.rows.index }

func (v *view) Close() error { return nil }

// Facts answers for each key in turn.
func (v *view) Facts(keys []mvcc.Key, start timestamp.Timestamp) ([]mvcc.Fact, error) {
	facts := make([]mvcc.Fact, len(keys))
	for i, k := range keys {
		fact := mvcc.Fact{Key: k, StartTS: start}
		current, ok, err := v.Get(k, timestamp.Max)
		if err != nil {
			return nil, err
		}
		if ok {
			fact.Current, fact.Newest = current, current
		}
		for m := range v.marks(k) { // the first is the newest
			if m.CommitTS > fact.Newest.CommitTS {
				fact.Newest = mvcc.Version{Key: k, CommitTS: m.CommitTS, StartTS: m.StartTS,
					Op: mvcc.OpMark, Digest: m.Digest}
			}
			break
		}
		if start != 0 {
			fact.Own = v.own(k, start)
		}
		facts[i] = fact
	}
	return facts, nil
}

// own is the record of the transaction at k: an outcome or fence as such, else one made
// from its version or mark.
func (v *view) own(k mvcc.Key, start timestamp.Timestamp) mvcc.Record {
	if record, ok := v.rows.records.Get(mvcc.Record{Key: k, StartTS: start}); ok {
		return record
	}
	record := mvcc.Record{Key: k, StartTS: start, Decision: mvcc.Committed}
	for version := range v.versions(k, timestamp.Max) {
		if version.StartTS == start {
			record.CommitTS, record.Digest = version.CommitTS, version.Digest
			return record
		}
	}
	for mark := range v.marks(k) {
		if mark.StartTS == start {
			record.CommitTS, record.Digest = mark.CommitTS, mark.Digest
			return record
		}
	}
	return mvcc.Record{}
}

// Get is the newest version of k at or below the timestamp.
func (v *view) Get(k mvcc.Key, at timestamp.Timestamp) (mvcc.Version, bool, error) {
	for version := range v.versions(k, at) {
		version, err := v.filled(version)
		return version, err == nil, err
	}
	return mvcc.Version{}, false, nil
}

// Scan yields the newest version at or below the timestamp of each key in the span.
func (v *view) Scan(span mvcc.Span, at timestamp.Timestamp, reverse, keysOnly bool) iter.Seq2[mvcc.Version, error] {
	return func(yield func(mvcc.Version, error) bool) {
		for version := range v.newestPerKey(span, at, reverse) {
			var err error
			if keysOnly {
				version.Value, version.ValueID = nil, 0
			} else {
				version, err = v.filled(version)
			}
			if !yield(version, err) || err != nil {
				return
			}
		}
	}
}

// newestPerKey goes from key to key: the next one, then its newest version at or below.
func (v *view) newestPerKey(span mvcc.Span, at timestamp.Timestamp, reverse bool) iter.Seq[mvcc.Version] {
	return func(yield func(mvcc.Version) bool) {
		for !span.Empty() {
			k, ok := v.nextKey(span, reverse)
			if !ok {
				return
			}
			for version := range v.versions(k, at) {
				if !yield(version) {
					return
				}
				break
			}
			if reverse {
				span.End = k
			} else {
				span.Start = k.Successor()
			}
		}
	}
}

// nextKey is the first key of the span that has versions, or the last one.
func (v *view) nextKey(span mvcc.Span, reverse bool) (k mvcc.Key, ok bool) {
	take := func(version mvcc.Version) bool {
		k, ok = version.Key, span.Contains(version.Key)
		return false
	}
	switch {
	case !reverse:
		v.rows.versions.Ascend(mvcc.Version{Key: span.Start, CommitTS: timestamp.Max}, take)
	case span.End == "":
		v.rows.versions.Reverse(take)
	default: // no version has Max: the pivot lies directly before the end key's versions
		v.rows.versions.Descend(mvcc.Version{Key: span.End, CommitTS: timestamp.Max}, take)
	}
	return k, ok
}

// versions yields the versions of k at or below the timestamp, newest first.
func (v *view) versions(k mvcc.Key, at timestamp.Timestamp) iter.Seq[mvcc.Version] {
	return func(yield func(mvcc.Version) bool) {
		v.rows.versions.Ascend(mvcc.Version{Key: k, CommitTS: at}, func(version mvcc.Version) bool {
			return version.Key == k && yield(version)
		})
	}
}

// marks yields the marks of k, newest first.
func (v *view) marks(k mvcc.Key) iter.Seq[mvcc.Mark] {
	return func(yield func(mvcc.Mark) bool) {
		v.rows.marks.Ascend(mvcc.Mark{Key: k, CommitTS: timestamp.Max}, func(mark mvcc.Mark) bool {
			return mark.Key == k && yield(mark)
		})
	}
}

// filled is the version with its value, wherever that lies.
func (v *view) filled(version mvcc.Version) (mvcc.Version, error) {
	if version.ValueID == 0 {
		return version, nil
	}
	value, ok := v.rows.values.Get(mvcc.Value{ID: version.ValueID})
	if !ok {
		return mvcc.Version{}, &mvcc.CorruptError{File: "memory", Offset: -1,
			Row:  fmt.Sprintf("values %d, of key %s", version.ValueID, mvcc.FormatKey(version.Key)),
			What: "the value is missing", Remedy: "it is a defect of the program"}
	}
	version.Value = value.Data
	return version, nil
}
