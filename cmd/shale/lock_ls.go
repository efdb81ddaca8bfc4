package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	shalev1 "github.com/shaledb/shale/proto/shale/v1"
)

// lockLsOptions are the flags of shale lock ls.
type lockLsOptions struct {
	connect connectOptions
	output  outputOptions
	keys    keyOptions
	watch   watchOptions
	shard   uint64
	limit   uint32
}

func newLockLsCommand() *cobra.Command {
	var o lockLsOptions
	c := &cobra.Command{
		Use: "ls [START [END]]", Short: "List the locks that stand, by key", Args: cobra.MaximumNArgs(2),
		Long: `List the locks that stand at this moment on keys from START on, up to END (exclusive).
A lock is another transaction's undecided write, check or claim. Past its expiry whoever meets it
has it decided; shale lock resolve does so at once.`,
		RunE: func(c *cobra.Command, args []string) error {
			return o.watch.run(c.Context(), c.OutOrStdout(), func(ctx context.Context, out io.Writer) error {
				return runLockLs(ctx, &o, o.watch.without(args), out, c.ErrOrStderr())
			})
		},
	}
	o.connect.register(c)
	o.output.register(c)
	o.keys.register(c)
	o.watch.register(c)
	c.Flags().Uint64Var(&o.shard, "shard", 0, "of this shard alone")
	c.Flags().Uint32Var(&o.limit, "limit", 1000, "at most so many; 0: all, in pages")
	completeWith(c, "shard", shardIDs)
	return c
}

func runLockLs(ctx context.Context, o *lockLsOptions, bounds []string, out, say io.Writer) error {
	req := &shalev1.ListLocksRequest{ShardId: o.shard}
	for i, to := range []*[]byte{&req.Start, &req.End} {
		if i < len(bounds) && bounds[i] != "" {
			k, err := o.keys.parse(bounds[i])
			if err != nil {
				return err
			}
			*to = []byte(k)
		}
	}
	ctx, conn, done, err := o.connect.open(ctx, &o.output, &o.keys)
	if err != nil {
		return err
	}
	defer done()
	res, err := listLocks(ctx, conn, req, o.limit)
	if err != nil {
		return err
	}
	l := &listing{header: []string{"key", "txn", "kind", "primary", "shard", "age", "expires"}, whole: res}
	for _, x := range res.Locks {
		l.add(x, o.keys.format(x.Key), decimal(x.TxnId), kindOf(x), o.keys.format(x.Primary), decimal(x.Shard),
			age(x.TxnId, res.Timestamp), left(x.Expires, res.Timestamp))
	}
	if err := o.output.print(out, l); err != nil {
		return err
	}
	if res.More {
		fmt.Fprintf(say, "there are more, from %s on: raise --limit\n", o.keys.format(res.ResumeKey))
	}
	return partial("locks", res.Unreachable)
}
