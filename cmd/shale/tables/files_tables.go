package tables

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/shaledb/shale/cmd/shale/virtual"
	"github.com/shaledb/shale/shard/routing"
)

func (f *files) marksTable() *virtual.Table {
	return &virtual.Table{
		Name: "marks", Doc: "what committed checks, and claims that wrote nothing, left behind",
		Columns: []virtual.Column{
			shardColumn(), keyColumn("key", ""), column("commit_ts", "INTEGER", ""), column("start_ts", "INTEGER", "the transaction"),
		},
		Ordered: []string{"key"},
		Scan: func(ctx context.Context, q *virtual.Query) iter.Seq2[[]any, error] {
			w, ok := wantedOf(q)
			if !ok {
				return nothing[[]any]
			}
			marks := &query{from: "marks", columns: []string{"key", "commit_ts", "start_ts"}, order: byKey()}
			return rowsFor(f.rows(ctx, w, marks), func(r *fileRow) []any {
				return []any{count(r.shard), keyValue(r.key(0)), r.values[1], r.values[2]}
			})
		},
	}
}

func (f *files) metaTable() *virtual.Table {
	return &virtual.Table{
		Name: "meta", Doc: "where each file stands: its applied index, its bounds, its epochs", Rows: 100,
		Columns: []virtual.Column{shardColumn(), column("name", "TEXT", ""), column("value", "TEXT", "")},
		Scan: func(ctx context.Context, _ *virtual.Query) iter.Seq2[[]any, error] {
			return f.each(ctx, func(one *file) [][]any {
				var rows [][]any
				for _, m := range one.meta {
					rows = append(rows, []any{count(one.ID), m.Name, bytesValue(m.Value)})
				}
				return rows
			})
		},
	}
}

// each makes rows of every file.
func (f *files) each(ctx context.Context, rows func(*file) [][]any) iter.Seq2[[]any, error] {
	return gathered(func() ([][]any, error) {
		all, err := f.list(ctx)
		var out [][]any
		for i := range all {
			out = append(out, rows(&all[i])...)
		}
		return out, err
	})
}

// shardsTable has the columns of a cluster's; what only a leader knows is NULL.
func (f *files) shardsTable() *virtual.Table {
	return &virtual.Table{
		Name: "shards", Doc: "the shards that have a file here, by their files' word", Columns: shardsColumns(), Rows: 100,
		Scan: func(ctx context.Context, _ *virtual.Query) iter.Seq2[[]any, error] {
			return f.each(ctx, func(one *file) [][]any {
				nodes := make([]string, len(one.Replicas))
				for i, r := range one.Replicas {
					nodes[i] = fmt.Sprint(r.Node)
				}
				return [][]any{{count(one.ID), boundValue(one.Span.Start), boundValue(one.Span.End), nil, nil, known(f.in.size(one.ID)), nil, nil,
					count(one.Epoch.Bounds), count(one.Epoch.Members), strings.Join(nodes, " ")}}
			})
		},
	}
}

func (f *files) replicasTable() *virtual.Table {
	return &virtual.Table{
		Name: "replicas", Doc: "the replicas of the shards that have a file here; flushed is known of the own ones", Rows: 300,
		Columns: []virtual.Column{
			column("shard", "INTEGER", ""), column("node", "INTEGER", ""), column("replica", "INTEGER", "its id"),
			column("role", "TEXT", "voter or learner"), column("flushed", "INTEGER", "the log index at which the file stands"),
			column("own", "INTEGER", "1: it is the one here"),
		},
		Scan: func(ctx context.Context, _ *virtual.Query) iter.Seq2[[]any, error] {
			return f.each(ctx, func(one *file) [][]any {
				var rows [][]any
				for _, r := range one.Replicas {
					row := []any{count(one.ID), count(r.Node), count(r.ID), roleText(r.Role, nil), nil, flag(r.Node == f.in.node())}
					if r.Node == f.in.node() {
						if n, ok := tsOf(string(one.named("applied_index"))); ok {
							row[4] = count(n)
						}
					}
					rows = append(rows, row)
				}
				return rows
			})
		},
	}
}

// Files are the shards' files of one node as tables: of a running one's, or of a directory.
type Files struct{ f *files }

// Tables are the tables and table-valued functions.
func (f *Files) Tables() []*virtual.Table { return f.f.tables() }

// Functions are the scalar functions.
func (f *Files) Functions() []*virtual.Function { return f.f.functions() }

// Shards are those that have a file.
func (f *Files) Shards(ctx context.Context) ([]routing.ShardID, error) { return f.f.in.shards(ctx) }

// Close ends what was opened.
func (f *Files) Close() {}
