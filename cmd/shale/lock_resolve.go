package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	shalev1 "github.com/shaledb/shale/proto/shale/v1"
)

// lockResolveOptions are the flags of shale lock resolve.
type lockResolveOptions struct {
	connect connectOptions
	output  outputOptions
	keys    keyOptions
	txn     uint64
	force   bool
}

func newLockResolveCommand() *cobra.Command {
	var o lockResolveOptions
	c := &cobra.Command{
		Use: "resolve {KEY | --txn ID}", Short: "Have a lock's transaction decided, and the lock removed or turned",
		Args: cobra.MaximumNArgs(1),
		Long: `Have the transaction decided that locks KEY, and its lock there removed or turned into what it
wrote; or all locks of a transaction. Its primary decides: what is committed stays committed.

A transaction whose time is not over may be alive: it is left alone, and the command exits 6. With
--force it is aborted now, unless it may be committed already: an asynchronous commit is looked at
key by key, and committed where all of its locks stand.`,
		RunE: func(c *cobra.Command, args []string) error {
			return runLockResolve(c.Context(), &o, args, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	o.connect.register(c)
	o.output.register(c)
	o.keys.register(c)
	c.Flags().Uint64Var(&o.txn, "txn", 0, "all locks of this transaction")
	c.Flags().BoolVar(&o.force, "force", false, "also where the transaction is alive")
	completeWith(c, "txn", transactionIDs)
	return c
}

func runLockResolve(ctx context.Context, o *lockResolveOptions, args []string, out, say io.Writer) error {
	if (len(args) == 1) == (o.txn != 0) {
		return usageError("give either a KEY or --txn ID")
	}
	req := &shalev1.ResolveLockRequest{TxnId: o.txn, Force: o.force}
	if len(args) == 1 {
		keys, err := o.keys.parseAll(args)
		if err != nil {
			return err
		}
		req.Key = []byte(keys[0])
	}
	ctx, conn, done, err := o.connect.open(ctx, &o.output, &o.keys)
	if err != nil {
		return err
	}
	defer done()
	res, err := anyHostSoon(ctx, conn, func(ctx context.Context, host string) (*shalev1.ResolveLockResponse, error) {
		return conn.cluster(host).ResolveLock(ctx, req)
	})
	if err != nil {
		return err
	}
	l := &listing{header: []string{"key", "txn", "decided", "commit timestamp", "lock"}, whole: res, items: []proto.Message{res}}
	ts := ""
	if res.CommitTimestamp != 0 {
		ts = decimal(res.CommitTimestamp)
	}
	for _, k := range res.Keys {
		l.rows = append(l.rows, []string{o.keys.format(k), decimal(res.TxnId), res.State, ts, "gone"})
	}
	for _, k := range res.Left {
		l.rows = append(l.rows, []string{o.keys.format(k), decimal(res.TxnId), res.State, ts, "stands"})
	}
	if err := o.output.print(out, l); err != nil {
		return err
	}
	if len(res.Left) > 0 {
		fmt.Fprintln(say, "what stands is turned by whoever meets it next, or by running this again")
	}
	return nil
}
