package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// sqlOptions are the flags of shale sql.
type sqlOptions struct {
	connect connectOptions
	output  outputOptions
	file    string
	shard   uint64
	node    uint64
	text    []string
	script  string
	limit   int
	copyMax int
}

// The bounds of what the shell prints and copies, unless the flags say otherwise.
const (
	printedMax = 10_000
	copiedMax  = 200_000
)

func newSQLCommand() *cobra.Command {
	var o sqlOptions
	c := &cobra.Command{
		Use:   "sql [-e STMT]… [-f FILE]",
		Short: "Look into shards with SQL, read-only",
		Long: `Run SQL on what the shards hold: the statements of -e and -f, or of stdin, or of a prompt.
Nothing is ever written.

With --file it runs on one shard's SQLite file, of a running node or a stopped one. With
--shard it runs on the file of one live replica, the leader's or that on --node. Without
either, the rows of versions, locks, marks and txns of all the users' shards are copied into
a temporary file, with the shard's number as first column, and the statement runs there.
Each shard's rows are as of the moment they were read; the table "latest", the newest value
of each key, is one transaction's, all of one moment. The view "readable" has keys, values
and times as text. A replica's file has more: ask "SELECT name, sql FROM sqlite_schema".

JSON is one object a row: integers as numbers, bytes in base64, NULL as null.`,
		Example: `  shale sql -e 'SELECT count(*) FROM versions'
  shale sql --shard 2 -e 'SELECT name, value FROM meta' -o json
  shale sql --file a/shards/2/shard.db -e 'SELECT * FROM readable LIMIT 5'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return runSQL(c.Context(), &o, c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	o.connect.register(c)
	o.output.register(c)
	f := c.Flags()
	f.StringVar(&o.file, "file", "", "a shard's SQLite file")
	f.Uint64Var(&o.shard, "shard", 0, "one shard's number")
	f.Uint64Var(&o.node, "node", 0, "with --shard: the node whose replica it is (default: the leader)")
	f.StringArrayVarP(&o.text, "execute", "e", nil, "statements to run, in order (may be repeated)")
	f.StringVarP(&o.script, "script", "f", "", "a file of statements to run")
	f.IntVar(&o.limit, "limit", printedMax, "print at most so many rows")
	f.IntVar(&o.copyMax, "copy-max", copiedMax, "without --shard: refuse to copy more rows than this")
	return c
}

func (o *sqlOptions) validate() error {
	switch {
	case o.file != "" && (o.shard != 0 || o.node != 0):
		return usageError("--file and --shard exclude each other")
	case o.node != 0 && o.shard == 0:
		return usageError("--node goes with --shard")
	case o.limit <= 0 || o.copyMax <= 0:
		return usageError("--limit and --copy-max are above zero")
	}
	return nil
}

func runSQL(ctx context.Context, o *sqlOptions, in io.Reader, out, say io.Writer) error {
	// A prompt lives as long as it is used: --timeout bounds each statement, not the shell.
	_, conn, done, err := o.connect.open(ctx, o, &o.output)
	if err != nil {
		return err
	}
	defer done()
	sh := &shell{look: o.inspector(conn), timeout: o.connect.timeout, output: o.output, out: out, say: say}
	if o.file == "" {
		sh.conn = conn
	}
	texts := o.text
	if o.script != "" {
		raw, err := os.ReadFile(o.script)
		if err != nil {
			return err
		}
		texts = append(texts, string(raw))
	}
	if len(texts) == 0 {
		return sh.converse(ctx, in)
	}
	return sh.runAll(ctx, texts)
}

// inspector is what the statements run on.
func (o *sqlOptions) inspector(conn *connection) inspector {
	switch {
	case o.file != "":
		return &fileInspector{path: o.file, rows: o.limit}
	case o.shard != 0:
		return &replicaInspector{conn: conn, shard: o.shard, node: o.node, rows: o.limit}
	}
	return &clusterInspector{conn: conn, rows: o.limit, copyMax: o.copyMax, page: pageRows}
}

// errNoStatement: there was nothing to run.
var errNoStatement = errors.New("there is no statement: give one with -e, or a file with -f")
