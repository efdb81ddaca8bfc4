package tables

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/shaledb/shale/cmd/shale/virtual"
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/sqlite"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// folder holds shards' files, one replica of each shard at most: on a node that runs, or in
// the directory of one that does not.
type folder interface {
	// shards are those that have a file there.
	shards(ctx context.Context) ([]routing.ShardID, error)
	// look runs one statement on a shard's file, and stops after so many rows.
	look(ctx context.Context, id routing.ShardID, sql string, rows int) (*sqlite.Result, error)
	// size is that of a file in bytes; zero: not known.
	size(id routing.ShardID) int64
	// node is whose folder it is; zero: not known.
	node() routing.NodeID
}

// files are a folder's shards as tables: their state as it lies there. There is no cut but the
// statement's AsOf, if it has one; a file that is written meanwhile is read page by page, each
// as of its moment.
type files struct{ in folder }

// file is one shard's file, and the keys in it that are its own.
type file struct {
	routing.Descriptor
	spans []mvcc.Span
	meta  []mvcc.MetaRow
}

// list reads the files' bounds, once for the statement, and orders them by key.
func (f *files) list(ctx context.Context) ([]file, error) {
	return once(ctx, listName{}, func() ([]file, error) {
		ids, err := f.in.shards(ctx)
		if err != nil {
			return nil, err
		}
		out := make([]file, len(ids))
		for i, id := range ids {
			if out[i], err = f.open(ctx, id); err != nil {
				return nil, unreadable(ctx, routing.Descriptor{ID: id}, "", err)
			}
		}
		settle(out)
		return out, nil
	})
}

func (f *files) open(ctx context.Context, id routing.ShardID) (out file, err error) {
	res, err := f.in.look(ctx, id, "SELECT name, value FROM meta ORDER BY name", pageRows)
	if err != nil {
		return out, err
	}
	for _, row := range res.Rows {
		out.meta = append(out.meta, mvcc.MetaRow{Name: string(raw(row[0])), Value: raw(row[1])})
	}
	out.Descriptor, err = shard.ReadDescriptor(id, out.meta)
	return out, err
}

// named is a meta row's value.
func (f *file) named(name string) []byte {
	for _, row := range f.meta {
		if row.Name == name {
			return row.Value
		}
	}
	return nil
}

// settle orders files by key, and says which keys are whose. A split that one replica has
// applied and the other has not heard of leaves two files with the same keys: the later
// bounds win, as in the directory.
func settle(all []file) {
	slices.SortFunc(all, func(a, b file) int {
		return cmp.Or(cmp.Compare(a.Span.Start, b.Span.Start), cmp.Compare(a.ID, b.ID))
	})
	for i := range all {
		spans := []mvcc.Span{all[i].Span}
		for j := range all {
			if all[j].Epoch.Newer(all[i].Epoch) || all[j].Epoch == all[i].Epoch && all[j].ID < all[i].ID {
				spans = without(spans, all[j].Span)
			}
		}
		all[i].spans = spans
	}
}

// without takes a span out of others.
func without(spans []mvcc.Span, taken mvcc.Span) (out []mvcc.Span) {
	for _, s := range spans {
		if s.Clip(taken).Empty() {
			out = append(out, s)
			continue
		}
		if s.Start < taken.Start {
			out = append(out, mvcc.Span{Start: s.Start, End: taken.Start})
		}
		if rest, more := beyond(s, taken); more {
			out = append(out, rest)
		}
	}
	return out
}

// now has no end: a file has no clock, and its state is all that it has.
func (f *files) now(context.Context) (timestamp.Timestamp, error) { return timestamp.Max, nil }

// last is the newest commit that the files know of, which is what people mean by now.
func (f *files) last(ctx context.Context) (timestamp.Timestamp, error) {
	if at := virtual.StatementOf(ctx).AsOf; at != 0 {
		return timestamp.Timestamp(at), nil
	}
	all, err := f.list(ctx)
	newest := timestamp.Timestamp(0)
	for i := range all {
		n, _ := tsOf(string(all[i].named("committed")))
		newest = max(newest, timestamp.Timestamp(n))
	}
	return newest, err
}

// place is a range of keys in one file.
type place struct {
	file routing.Descriptor
	span mvcc.Span
}

// places are the ranges that a statement asks for, by key.
func (f *files) places(ctx context.Context, w *wanted) ([]place, error) {
	all, err := f.list(ctx)
	if err != nil {
		return nil, err
	}
	var out []place
	for i := range all {
		if w.shard != 0 && all[i].ID != w.shard {
			continue
		}
		for _, s := range all[i].spans {
			if s = s.Clip(w.span); !s.Empty() {
				out = append(out, place{all[i].Descriptor, s})
			}
		}
	}
	slices.SortFunc(out, func(a, b place) int { return cmp.Compare(a.span.Start, b.span.Start) })
	return out, nil
}

// tables are those over files.
func (f *files) tables() []*virtual.Table {
	return append(over(f), f.marksTable(), f.metaTable(), f.shardsTable(), f.replicasTable())
}

func (f *files) functions() []*virtual.Function { return scalars(f.last) }

// raw is a value's bytes; of NULL none.
func raw(v any) []byte {
	switch x := v.(type) {
	case string:
		return []byte(x)
	case []byte:
		return x
	case int64:
		return fmt.Append(nil, x)
	}
	return nil
}
