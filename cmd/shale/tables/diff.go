package tables

import (
	"bytes"
	"context"
	"iter"

	"github.com/shaledb/shale/cmd/shale/virtual"
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

func diffFunction(s source) *virtual.Table {
	return &virtual.Table{
		Name: "diff", Doc: "diff(ts1, ts2 [, start [, end]]): the keys whose values differ between two timestamps",
		Columns: []virtual.Column{
			keyColumn("key", ""), column("change", "TEXT", "insert, update or delete"),
			column("before", "TEXT", "the value as of ts1; NULL: none"), column("after", "TEXT", "the value as of ts2; NULL: none"),
			column("before_ts", "INTEGER", "when the value before was committed"),
			column("after_ts", "INTEGER", "when the value after, or the delete, was committed"),
			column("start_ts", "INTEGER", "the transaction that wrote what stands at ts2"),
			argument("ts1", "INTEGER", "a timestamp", false), argument("ts2", "INTEGER", "another", false),
			argument("start", "TEXT", "the first key; NULL: the first of all", true),
			argument("end", "TEXT", "the first key past the range; NULL: none", true),
		},
		Ordered: []string{"key"},
		Scan: func(ctx context.Context, q *virtual.Query) iter.Seq2[[]any, error] {
			given := givenArguments(q, "ts1", "ts2", "start", "end")
			ts1, err := explicit(ctx, s, "diff(ts1, ts2)", "ts1", given[0])
			if err != nil {
				return failed[[]any](err)
			}
			ts2, err := explicit(ctx, s, "diff(ts1, ts2)", "ts2", given[1])
			if err != nil {
				return failed[[]any](err)
			}
			w, ok := wantedOf(q)
			if !ok {
				return nothing[[]any]
			}
			if w.span = w.span.Clip(spanArguments(q)); w.span.Empty() || ts1 == ts2 {
				return nothing[[]any]
			}
			w.above, w.at, w.base = min(ts1, ts2), max(ts1, ts2), true
			row := append(make([]any, 7), given...)
			return rowsFor(changes(s.versions(ctx, w), w.above), func(c *change) []any {
				if ts1 > ts2 {
					c.before, c.after = c.after, c.before
				}
				return c.row(row)
			})
		},
	}
}

// change is a key's versions as of two timestamps; a zero one: there was none.
type change struct {
	key           mvcc.Key
	before, after mvcc.Version
}

// row is nil where nothing changed: a key that is there in neither, or has the same value.
func (c *change) row(row []any) []any {
	was, is := c.before.Op == mvcc.OpPut, c.after.Op == mvcc.OpPut
	switch {
	case was && is && bytes.Equal(c.before.Value, c.after.Value), !was && !is:
		return nil
	case was && is:
		row[1] = "update"
	case is:
		row[1] = "insert"
	default:
		row[1] = "delete"
	}
	row[0], row[2], row[3] = keyValue(c.key), putValue(&c.before), putValue(&c.after)
	row[4], row[5], row[6] = nil, tsValue(c.after.CommitTS), tsValue(c.after.StartTS)
	if was {
		row[4] = tsValue(c.before.CommitTS)
	}
	return row
}

// changes makes one of each key's versions: the first is the newest, one at or below base is
// what stood before.
func changes(versions iter.Seq2[version, error], base timestamp.Timestamp) iter.Seq2[change, error] {
	return func(yield func(change, error) bool) {
		var c change
		for v, err := range versions {
			if err != nil {
				yield(change{}, err)
				return
			}
			if v.Key != c.key {
				if c.key != "" && !yield(c, nil) {
					return
				}
				c = change{key: v.Key}
			}
			switch {
			case v.CommitTS <= base:
				c.before = v.Version
			case c.after.Op == 0:
				c.after = v.Version
			}
		}
		if c.key != "" {
			yield(c, nil)
		}
	}
}
