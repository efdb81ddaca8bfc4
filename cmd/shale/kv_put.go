package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/timestamp"
	"github.com/shaledb/shale/txn"
)

// kvPutOptions are the flags of shale kv put.
type kvPutOptions struct {
	connect connectOptions
	output  outputOptions
	keys    keyOptions
}

func newKVPutCommand() *cobra.Command {
	var o kvPutOptions
	c := &cobra.Command{
		Use: "put KEY VALUE", Short: "Write a key", Args: cobra.ExactArgs(2),
		Long: `Write a key. The value is taken as it stands, or from stdin where it is "-".`,
		RunE: func(c *cobra.Command, args []string) error {
			return runKVPut(c.Context(), &o, args[0], args[1], c.InOrStdin(), c.OutOrStdout())
		},
	}
	o.connect.register(c)
	o.output.register(c)
	o.keys.register(c)
	return c
}

func runKVPut(ctx context.Context, o *kvPutOptions, text, valueText string, in io.Reader, out io.Writer) error {
	keys, err := o.keys.parseAll([]string{text})
	if err != nil {
		return err
	}
	value, err := o.value(valueText, in)
	if err != nil {
		return err
	}
	ctx, db, done, err := o.connect.openDB(ctx, &o.output, &o.keys)
	if err != nil {
		return err
	}
	defer done()
	at, err := write(ctx, db, func(tx *txn.Txn) error { return tx.Put(keys[0], value) })
	if err != nil {
		return err
	}
	return o.output.print(out, commitListing(at))
}

func (o *kvPutOptions) value(text string, in io.Reader) ([]byte, error) {
	if text != "-" {
		return o.keys.decode(text)
	}
	value, err := io.ReadAll(io.LimitReader(in, mvcc.MaxValueSize+1))
	if err != nil {
		return nil, fmt.Errorf("read the value from stdin: %w", err)
	}
	return value, nil
}

// write commits what f writes. It begins a transaction, unlike DB.Put: a Commit whose reply
// is lost can be sent again (P1).
func write(ctx context.Context, db *txn.DB, f func(*txn.Txn) error) (timestamp.Timestamp, error) {
	var last *txn.Txn
	err := db.Update(ctx, func(tx *txn.Txn) error {
		last = tx
		return f(tx)
	})
	if err != nil {
		return 0, err
	}
	return last.CommitTS(), nil
}

func commitListing(at timestamp.Timestamp) *listing {
	m := &shalev1.CommitResponse{CommitTimestamp: uint64(at)}
	return &listing{header: []string{"committed", "commit_ts"}, whole: m, items: []proto.Message{m},
		rows: [][]string{{moment(uint64(at)), at.String()}}}
}
