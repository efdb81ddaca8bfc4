package tables

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// query is a table that is read by pages: its columns, those that order it and name the row to
// go on behind, and what rows must fulfil beside the range of keys.
type query struct {
	from    string
	columns []string
	order   []orderedBy
	where   []string
}

type orderedBy struct {
	column int
	desc   bool
}

// page asks for the rows of a span behind the last one seen. Those that a split left outside
// the shard's bounds, until they are deleted, are another shard's now.
func (q *query) page(span mvcc.Span, last []any, rows int) string {
	where := append(slices.Clone(q.where), "key >= "+literal([]byte(span.Start)))
	if span.End != "" {
		where = append(where, "key < "+literal([]byte(span.End)))
	}
	if last != nil {
		where = append(where, q.behind(last))
	}
	terms := make([]string, len(q.order))
	for i, o := range q.order {
		terms[i] = strings.Fields(q.columns[o.column])[0]
		if o.desc {
			terms[i] += " DESC"
		}
	}
	return fmt.Sprintf("SELECT %s FROM %s WHERE %s ORDER BY %s LIMIT %d", strings.Join(q.columns, ", "), q.from,
		strings.Join(where, " AND "), strings.Join(terms, ", "), rows)
}

// behind is the condition for the rows behind one: the first column bounds the search, the
// rest tells the ties.
func (q *query) behind(row []any) string {
	var either []string
	same := ""
	for _, o := range q.order {
		column, value := q.columns[o.column], literal(row[o.column])
		sign := " > "
		if o.desc {
			sign = " < "
		}
		either = append(either, "("+same+column+sign+value+")")
		same += column + " = " + value + " AND "
	}
	first := q.order[0].column
	return q.columns[first] + " >= " + literal(row[first]) + " AND (" + strings.Join(either, " OR ") + ")"
}

// literal writes a key or a number as SQL.
func literal(v any) string {
	switch x := v.(type) {
	case []byte:
		return "X'" + hex.EncodeToString(x) + "'"
	case int64:
		return strconv.FormatInt(x, 10)
	}
	return "NULL"
}

// fileRow is a row of a file's table.
type fileRow struct {
	shard  routing.ShardID
	values []any
}

func (r *fileRow) key(i int) mvcc.Key { return mvcc.Key(raw(r.values[i])) }

func (r *fileRow) ts(i int) timestamp.Timestamp {
	n, _ := r.values[i].(int64)
	return timestamp.Timestamp(n)
}

