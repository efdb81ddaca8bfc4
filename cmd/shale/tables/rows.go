package tables

import (
	"context"
	"errors"
	"iter"

	"github.com/shaledb/shale/cmd/shale/virtual"
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// over are the tables and functions that every source has.
func over(s source) []*virtual.Table {
	return []*virtual.Table{
		versionsTable(s), readableTable(s), latestTable(s), locksTable(s), txnsTable(s),
		atFunction(s), historyFunction(s), diffFunction(s), blameFunction(s), txnFunction(s),
	}
}

// keyColumn is a key that Scan compares itself: see doc.go.
func keyColumn(name, doc string) virtual.Column {
	return virtual.Column{Name: name, Type: "TEXT", Doc: doc, Equal: true, Range: true, Omit: true}
}

func argument(name, kind, doc string, optional bool) virtual.Column {
	return virtual.Column{Name: name, Type: kind, Doc: doc, Hidden: true, Optional: optional, Equal: true}
}

func shardColumn() virtual.Column {
	return virtual.Column{Name: "shard", Type: "INTEGER", Doc: "the shard that holds the row", Equal: true}
}

func column(name, kind, doc string) virtual.Column {
	return virtual.Column{Name: name, Type: kind, Doc: doc}
}

// rowsFor makes a table's rows of a source's; a nil row is left out.
func rowsFor[R any](in iter.Seq2[R, error], row func(*R) []any) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for r, err := range in {
			if err != nil {
				yield(nil, err)
				return
			}
			if out := row(&r); out != nil && !yield(out, nil) {
				return
			}
		}
	}
}

func failed[R any](err error) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		var none R
		yield(none, err)
	}
}

func nothing[R any](func(R, error) bool) {}

// wantedOf is what a statement wants of a table of keys; not ok: nothing can fulfil it.
func wantedOf(q *virtual.Query) (*wanted, bool) {
	w := &wanted{rows: q.Limit}
	var ok bool
	if w.span, ok = spanOf(q, "key"); !ok {
		return nil, false
	}
	if v, has := q.Equal("shard"); has {
		id, is := tsOf(v)
		if !is || id == 0 {
			return nil, false
		}
		w.shard = shardID(id)
	}
	if v, has := q.Equal("start_ts"); has {
		ts, is := tsOf(v)
		if !is || ts == 0 {
			return nil, false
		}
		w.start = timestamp.Timestamp(ts)
	}
	return w, true
}

func versionsTable(s source) *virtual.Table {
	return &virtual.Table{
		Name: "versions", Doc: "every version of every key, deletes too, as of the statement's cut",
		Columns: []virtual.Column{
			shardColumn(), keyColumn("key", ""),
			{Name: "commit_ts", Type: "INTEGER", Doc: "when it became visible", Equal: true, Range: true},
			{Name: "start_ts", Type: "INTEGER", Doc: "the transaction that wrote it", Equal: true},
			column("op", "TEXT", "put or delete"), column("value", "TEXT", "NULL where it is a delete"),
		},
		Ordered: []string{"key"}, Rows: 1_000_000,
		Scan: func(ctx context.Context, q *virtual.Query) iter.Seq2[[]any, error] {
			w, ok := wantedOf(q)
			if !ok {
				return nothing[[]any]
			}
			row, value := make([]any, 6), q.Uses("value")
			return rowsFor(versionsOf(ctx, s, q, w, value), func(v *version) []any {
				row[0], row[1], row[2], row[3] = int64(v.shard), keyValue(v.Key), int64(v.CommitTS), int64(v.StartTS)
				row[4], row[5] = v.Op.String(), nil
				if value {
					row[5] = putValue(&v.Version)
				}
				return row
			})
		},
	}
}

// versionsOf reads versions as the statement bounds them.
func versionsOf(ctx context.Context, s source, q *virtual.Query, w *wanted, values bool) iter.Seq2[version, error] {
	top, err := cut(ctx, s)
	if err != nil {
		return failed[version](err)
	}
	low, high := between(q, "commit_ts", uint64(top))
	if low >= high {
		return nothing[version]
	}
	w.above, w.at, w.keysOnly = timestamp.Timestamp(low), timestamp.Timestamp(high), !values
	return orAt(ctx, s, w, top)
}

// orAt reads versions at w.at. Where that lies below the safepoint it reads at the cut:
// the bound came from a comparison, not from a wish to see that moment.
func orAt(ctx context.Context, s source, w *wanted, top timestamp.Timestamp) iter.Seq2[version, error] {
	return func(yield func(version, error) bool) {
		begun := false
		for v, err := range s.versions(ctx, w) {
			var below *mvcc.BelowSafepointError
			if errors.As(err, &below) && !begun && w.at < top {
				again := *w
				again.at = top
				s.versions(ctx, &again)(yield)
				return
			}
			begun = true
			if !yield(v, err) {
				return
			}
		}
	}
}

