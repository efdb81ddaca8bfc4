package main

import (
	"context"

	"github.com/shaledb/shale/cmd/shale/output"
	"github.com/shaledb/shale/cmd/shale/shell"
	"github.com/shaledb/shale/mvcc/sqlite"
)

// rawEngine runs statements inside of one SQLite file, in the sandbox: on a node, or here.
type rawEngine struct{ look inspector }

var _ shell.Engine = rawEngine{}

// Query runs one statement. The sandbox's caps apply: of a result that they cut, Cut says so.
func (e rawEngine) Query(ctx context.Context, statement string) (shell.Rows, error) {
	res, err := e.look.inspect(ctx, statement)
	if err != nil {
		return nil, err
	}
	return &rawRows{Listing: output.Listing{Header: res.Columns, Values: res.Rows}, cut: res.Truncated}, nil
}

// Relations lists what the file has.
func (e rawEngine) Relations(ctx context.Context) ([]shell.Relation, error) {
	res, err := e.look.inspect(ctx, `SELECT s.name, c.name, c.type FROM sqlite_schema AS s, pragma_table_info(s.name) AS c
  WHERE s.type IN ('table', 'view') ORDER BY s.name, c.cid`)
	if err != nil {
		return nil, err
	}
	return relations(res), nil
}

// relations gathers (table, column, type) rows that are ordered by table.
func relations(res *sqlite.Result) []shell.Relation {
	var out []shell.Relation
	for _, row := range res.Rows {
		table, _ := row[0].(string)
		name, _ := row[1].(string)
		kind, _ := row[2].(string)
		if len(out) == 0 || out[len(out)-1].Name != table {
			out = append(out, shell.Relation{Name: table})
		}
		last := &out[len(out)-1]
		last.Columns = append(last.Columns, shell.Column{Name: name, Type: kind})
	}
	return out
}

// rawRows are a result that has arrived whole, up to the sandbox's caps.
type rawRows struct {
	output.Listing
	cut bool
}

// Close ends nothing: everything is here.
func (r *rawRows) Close() error { return nil }

// Cut says that there was more than the caps allow.
func (r *rawRows) Cut() bool { return r.cut }
