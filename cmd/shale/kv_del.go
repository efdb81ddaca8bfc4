package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/shaledb/shale/txn"
)

// kvDelOptions are the flags of shale kv del.
type kvDelOptions struct {
	connect connectOptions
	output  outputOptions
	keys    keyOptions
}

func newKVDelCommand() *cobra.Command {
	var o kvDelOptions
	c := &cobra.Command{
		Use: "del KEY…", Short: "Delete keys, all at one moment, whether they are there or not", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runKVDel(c.Context(), &o, args, c.OutOrStdout()) },
	}
	o.connect.register(c)
	o.output.register(c)
	o.keys.register(c)
	return c
}

func runKVDel(ctx context.Context, o *kvDelOptions, texts []string, out io.Writer) error {
	keys, err := o.keys.parseAll(texts)
	if err != nil {
		return err
	}
	ctx, db, done, err := o.connect.openDB(ctx, &o.output, &o.keys)
	if err != nil {
		return err
	}
	defer done()
	at, err := write(ctx, db, func(tx *txn.Txn) error {
		for _, k := range keys {
			if err := tx.Delete(k); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return o.output.print(out, commitListing(at))
}
