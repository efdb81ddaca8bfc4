package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/shaledb/shale/cmd/shale/shell"
	"github.com/shaledb/shale/txn"
)

// demoOptions are the flags of shale demo.
type demoOptions struct {
	nodes    int
	shards   int
	dir      string
	port     int
	text     []string
	noShell  bool
	output   outputOptions
	logLevel string
	given    func(flag string) bool
}

const demoPort = 7400

func newDemoCommand() *cobra.Command {
	var o demoOptions
	c := &cobra.Command{
		Use:   "demo",
		Short: "Run a whole cluster in this process, with data, and open a shell on it",
		Long: `Run a replicated cluster in one process, on real ports and real files: cities and bank
accounts are loaded, and money moves between accounts in different shards while you look.

Without --dir its files are in a temporary directory, which is removed at the end; with
--dir the data is there next time. With -e the statements run and the demo ends. With
--no-shell alone it runs until it is interrupted.`,
		Example: `  shale demo
  shale demo --no-shell -e 'SELECT count(*) FROM versions'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o.given = c.Flags().Changed
			return runDemo(c.Context(), &o, c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.IntVar(&o.nodes, "nodes", 3, "how many nodes: 1 or 3")
	f.IntVar(&o.shards, "shards", 4, "how many shards the data is split into at first")
	f.StringVar(&o.dir, "dir", "", "keep the data in this directory")
	f.IntVar(&o.port, "port", demoPort, "the first node's port, the others' follow; 0 takes free ones")
	f.StringArrayVarP(&o.text, "execute", "e", nil, "statements to run, in order (may be repeated)")
	f.BoolVar(&o.noShell, "no-shell", false, "open no shell")
	f.StringVar(&o.logLevel, "log-level", "error", "of the nodes: debug, info, warn or error")
	o.output.register(c)
	return c
}

func (o *demoOptions) validate() (*slog.LevelVar, error) {
	level := new(slog.LevelVar)
	switch {
	case o.nodes != 1 && o.nodes != 3:
		return nil, usageError("--nodes is 1 or 3, not %d", o.nodes)
	case o.shards < 1 || o.shards > len(demoSplits())+1:
		return nil, usageError("--shards is between 1 and %d, not %d", len(demoSplits())+1, o.shards)
	case o.port < 0 || o.port > 65535-o.nodes:
		return nil, usageError("--port is a port's number, or 0, not %d", o.port)
	}
	var parsed slog.Level
	if err := parsed.UnmarshalText([]byte(o.logLevel)); err != nil {
		return nil, usageError("--log-level is debug, info, warn or error, not %q", o.logLevel)
	}
	level.Set(parsed)
	return level, o.output.validate()
}

// demoTimeout bounds each stage of the demo's beginning.
const demoTimeout = 60 * time.Second

func runDemo(ctx context.Context, o *demoOptions, in io.Reader, out, say io.Writer) error {
	level, err := o.validate()
	if err != nil {
		return err
	}
	// The nodes' logs would run over the prompt: while it is open they say errors alone.
	log := slog.New(slog.NewTextHandler(say, &slog.HandlerOptions{Level: level}))
	d, err := startDemo(ctx, o, log, say)
	if err == nil {
		err = d.show(ctx, o, in, out, say)
	}
	if d != nil {
		if e := d.stop(); err == nil {
			err = e
		}
	}
	if ctx.Err() != nil || isInterrupt(err) {
		return nil // it was asked to end, and has ended in order
	}
	return err
}

// demo is a running demo.
type demo struct {
	cluster *demoCluster
	conn    *connection
	db      *txn.DB
	bank    *demoBank
	loaded  bool // just now, not in an earlier run
}

// startDemo starts the nodes and fills them. What has been started is returned with an
// error, too, to be stopped.
func startDemo(ctx context.Context, o *demoOptions, log *slog.Logger, say io.Writer) (*demo, error) {
	fmt.Fprintf(say, "starting %d nodes …\n", o.nodes)
	cluster, err := openDemoCluster(o, log)
	if err != nil {
		return nil, err
	}
	d := &demo{cluster: cluster, conn: newConnection(cluster.addresses())}
	ctx, cancel := context.WithTimeout(ctx, demoTimeout)
	defer cancel()
	if err := cluster.found(ctx); err != nil {
		return d, err
	}
	if err := settled(ctx, d.conn); err != nil {
		return d, fmt.Errorf("the demo's cluster does not serve: %w", err)
	}
	if d.db, err = txn.Open(ctx, cluster.addresses()); err != nil {
		return d, err
	}
	if d.loaded, err = d.prepare(ctx, o.shards); err != nil {
		return d, fmt.Errorf("load the demo's data: %w", err)
	}
	d.bank = startDemoBank(d.db)
	return d, nil
}

// show runs what there is to see.
func (d *demo) show(ctx context.Context, o *demoOptions, in io.Reader, out, say io.Writer) error {
	l := &looks{conn: d.conn, rows: printedMax, write: true, patience: demoTimeout}
	defer l.close()
	engine, err := l.use(ctx, shell.Target{})
	if err != nil {
		return err
	}
	sh := shell.New(shell.Config{
		Engine: engine, In: in, Out: out, Say: say, Format: o.output.shown(), Timeout: demoTimeout,
		History: shell.HistoryFile(), Describe: describe, Use: l.use,
		Extra: []shell.Command{{Name: ".bank", Doc: "the accounts' total, of one moment", Run: d.bank.command}},
	})
	if len(o.text) > 0 {
		var scripts []shell.Script
		for _, text := range o.text {
			scripts = append(scripts, shell.Script{Text: text})
		}
		return asStatement(sh.RunAll(ctx, scripts))
	}
	d.introduce(say)
	if o.noShell {
		return d.wait(ctx)
	}
	fmt.Fprint(say, "\nThe shell: SQL ends with a semicolon; .help lists the rest, .exit ends the demo.\n\n")
	return asStatement(sh.Run(ctx))
}

// wait is until it is interrupted, or a node fails.
func (d *demo) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-d.cluster.failed:
		return err
	}
}

// stop ends everything, the nodes last.
func (d *demo) stop() error {
	if d.bank != nil {
		d.bank.stop()
	}
	if d.db != nil {
		// The nodes go next: nothing depends on how this ends.
		_ = d.db.Close()
	}
	d.conn.http.CloseIdleConnections()
	return d.cluster.stop()
}

// introduce says where everything is and what to try.
func (d *demo) introduce(say io.Writer) {
	a := d.cluster.addresses()
	last := a[len(a)-1]
	if d.loaded {
		fmt.Fprintf(say, "loaded %d cities and %d bank accounts; money moves between them all the time\n",
			len(demoCities()), demoAccounts)
	} else {
		fmt.Fprintf(say, "the data of the last time is there; money moves between the accounts all the time\n")
	}
	fmt.Fprint(say, "\nNodes:\n")
	for i, n := range d.cluster.nodes {
		fmt.Fprintf(say, "  %s  %s\n", n.Address(), d.cluster.nodeDir(i))
	}
	fmt.Fprintf(say, `
From another terminal:
  curl -H 'Content-Type: application/json' -d '{}' http://%[1]s/shale.v1.TxnService/Begin
  curl -H 'Content-Type: application/json' -d '{"keys":["Y2l0eS9Ub2t5bw=="]}' \
    http://%[2]s/shale.v1.TxnService/Get                     # the key is city/Tokyo in base64
  shale shard ls --host %[1]s
  shale bench bank --host %[1]s --duration 10s
  sqlite3 -readonly %[3]s/shards/2/shard.db 'SELECT * FROM readable LIMIT 5'

Here:
  SELECT shard, count(*) FROM versions GROUP BY shard;
  SELECT key_text, value_text ->> 'population' AS population FROM latest
    WHERE key_text LIKE 'city/%%' ORDER BY 2 DESC LIMIT 5;
  SELECT sum(value_text) FROM latest WHERE key_text LIKE 'account/%%';
  SELECT * FROM blame('account/00', 'account/01') LIMIT 5;    -- who wrote what is there now
  SELECT * FROM diff(ts('-10 seconds'), ts_now()) LIMIT 5;    -- what has changed
  GET city/Zürich
  PUT city/Basel {"country":"Switzerland","population":177000}
  .versions city/Basel
  .shards
`, a[0], last, d.cluster.nodeDir(0))
}
