package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/txn"
)

// kvScanOptions are the flags of shale kv scan.
type kvScanOptions struct {
	connect  connectOptions
	output   outputOptions
	keys     keyOptions
	past     pastOptions
	limit    int
	reverse  bool
	keysOnly bool
}

func newKVScanCommand() *cobra.Command {
	var o kvScanOptions
	c := &cobra.Command{
		Use: "scan [START [END]]", Short: "List the keys from START to before END, all of one moment", Args: cobra.MaximumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error { return runKVScan(c.Context(), &o, args, c.OutOrStdout()) },
	}
	o.connect.register(c)
	o.output.register(c)
	o.keys.register(c)
	o.past.register(c)
	f := c.Flags()
	f.IntVar(&o.limit, "limit", 0, "at most so many keys (0: all)")
	f.BoolVar(&o.reverse, "reverse", false, "from the last key back")
	f.BoolVar(&o.keysOnly, "keys-only", false, "without the values")
	return c
}

func (o *kvScanOptions) validate() error {
	if o.limit < 0 {
		return usageError("--limit is zero or more, not %d", o.limit)
	}
	return nil
}

func runKVScan(ctx context.Context, o *kvScanOptions, texts []string, out io.Writer) error {
	var span mvcc.Span
	for i, bound := range []*mvcc.Key{&span.Start, &span.End} {
		if i < len(texts) {
			k, err := o.keys.parse(texts[i])
			if err != nil {
				return err
			}
			*bound = k
		}
	}
	ctx, db, done, err := o.connect.openDB(ctx, o, &o.output, &o.keys, &o.past)
	if err != nil {
		return err
	}
	defer done()
	l, err := o.scan(ctx, db, span)
	if err != nil {
		return err
	}
	return o.output.print(out, l)
}

// scan lists a span's entries.
func (o *kvScanOptions) scan(ctx context.Context, db *txn.DB, span mvcc.Span) (*listing, error) {
	var options []txn.ScanOption
	if o.limit > 0 {
		options = append(options, txn.Limit(o.limit))
	}
	if o.reverse {
		options = append(options, txn.Reverse())
	}
	if o.keysOnly {
		options = append(options, txn.KeysOnly())
	}
	l, found := entryListing(o.keysOnly), &shalev1.ScanResponse{}
	err := db.View(ctx, func(tx *txn.Txn) error {
		for e, err := range tx.Scan(ctx, span.Start, span.End, options...) {
			if err != nil {
				return err
			}
			found.Entries = append(found.Entries, l.addEntry(e, o.keysOnly, &o.keys))
		}
		return nil
	})
	l.whole = found
	return l, err
}
