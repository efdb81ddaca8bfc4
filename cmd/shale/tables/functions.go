package tables

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/shaledb/shale/cmd/shale/virtual"
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

func shardID(n uint64) routing.ShardID { return routing.ShardID(n) }

func atFunction(s source) *virtual.Table {
	return &virtual.Table{
		Name: "at", Doc: "at(ts): the value of each key as of a timestamp",
		Columns: []virtual.Column{
			keyColumn("key", ""), column("value", "TEXT", ""), column("commit_ts", "INTEGER", ""),
			column("start_ts", "INTEGER", "the transaction that wrote it"),
			argument("ts", "INTEGER", "a timestamp", false),
		},
		Ordered: []string{"key"},
		Scan: func(ctx context.Context, q *virtual.Query) iter.Seq2[[]any, error] {
			given, _ := q.Equal("ts")
			ts, err := explicit(ctx, s, "at(ts)", "ts", given)
			if err != nil {
				return failed[[]any](err)
			}
			w, ok := wantedOf(q)
			if !ok {
				return nothing[[]any]
			}
			w.at, w.keysOnly = ts, !q.Uses("value")
			row := make([]any, 5)
			return rowsFor(s.newest(ctx, w), func(v *version) []any {
				row[0], row[1], row[2], row[3], row[4] = keyValue(v.Key), nil, int64(v.CommitTS), int64(v.StartTS), given
				if !w.keysOnly {
					row[1] = putValue(&v.Version)
				}
				return row
			})
		},
	}
}

// spanArguments is the range that a function's start and end name: keys from start on, below
// end.
func spanArguments(q *virtual.Query) mvcc.Span {
	return mvcc.Span{Start: mvcc.FirstUserKey}.Clip(mvcc.Span{Start: keyArgument(q, "start"), End: keyArgument(q, "end")})
}

// givenArguments are the arguments' own columns, as they were given: SQLite compares them
// again.
func givenArguments(q *virtual.Query, names ...string) []any {
	out := make([]any, len(names))
	for i, name := range names {
		out[i], _ = q.Equal(name)
	}
	return out
}

func blameFunction(s source) *virtual.Table {
	return &virtual.Table{
		Name: "blame", Doc: "blame([start [, end]]): which transaction wrote what is there now",
		Columns: []virtual.Column{
			keyColumn("key", ""), column("value", "TEXT", ""), column("commit_ts", "INTEGER", ""),
			column("commit_time", "TEXT", "UTC"), column("start_ts", "INTEGER", "the transaction: see txn(start_ts)"),
			argument("start", "TEXT", "the first key; NULL: the first of all", true),
			argument("end", "TEXT", "the first key past the range; NULL: none", true),
		},
		Ordered: []string{"key"},
		Scan: func(ctx context.Context, q *virtual.Query) iter.Seq2[[]any, error] {
			w, ok := wantedOf(q)
			if !ok {
				return nothing[[]any]
			}
			if w.span = w.span.Clip(spanArguments(q)); w.span.Empty() {
				return nothing[[]any]
			}
			var err error
			if w.at, err = cut(ctx, s); err != nil {
				return failed[[]any](err)
			}
			w.keysOnly = !q.Uses("value")
			row := append(make([]any, 5), givenArguments(q, "start", "end")...)
			return rowsFor(s.newest(ctx, w), func(v *version) []any {
				row[0], row[1], row[2], row[3], row[4] = keyValue(v.Key), nil, int64(v.CommitTS), timeText(v.CommitTS), int64(v.StartTS)
				if !w.keysOnly {
					row[1] = putValue(&v.Version)
				}
				return row
			})
		},
	}
}

func historyFunction(s source) *virtual.Table {
	return &virtual.Table{
		Name: "history", Doc: "history(key): the lock on a key, if one stands, and its versions, the newest first",
		Columns: []virtual.Column{
			column("commit_ts", "INTEGER", "NULL: undecided"), column("start_ts", "INTEGER", "the transaction"),
			column("op", "TEXT", "put, delete; of a lock also check or claim"), column("value", "TEXT", "NULL: a delete or a lock"),
			column("state", "TEXT", "committed or undecided"),
			argument("key", "TEXT", "the key", false),
		},
		Scan: func(ctx context.Context, q *virtual.Query) iter.Seq2[[]any, error] {
			given, _ := q.Equal("key")
			k := keyArgument(q, "key")
			if err := mvcc.ValidateKey(k); err != nil {
				return failed[[]any](fmt.Errorf("history(key): %w", err))
			}
			return history(ctx, s, k, given)
		},
	}
}

// history yields a key's lock and versions. Where a write lock stands, all versions there can
// be lie below its least commit timestamp: they are read below it, so that a look at a lock
// never waits for it.
func history(ctx context.Context, s source, k mvcc.Key, given any) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		w := &wanted{span: mvcc.KeySpan(k)}
		var err error
		if w.at, err = cut(ctx, s); err != nil {
			yield(nil, err)
			return
		}
		for l, err := range s.locks(ctx, w) {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield([]any{nil, int64(l.StartTS), l.Kind.String(), nil, "undecided", given}, nil) {
				return
			}
			if l.BlocksRead(w.at, 0) {
				w.at = l.MinCommitTS.Prev()
			}
		}
		for v, err := range s.versions(ctx, w) {
			if err != nil {
				yield(nil, err)
				return
			}
			row := []any{int64(v.CommitTS), int64(v.StartTS), v.Op.String(), putValue(&v.Version), "committed", given}
			if !yield(row, nil) {
				return
			}
		}
	}
}