func readableTable(s source) *virtual.Table {
	return &virtual.Table{
		Name: "readable", Doc: "versions for people: keys, values and times as text",
		Columns: []virtual.Column{
			shardColumn(),
			{Name: "key_text", Type: "TEXT", Doc: "the key with Go escapes", Equal: true},
			column("commit_time", "TEXT", "UTC"), column("op", "TEXT", ""),
			column("value_text", "TEXT", "the value with Go escapes"),
			{Name: "commit_ts", Type: "INTEGER", Equal: true, Range: true},
			{Name: "start_ts", Type: "INTEGER", Equal: true},
		},
		Scan: func(ctx context.Context, q *virtual.Query) iter.Seq2[[]any, error] {
			w, ok := wantedOf(q)
			if !ok || !narrow(q, w) {
				return nothing[[]any]
			}
			row, value := make([]any, 7), q.Uses("value_text")
			return rowsFor(versionsOf(ctx, s, q, w, value), func(v *version) []any {
				row[0], row[1], row[2], row[3] = int64(v.shard), mvcc.FormatKey(v.Key), timeText(v.CommitTS), v.Op.String()
				row[4], row[5], row[6] = nil, int64(v.CommitTS), int64(v.StartTS)
				if value && v.Op == mvcc.OpPut {
					row[4] = mvcc.FormatValue(v.Value, 0)
				}
				return row
			})
		},
	}
}

// narrow takes the key that key_text must be into the span; not ok: it is no key's text.
func narrow(q *virtual.Query, w *wanted) bool {
	v, has := q.Equal("key_text")
	if !has {
		return true
	}
	text, is := v.(string)
	if !is {
		return true // SQLite looks itself
	}
	k, err := mvcc.ParseKey(text)
	if err != nil || k == "" {
		return false
	}
	w.span = w.span.Clip(mvcc.KeySpan(k))
	return !w.span.Empty()
}

func latestTable(s source) *virtual.Table {
	return &virtual.Table{
		Name: "latest", Doc: "the newest value of each key, as of the statement's cut",
		Columns: []virtual.Column{
			keyColumn("key", ""), column("value", "TEXT", ""),
			{Name: "key_text", Type: "TEXT", Doc: "the key with Go escapes", Equal: true},
			column("value_text", "TEXT", "the value with Go escapes"),
			column("committed", "TEXT", "UTC"), column("commit_ts", "INTEGER", ""),
		},
		Ordered: []string{"key"},
		Scan: func(ctx context.Context, q *virtual.Query) iter.Seq2[[]any, error] {
			w, ok := wantedOf(q)
			if !ok || !narrow(q, w) {
				return nothing[[]any]
			}
			var err error
			if w.at, err = cut(ctx, s); err != nil {
				return failed[[]any](err)
			}
			row, raw, text := make([]any, 6), q.Uses("value"), q.Uses("value_text")
			w.keysOnly = !raw && !text
			return rowsFor(s.newest(ctx, w), func(v *version) []any {
				row[0], row[1], row[2], row[3] = keyValue(v.Key), nil, mvcc.FormatKey(v.Key), nil
				row[4], row[5] = timeText(v.CommitTS), int64(v.CommitTS)
				if raw {
					row[1] = putValue(&v.Version)
				}
				if text {
					row[3] = mvcc.FormatValue(v.Value, 0)
				}
				return row
			})
		},
	}
}

func locksTable(s source) *virtual.Table {
	return &virtual.Table{
		Name: "locks", Doc: "undecided writes and claims, as of the moment",
		Columns: []virtual.Column{
			shardColumn(), keyColumn("key", ""), column("start_ts", "INTEGER", "the transaction that holds it"),
			column("primary_key", "TEXT", "the key whose record decides"), column("kind", "TEXT", "put, delete, check or claim"),
			column("min_commit_ts", "INTEGER", "reads below it need not wait"),
			column("expires", "INTEGER", "after it others may decide"), column("async", "INTEGER", "1: committed once all its locks stand"),
		},
		Ordered: []string{"key"},
		Scan: func(ctx context.Context, q *virtual.Query) iter.Seq2[[]any, error] {
			w, ok := wantedOf(q)
			if !ok {
				return nothing[[]any]
			}
			row := make([]any, 8)
			return rowsFor(s.locks(ctx, w), func(l *lock) []any {
				row[0], row[1], row[2], row[3] = int64(l.shard), keyValue(l.Key), int64(l.StartTS), keyValue(l.Primary)
				row[4], row[5], row[6], row[7] = l.Kind.String(), int64(l.MinCommitTS), int64(l.Expires), flag(l.Async)
				return row
			})
		},
	}
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func txnsTable(s source) *virtual.Table {
	return &virtual.Table{
		Name: "txns", Doc: "outcomes at primary keys, and fences, as of the moment; a one-phase commit leaves none",
		Columns: []virtual.Column{
			shardColumn(), {Name: "start_ts", Type: "INTEGER", Doc: "the transaction", Equal: true},
			keyColumn("key", "the primary, or the fenced key"),
			column("state", "TEXT", "committed, aborted or fenced"), column("commit_ts", "INTEGER", ""),
		},
		Scan: func(ctx context.Context, q *virtual.Query) iter.Seq2[[]any, error] {
			w, ok := wantedOf(q)
			if !ok {
				return nothing[[]any]
			}
			row := make([]any, 5)
			return rowsFor(s.records(ctx, w), func(r *record) []any {
				row[0], row[1], row[2], row[3] = int64(r.shard), int64(r.StartTS), keyValue(r.Key), r.Decision.String()
				row[4] = tsValue(r.CommitTS)
				return row
			})
		},
	}
}
