package tables

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strconv"

	"github.com/shaledb/shale/cmd/shale/virtual"
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/routing"
)

func shardText(id routing.ShardID) string { return strconv.FormatUint(uint64(id), 10) }

type listName struct{}

// list is the directory's map, drawn once for the statement. It is a hint: where it is wrong,
// pages say what they cover.
func (c *Cluster) list(ctx context.Context) (*directory.ListResult, error) {
	return once(ctx, listName{}, func() (*directory.ListResult, error) {
		list, err := c.network.List(ctx)
		if err != nil {
			return nil, err
		}
		slices.SortFunc(list.Shards, func(a, b routing.Descriptor) int {
			return cmp.Or(cmp.Compare(a.Span.Start, b.Span.Start), cmp.Compare(a.ID, b.ID))
		})
		return list, nil
	})
}

// spans cuts what is wanted where shards meet, so that several are asked at once. Of one shard
// alone: its span. One that the directory does not know may have been born a moment ago: all
// are read, and SQLite keeps its rows.
func (c *Cluster) spans(ctx context.Context, w *wanted) (spans []mvcc.Span, alone bool, err error) {
	if oneKey(w.span) {
		return []mvcc.Span{w.span}, true, nil
	}
	list, err := c.list(ctx)
	if err != nil {
		return nil, false, err
	}
	span := w.span
	for _, d := range list.Shards {
		if d.ID == w.shard {
			span = d.Span.Clip(span)
		}
	}
	if span.Empty() {
		return nil, false, nil
	}
	for _, d := range list.Shards {
		if at := d.Span.Start; at > span.Start && span.Contains(at) {
			spans = append(spans, mvcc.Span{Start: span.Start, End: at})
			span.Start = at
		}
	}
	return append(spans, span), w.rows > 0 && w.rows <= pageRows0, nil
}

// oneKey says whether a span is that of a single key.
func oneKey(s mvcc.Span) bool { return s.End == s.Start.Successor() }

// firstPage is how many rows are asked for first.
func firstPage(w *wanted) int {
	if w.rows > 0 && w.rows < pageRows0 {
		return int(w.rows)
	}
	return pageRows0
}

// inShards reads what is wanted, shard by shard.
func inShards[R, A any](ctx context.Context, c *Cluster, w *wanted, get fetch[R, A]) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		spans, alone, err := c.spans(ctx, w)
		if err != nil {
			failed[R](err)(yield)
			return
		}
		rowsOf(ctx, spans, firstPage(w), alone, get)(yield)
	}
}

func (c *Cluster) versions(ctx context.Context, w *wanted) iter.Seq2[version, error] {
	return inShards(ctx, c, w, func(ctx context.Context, span mvcc.Span, after mvcc.VersionName, limit int) (*page[version, mvcc.VersionName], error) {
		p := &page[version, mvcc.VersionName]{from: max(span.Start, after.Key), covered: span}
		if !span.Contains(p.from) {
			p.from = span.Start
			return p, nil
		}
		res, d, err := c.pager.Versions(ctx, mvcc.VersionsArgs{ReadTS: w.at, Span: span, After: after, Above: w.above, Base: w.base,
			StartTS: w.start, Limit: limit, MaxBytes: pageBytes, KeysOnly: w.keysOnly})
		if err != nil {
			return nil, unreadable(ctx, d, p.from, err)
		}
		p.rows = make([]version, len(res.Versions))
		for i := range res.Versions {
			p.rows[i] = version{d.ID, res.Versions[i]}
		}
		p.covered, p.more, p.resume = res.Covered, res.More, res.Resume
		return p, nil
	})
}

func (c *Cluster) newest(ctx context.Context, w *wanted) iter.Seq2[version, error] {
	return inShards(ctx, c, w, func(ctx context.Context, span mvcc.Span, after mvcc.Key, limit int) (*page[version, mvcc.Key], error) {
		from := max(span.Start, after)
		res, err := c.pager.Scan(ctx, mvcc.ScanArgs{ReadTS: w.at, Span: mvcc.Span{Start: from, End: span.End}, Limit: limit,
			MaxBytes: pageBytes, KeysOnly: w.keysOnly})
		if err != nil {
			return nil, unreadable(ctx, routing.Descriptor{}, from, err)
		}
		p := &page[version, mvcc.Key]{from: span.Start, covered: span, more: res.More, resume: res.Resume,
			rows: make([]version, len(res.Versions))}
		for i := range res.Versions {
			p.rows[i] = version{0, res.Versions[i]}
		}
		return p, nil
	})
}

func (c *Cluster) locks(ctx context.Context, w *wanted) iter.Seq2[lock, error] {
	return inShards(ctx, c, w, func(ctx context.Context, span mvcc.Span, after mvcc.Key, limit int) (*page[lock, mvcc.Key], error) {
		p := &page[lock, mvcc.Key]{from: max(span.Start, after), covered: span}
		if !span.Contains(p.from) {
			p.from = span.Start
			return p, nil
		}
		res, d, err := c.pager.Locks(ctx, mvcc.LocksArgs{Span: span, After: after, Limit: limit})
		if err != nil {
			return nil, unreadable(ctx, d, p.from, err)
		}
		p.rows = make([]lock, len(res.Locks))
		for i := range res.Locks {
			p.rows[i] = lock{d.ID, res.Locks[i]}
		}
		p.covered, p.more, p.resume = res.Covered, res.More, res.Resume
		return p, nil
	})
}

func (c *Cluster) records(ctx context.Context, w *wanted) iter.Seq2[record, error] {
	return inShards(ctx, c, w, func(ctx context.Context, span mvcc.Span, after mvcc.RecordName, limit int) (*page[record, mvcc.RecordName], error) {
		res, d, err := c.pager.Records(ctx, mvcc.RecordsArgs{Span: span, After: after, StartTS: w.start, Limit: limit})
		if err != nil {
			return nil, unreadable(ctx, d, span.Start, err)
		}
		p := &page[record, mvcc.RecordName]{from: span.Start, covered: res.Covered, more: res.More, resume: res.Resume,
			rows: make([]record, len(res.Records))}
		for i := range res.Records {
			p.rows[i] = record{d.ID, res.Records[i]}
		}
		return p, nil
	})
}

// perShard asks the leaders of the users' shards, several at once, and yields in their order.
func perShard[R any](ctx context.Context, c *Cluster, q *virtual.Query, ask func(context.Context, routing.Descriptor) ([]R, error)) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		list, err := c.list(ctx)
		if err != nil {
			failed[R](err)(yield)
			return
		}
		shards := slices.Clone(list.Shards)
		if only, has := q.Equal("shard"); has {
			id, _ := tsOf(only)
			shards = slices.DeleteFunc(shards, func(d routing.Descriptor) bool { return d.ID != routing.ShardID(id) })
		}
		part := func(ctx context.Context, i int) iter.Seq2[[]R, error] {
			return func(yield func([]R, error) bool) {
				rows, err := ask(ctx, shards[i])
				yield(rows, unreadable(ctx, shards[i], shards[i].Span.Start, err))
			}
		}
		for rows, err := range inOrder(ctx, len(shards), part) {
			if err != nil {
				failed[R](err)(yield)
				return
			}
			for _, r := range rows {
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}