// rows reads a query in all the places that are wanted, several at once and a page ahead.
func (f *files) rows(ctx context.Context, w *wanted, q *query) iter.Seq2[fileRow, error] {
	return func(yield func(fileRow, error) bool) {
		places, err := f.places(ctx, w)
		if err != nil {
			yield(fileRow{}, err)
			return
		}
		part := func(ctx context.Context, i int) iter.Seq2[[]fileRow, error] {
			return f.pages(ctx, places[i], firstPage(w), q)
		}
		for rows, err := range inOrder(ctx, len(places), part) {
			if err != nil {
				yield(fileRow{}, err)
				return
			}
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

var (
	errRowTooLarge = errors.New("a row is larger than a page may be") // constant
	errSplit       = errors.New("it was split or moved while it was read; run the statement again")
)

// pages reads a query in one place. At the end the file's bounds must be what they were: a
// split deletes the rows that it gave away, which would be missed here.
func (f *files) pages(ctx context.Context, p place, first int, q *query) iter.Seq2[[]fileRow, error] {
	return func(yield func([]fileRow, error) bool) {
		var last []any
		for limit := first; ; limit = pageRows {
			res, err := f.in.look(ctx, p.file.ID, q.page(p.span, last, limit), limit)
			if err == nil && len(res.Rows) == 0 && res.Truncated {
				err = errRowTooLarge
			}
			if err != nil {
				yield(nil, unreadable(ctx, p.file, p.span.Start, err))
				return
			}
			rows := make([]fileRow, len(res.Rows))
			for i, values := range res.Rows {
				rows[i] = fileRow{p.file.ID, values}
			}
			if !yield(rows, nil) {
				return
			}
			if len(rows) < limit && !res.Truncated {
				break
			}
			last = res.Rows[len(rows)-1]
		}
		now, err := f.open(ctx, p.file.ID)
		if err == nil && now.Epoch.Bounds != p.file.Epoch.Bounds {
			err = errSplit
		}
		if err != nil {
			yield(nil, unreadable(ctx, p.file, p.span.Start, err))
		}
	}
}

// byKey is the order of versions and marks.
func byKey() []orderedBy { return []orderedBy{{0, false}, {1, true}, {2, false}} }

// versions reads all at or below w.at and leaves out here what above and base leave out.
func (f *files) versions(ctx context.Context, w *wanted) iter.Seq2[version, error] {
	q := &query{from: "versions", columns: []string{"key", "commit_ts", "start_ts", "op", "value"}, order: byKey()}
	if w.keysOnly {
		q.columns = q.columns[:4]
	}
	if w.at < timestamp.Max {
		q.where = append(q.where, "commit_ts <= "+w.at.String())
	}
	if w.above > 0 && !w.base {
		q.where = append(q.where, "commit_ts > "+w.above.String())
	}
	if w.start > 0 {
		q.where = append(q.where, "start_ts = "+w.start.String())
	}
	return func(yield func(version, error) bool) {
		var above, base mvcc.Key // the last keys with a version above w.above, and with a base
		for r, err := range f.rows(ctx, w, q) {
			if err != nil {
				yield(version{}, err)
				return
			}
			v := r.version()
			switch {
			case v.CommitTS > w.above:
				above = v.Key
			case v.Key != above || v.Key == base:
				continue
			default:
				base = v.Key
			}
			if !yield(v, nil) {
				return
			}
		}
	}
}

func (r *fileRow) version() version {
	v := version{r.shard, mvcc.Version{Key: r.key(0), CommitTS: r.ts(1), StartTS: r.ts(2), Op: mvcc.OpDelete}}
	if string(raw(r.values[3])) == mvcc.OpPut.String() {
		v.Op = mvcc.OpPut
		if len(r.values) > 4 {
			v.Value = raw(r.values[4])
		}
	}
	return v
}

func (f *files) newest(ctx context.Context, w *wanted) iter.Seq2[version, error] {
	return func(yield func(version, error) bool) {
		var seen mvcc.Key
		for v, err := range f.versions(ctx, w) {
			if err == nil && v.Key == seen {
				continue
			}
			seen = v.Key
			if err == nil && v.Op != mvcc.OpPut {
				continue
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

func (f *files) locks(ctx context.Context, w *wanted) iter.Seq2[lock, error] {
	q := &query{from: "locks", columns: []string{"key", "start_ts", "primary_key", "kind", "min_commit_ts", "expires", "async"},
		order: []orderedBy{{0, false}}}
	return mapped(f.rows(ctx, w, q), func(r fileRow) lock {
		return lock{r.shard, mvcc.Lock{Key: r.key(0), StartTS: r.ts(1), Primary: r.key(2), Kind: lockKind(string(raw(r.values[3]))),
			MinCommitTS: r.ts(4), Expires: r.ts(5), Async: r.ts(6) != 0}}
	})
}

func lockKind(text string) mvcc.LockKind {
	for _, k := range []mvcc.LockKind{mvcc.LockPut, mvcc.LockDelete, mvcc.LockCheck, mvcc.LockClaim} {
		if k.String() == text {
			return k
		}
	}
	return 0
}

func (f *files) records(ctx context.Context, w *wanted) iter.Seq2[record, error] {
	q := &query{from: "txns", columns: []string{"start_ts", "key", "state", "commit_ts"}, order: []orderedBy{{0, false}, {1, false}}}
	if w.start > 0 {
		q.where = append(q.where, "start_ts = "+w.start.String())
	}
	return mapped(f.rows(ctx, w, q), func(r fileRow) record {
		return record{r.shard, mvcc.Record{StartTS: r.ts(0), Key: r.key(1), Decision: decision(string(raw(r.values[2]))), CommitTS: r.ts(3)}}
	})
}

func decision(text string) mvcc.Decision {
	for _, d := range []mvcc.Decision{mvcc.Committed, mvcc.Aborted, mvcc.Fenced} {
		if d.String() == text {
			return d
		}
	}
	return mvcc.Undecided
}

func mapped[A, B any](in iter.Seq2[A, error], to func(A) B) iter.Seq2[B, error] {
	return func(yield func(B, error) bool) {
		for a, err := range in {
			if err != nil {
				failed[B](err)(yield)
				return
			}
			if !yield(to(a), nil) {
				return
			}
		}
	}
}
