package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/txn"
)

// kvGetOptions are the flags of shale kv get.
type kvGetOptions struct {
	connect connectOptions
	output  outputOptions
	keys    keyOptions
	past    pastOptions
	raw     bool
}

func newKVGetCommand() *cobra.Command {
	var o kvGetOptions
	c := &cobra.Command{
		Use: "get KEY…", Short: "Print the values of keys, all of one moment", Args: cobra.MinimumNArgs(1),
		Long: `Print the values of keys, all of one moment. Without -o the values alone are printed, one
a line; with it, rows. Exits 4 where a key is not there.`,
		RunE: func(c *cobra.Command, args []string) error {
			if !c.Flags().Changed("output") {
				o.output.format = valuesOnly
			}
			return runKVGet(c.Context(), &o, args, c.OutOrStdout())
		},
	}
	o.connect.register(c)
	o.output.register(c)
	o.keys.register(c)
	o.past.register(c)
	c.Flags().BoolVar(&o.raw, "raw", false, "print the bytes of one value as they are")
	return c
}

// valuesOnly is kv get's own format, for who names none.
const valuesOnly = "values"

func (o *kvGetOptions) validate() error {
	if o.output.format == valuesOnly {
		return nil
	}
	return o.output.validate()
}

func runKVGet(ctx context.Context, o *kvGetOptions, texts []string, out io.Writer) error {
	if o.raw && len(texts) != 1 {
		return usageError("--raw prints one value, not %d", len(texts))
	}
	keys, err := o.keys.parseAll(texts)
	if err != nil {
		return err
	}
	ctx, db, done, err := o.connect.openDB(ctx, o, &o.keys, &o.past)
	if err != nil {
		return err
	}
	defer done()
	entries, err := readKeys(ctx, db, keys)
	if err != nil {
		return err
	}
	l, found := entryListing(false), &shalev1.GetResponse{}
	var missing []string
	for i, e := range entries {
		if !e.Found {
			missing = append(missing, texts[i])
		}
		m := l.addEntry(e, false, &o.keys)
		found.Entries = append(found.Entries, m)
	}
	l.whole = found
	if err := o.print(out, l, entries); err != nil {
		return err
	}
	if len(missing) > 0 {
		return &missingError{What: "no such key: " + strings.Join(missing, ", ")}
	}
	return nil
}

// readKeys reads the newest of one key, or several keys in one transaction.
func readKeys(ctx context.Context, db *txn.DB, keys []mvcc.Key) ([]txn.Entry, error) {
	if len(keys) == 1 {
		e, err := db.Get(ctx, keys[0])
		return []txn.Entry{e}, err
	}
	var entries []txn.Entry
	err := db.View(ctx, func(tx *txn.Txn) (err error) {
		entries, err = tx.MultiGet(ctx, keys...)
		return err
	})
	return entries, err
}

func (o *kvGetOptions) print(out io.Writer, l *listing, entries []txn.Entry) error {
	if o.raw {
		_, err := out.Write(entries[0].Value)
		return err
	}
	if o.output.format != valuesOnly {
		return o.output.print(out, l)
	}
	for _, e := range entries {
		if !e.Found {
			continue
		}
		if _, err := fmt.Fprintln(out, o.keys.format(e.Value)); err != nil {
			return err
		}
	}
	return nil
}

// pastOptions ask for reads of the past, which this version does not have.
type pastOptions struct{ asOf uint64 }

func (o *pastOptions) register(c *cobra.Command) {
	c.Flags().Uint64Var(&o.asOf, "as-of", 0, "read as of a timestamp (not in this version)")
}

func (o *pastOptions) validate() error {
	if o.asOf != 0 {
		return usageError("--as-of: this version reads the present only")
	}
	return nil
}
