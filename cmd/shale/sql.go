package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/shaledb/shale/cmd/shale/shell"
)

// sqlOptions are the flags of shale sql.
type sqlOptions struct {
	connect connectOptions
	output  outputOptions
	file    string
	store   string
	shard   uint64
	node    uint64
	replica uint64
	text    []string
	script  string
	limit   int
	write   bool
	asOf    string
	bound   boundOptions
}

// printedMax is how many rows are asked of one replica's file, unless the flags say otherwise.
const printedMax = 10_000

func newSQLCommand() *cobra.Command {
	var o sqlOptions
	c := &cobra.Command{
		Use:   "sql [-e STMT]… [-f FILE]",
		Short: "Look inside with SQL: versions, locks, transactions, shards, replicas, and the past",
		Long: `Run SQL on a cluster, or on what a node left behind: the statements of -e and -f, or of
stdin, or of a prompt.

Without more, SQLite's own engine runs here, on virtual tables whose rows come from the
shards' leaders: .tables lists them, .schema explains them. A statement sees one cut of the
whole cluster, at a fresh timestamp, or at that of --as-of. INSERT, UPDATE and DELETE on the
table kv, and GET, PUT, DEL and SCAN, work in distributed transactions (BEGIN … COMMIT), once
.write on, or --write, allows it.

--replica shows the raw state of one node's replicas, --store that of a node's directory,
whether the node lives or not, as the same tables. --shard and --file run the statement
inside of one replica's SQLite file, of a running node or from this disk, read-only and
sandboxed: there, "SELECT name, sql FROM sqlite_schema" tells what it has.

JSON is one object a row: integers as numbers, bytes in base64, NULL as null.`,
		Example: `  shale sql -e 'SELECT shard, count(*) FROM versions GROUP BY shard'
  shale sql -e "SELECT * FROM history('city/Tokyo')"
  shale sql -e "SELECT * FROM diff(ts('-10 minutes'), ts_now())" -o json
  shale sql --store a -e 'SELECT * FROM locks'
  shale sql --shard 2 -e 'SELECT name, value FROM meta'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return runSQL(c.Context(), &o, c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	o.connect.register(c)
	o.output.register(c)
	o.bound.register(c)
	f := c.Flags()
	f.StringVar(&o.file, "file", "", "run inside of this shard's SQLite file")
	f.StringVar(&o.store, "store", "", "look at all shards in this node's directory")
	f.Uint64Var(&o.shard, "shard", 0, "run inside of one replica of this shard: the leader's, or that on --node")
	f.Uint64Var(&o.node, "node", 0, "with --shard: the node whose replica it is")
	f.Uint64Var(&o.replica, "replica", 0, "look at the replicas of this node, as they are")
	f.StringArrayVarP(&o.text, "execute", "e", nil, "statements to run, in order (may be repeated)")
	f.StringVarP(&o.script, "script", "f", "", "a file of statements to run")
	f.IntVar(&o.limit, "limit", printedMax, "with --shard or --file: at most so many rows")
	f.BoolVar(&o.write, "write", false, "allow writing to keys from the beginning")
	f.StringVar(&o.asOf, "as-of", "", "see the past: a timestamp, or a time as ts() takes it")
	return c
}

func (o *sqlOptions) validate() error {
	places := 0
	for _, given := range []bool{o.file != "", o.store != "", o.shard != 0, o.replica != 0} {
		if given {
			places++
		}
	}
	switch {
	case places > 1:
		return usageError("--file, --store, --shard and --replica exclude each other")
	case o.node != 0 && o.shard == 0:
		return usageError("--node goes with --shard")
	case o.limit <= 0:
		return usageError("--limit is above zero")
	case places > 0 && (o.write || o.asOf != ""):
		return usageError("--write and --as-of are for a whole cluster, not for one place in it")
	}
	return nil
}

func runSQL(ctx context.Context, o *sqlOptions, in io.Reader, out, say io.Writer) error {
	// A prompt lives as long as it is used: --timeout bounds the way to the cluster.
	reach, conn, done, err := o.connect.open(ctx, o, &o.output, &o.bound)
	if err != nil {
		return err
	}
	defer done()
	scripts, err := o.scripts()
	if err != nil {
		return err
	}
	l := &looks{conn: conn, rows: o.limit, write: o.write, patience: o.connect.timeout}
	defer l.close()
	engine, err := l.open(reach, o)
	if err != nil {
		return overdue(reach, firstHost(conn), err)
	}
	sh := shell.New(shell.Config{
		Engine: engine, In: in, Out: out, Say: say, Format: o.output.shown(), Timeout: o.bound.statement,
		History: shell.HistoryFile(), Describe: describe, Use: l.hook(o),
	})
	if o.asOf != "" {
		scripts = append([]shell.Script{{Name: "--as-of", Text: ".asof " + o.asOf}}, scripts...)
	}
	if len(o.text) == 0 && o.script == "" {
		if o.asOf != "" {
			if err := sh.RunAll(ctx, scripts); err != nil {
				return &statementError{Cause: err}
			}
		}
		return asStatement(sh.Run(ctx))
	}
	return asStatement(sh.RunAll(ctx, scripts))
}

// scripts are the texts of -e and -f.
func (o *sqlOptions) scripts() ([]shell.Script, error) {
	var out []shell.Script
	for _, text := range o.text {
		out = append(out, shell.Script{Text: text})
	}
	if o.script == "" {
		return out, nil
	}
	raw, err := os.ReadFile(o.script)
	if err != nil {
		return nil, err
	}
	return append(out, shell.Script{Name: o.script, Text: string(raw)}), nil
}

// asStatement marks what a statement, not the command line, did wrong.
func asStatement(err error) error {
	if err == nil {
		return nil
	}
	return &statementError{Cause: err}
}

// open is what the statements run on at first.
func (l *looks) open(ctx context.Context, o *sqlOptions) (shell.Engine, error) {
	switch {
	case o.file != "":
		return rawEngine{&fileInspector{path: o.file, rows: o.limit}}, nil
	case o.store != "":
		return l.store(o.store)
	}
	return l.use(ctx, shell.Target{Shard: o.shard, Node: max(o.node, o.replica)})
}

// hook is what .use calls; files have no other place to look at.
func (l *looks) hook(o *sqlOptions) func(context.Context, shell.Target) (shell.Engine, error) {
	if o.file != "" || o.store != "" {
		return nil
	}
	return l.use
}

func firstHost(conn *connection) string {
	if len(conn.hosts) == 0 {
		return ""
	}
	return fmt.Sprint(conn.hosts[0])
}