func txnFunction(s source) *virtual.Table {
	return &virtual.Table{
		Name: "txn", Doc: "txn(id): the keys of a transaction (its start_ts), what it wrote there and what became of it",
		Columns: []virtual.Column{
			column("shard", "INTEGER", ""), column("key", "TEXT", ""), column("op", "TEXT", "put, delete, check or claim; NULL: a record alone"),
			column("value", "TEXT", ""), column("state", "TEXT", "committed, locked, aborted or fenced"),
			column("commit_ts", "INTEGER", ""), column("primary_key", "TEXT", "as far as a lock says it"),
			argument("id", "INTEGER", "the transaction's start_ts", false),
		},
		Scan: func(ctx context.Context, q *virtual.Query) iter.Seq2[[]any, error] {
			given, _ := q.Equal("id")
			id, err := tsArgument("txn(id)", "id", given)
			if err != nil {
				return failed[[]any](err)
			}
			return func(yield func([]any, error) bool) {
				found, err := transaction(ctx, s, id)
				if err != nil {
					yield(nil, err)
					return
				}
				for _, k := range slices.Sorted(maps.Keys(found)) {
					f := found[k]
					row := []any{tsValue(timestamp.Timestamp(f.shard)), keyValue(k), f.op, f.value, f.state, tsValue(f.commitTS), boundValue(f.primary), given}
					if !yield(row, nil) {
						return
					}
				}
			}
		},
	}
}

// trace is what a transaction left at a key.
type trace struct {
	shard    routing.ShardID
	op       any
	value    any
	state    string
	commitTS timestamp.Timestamp
	primary  mvcc.Key
}

// keysMax bounds what txn(id) keeps in memory.
const keysMax = 1_000_000

// transaction gathers what stands of a transaction. Locks are read first, versions after: a
// lock that turns into its version meanwhile is seen as one of the two.
func transaction(ctx context.Context, s source, id timestamp.Timestamp) (map[mvcc.Key]trace, error) {
	found := map[mvcc.Key]trace{}
	all := mvcc.Span{Start: mvcc.FirstUserKey}
	for l, err := range s.locks(ctx, &wanted{span: all}) {
		if err != nil {
			return nil, err
		}
		if l.StartTS == id {
			found[l.Key] = trace{shard: l.shard, op: l.Kind.String(), state: "locked", primary: l.Primary}
		}
	}
	at, err := cut(ctx, s)
	if err != nil {
		return nil, err
	}
	for v, err := range s.versions(ctx, &wanted{span: all, at: at, above: id, start: id}) {
		if err != nil {
			return nil, err
		}
		if len(found) == keysMax {
			return nil, fmt.Errorf("txn(id): transaction %s has more than %d keys; ask for a part: "+
				"SELECT * FROM versions WHERE start_ts = %s AND key >= …", id, keysMax, id)
		}
		found[v.Key] = trace{shard: v.shard, op: v.Op.String(), value: putValue(&v.Version), state: "committed",
			commitTS: v.CommitTS, primary: found[v.Key].primary}
	}
	for r, err := range s.records(ctx, &wanted{span: all, start: id}) {
		if err != nil {
			return nil, err
		}
		f := found[r.Key]
		f.shard, f.state = cmp.Or(f.shard, r.shard), r.Decision.String()
		f.commitTS = cmp.Or(f.commitTS, r.CommitTS)
		if r.Decision != mvcc.Fenced {
			f.primary = r.Key
		}
		found[r.Key] = f
	}
	return found, nil
}

// scalars are the functions that every source has; now is the statement's timestamp.
func scalars(now func(context.Context) (timestamp.Timestamp, error)) []*virtual.Function {
	return []*virtual.Function{
		{Name: "key_text", Args: 1, Doc: "key_text(key): the key as text with Go escapes", Deterministic: true,
			Call: func(_ context.Context, args []any) (any, error) {
				if k, ok := keyOf(args[0]); ok {
					return mvcc.FormatKey(k), nil
				}
				return nil, nil
			}},
		{Name: "value_text", Args: 1, Doc: "value_text(value): the value as text with Go escapes", Deterministic: true,
			Call: func(_ context.Context, args []any) (any, error) {
				if v, ok := keyOf(args[0]); ok {
					return mvcc.FormatValue([]byte(v), 0), nil
				}
				return nil, nil
			}},
		{Name: "ts_now", Args: 0, Doc: "ts_now(): the timestamp at which this statement reads",
			Call: func(ctx context.Context, _ []any) (any, error) {
				ts, err := now(ctx)
				return int64(ts), err
			}},
	}
}
