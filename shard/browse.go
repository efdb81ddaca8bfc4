package shard

import (
	"cmp"
	"iter"
	"slices"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// What people who look inside are shown: the state, as the overlay over a view, row by row.

// Browses says whether the read is of somebody who looks inside: it may wait for clients' reads.
func (r Read) Browses() bool {
	switch r.Request.Req.(type) {
	case *mvcc.VersionsArgs, *mvcc.RecordsArgs:
		return true
	}
	return false
}

// browseVersions answers one page of versions.
func (r Read) browseVersions(v mvcc.View, a *mvcc.VersionsArgs) (routing.Response, error) {
	covered := r.Span.Clip(a.Span)
	covered.Start = max(covered.Start, a.After.Key)
	if covered.Empty() {
		return &mvcc.VersionsResult{Covered: covered}, nil
	}
	res, err := mvcc.VersionsPage(func(after mvcc.VersionName) iter.Seq2[mvcc.Version, error] {
		return r.State.versions(v, covered, after, timestamp.Max, a.KeysOnly)
	}, a, covered)
	return &res, err
}

// browseRecords answers one page of records. The view is asked for those of all keys: what a split
// has left behind of others counts as looked at.
func (r Read) browseRecords(v mvcc.View, a *mvcc.RecordsArgs) (routing.Response, error) {
	covered := r.Span.Clip(a.Span)
	if covered.Empty() {
		return &mvcc.RecordsResult{Covered: covered}, nil
	}
	res, err := mvcc.RecordsPage(r.State.records(v, mvcc.Span{}, a.After, a.StartTS), a, covered)
	return &res, err
}

// versions is the view's Versions, in the state.
func (s State) versions(v mvcc.View, span mvcc.Span, after mvcc.VersionName, at timestamp.Timestamp,
	keysOnly bool) iter.Seq2[mvcc.Version, error] {
	return merge(v.Versions(span, after, at, keysOnly), s.Overlay.versions(span, after, at, keysOnly), compareVersions)
}

// records is the view's Records, in the state.
func (s State) records(v mvcc.View, span mvcc.Span, after mvcc.RecordName, start timestamp.Timestamp) iter.Seq2[mvcc.Record, error] {
	return merge(v.Records(span, after, start), s.Overlay.records(span, after, start), compareRecords)
}

func compareVersions(a, b *mvcc.Version) int {
	return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(b.CommitTS, a.CommitTS))
}

func compareRecords(a, b *mvcc.Record) int {
	return cmp.Or(cmp.Compare(a.StartTS, b.StartTS), cmp.Compare(a.Key, b.Key))
}

// merge is the store's rows with the overlay's among them. A row that both have, because the view
// is newer than the overlay's oldest rows, is the overlay's.
func merge[T any](store iter.Seq2[T, error], next func() (T, bool), compare func(a, b *T) int) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		o, ok := next()
		for row, err := range store {
			if err != nil {
				yield(row, err)
				return
			}
			for ok && compare(&o, &row) < 0 {
				if !yield(o, nil) {
					return
				}
				o, ok = next()
			}
			if ok && compare(&o, &row) == 0 {
				row = o
				o, ok = next()
			}
			if !yield(row, nil) {
				return
			}
		}
		for ok {
			if !yield(o, nil) {
				return
			}
			o, ok = next()
		}
	}
}

// versions are the overlay's, as View.Versions yields them, one with each call.
func (o *Overlay) versions(span mvcc.Span, after mvcc.VersionName, at timestamp.Timestamp, keysOnly bool) func() (mvcc.Version, bool) {
	from := span
	from.Start = max(from.Start, after.Key)
	c := o.cursor(from, at, false)
	var key []mvcc.Version
	return func() (mvcc.Version, bool) {
		for len(key) == 0 {
			if !c.ok {
				return mvcc.Version{}, false
			}
			key = slices.DeleteFunc(o.history(c.version.Key), func(v mvcc.Version) bool {
				return v.CommitTS > at || (v.Key == after.Key && v.CommitTS >= after.CommitTS)
			})
			c.next()
		}
		v := key[0]
		key = key[1:]
		if keysOnly {
			v.Value, v.ValueID = nil, 0
		}
		return v, true
	}
}

// history is all of a key's versions in the overlay, from new to old. Each stands in one
// generation.
func (o *Overlay) history(k mvcc.Key) (out []mvcc.Version) {
	for i := len(o.gens) - 1; i >= 0; i-- {
		row, _ := o.gens[i].Get(k)
		for n := row.commits; n != nil; n = n.older {
			if n.version.Op != mvcc.OpMark {
				out = append(out, n.version)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b mvcc.Version) int { return compareVersions(&a, &b) })
	return slices.CompactFunc(out, func(a, b mvcc.Version) bool { return a.CommitTS == b.CommitTS })
}

// records are the overlay's, as View.Records yields them: collected and sorted, for it keeps them
// by key. Of two with one name the younger counts.
func (o *Overlay) records(span mvcc.Span, after mvcc.RecordName, start timestamp.Timestamp) func() (mvcc.Record, bool) {
	var out []mvcc.Record
	behind := mvcc.Record{StartTS: after.StartTS, Key: after.Key}
	for i := len(o.gens) - 1; i >= 0; i-- {
		o.gens[i].Ascend(span.Start, func(k mvcc.Key, row overlayRow) bool {
			for n := row.records; n != nil; n = n.older {
				if (start == 0 || n.record.StartTS == start) && compareRecords(&n.record, &behind) > 0 {
					out = append(out, n.record)
				}
			}
			return span.End == "" || k < span.End
		})
	}
	out = slices.DeleteFunc(out, func(r mvcc.Record) bool { return !span.Contains(r.Key) })
	slices.SortStableFunc(out, func(a, b mvcc.Record) int { return compareRecords(&a, &b) })
	out = slices.CompactFunc(out, func(a, b mvcc.Record) bool { return compareRecords(&a, &b) == 0 })
	return func() (r mvcc.Record, ok bool) {
		if len(out) > 0 {
			r, ok, out = out[0], true, out[1:]
		}
		return r, ok
	}
}
