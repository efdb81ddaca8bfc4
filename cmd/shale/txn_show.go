package main

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	shalev1 "github.com/shaledb/shale/proto/shale/v1"
)

// txnShowOptions are the flags of shale txn show.
type txnShowOptions struct {
	connect connectOptions
	output  outputOptions
	keys    keyOptions
}

func newTxnShowCommand() *cobra.Command {
	var o txnShowOptions
	c := &cobra.Command{
		Use: "show ID", Short: "Show what there is of one transaction: locks, outcome, who waits for it", Args: cobra.ExactArgs(1),
		Long: `Show what there is of one transaction: its locks, what its primary says, what is recorded, and
who waits for it. Of a transaction that was committed in one shard only its versions are left; they
are looked for, for a few seconds.`,
		ValidArgsFunction: completeArg(transactionIDs),
		RunE: func(c *cobra.Command, args []string) error {
			return runTxnShow(c.Context(), &o, args[0], c.OutOrStdout())
		},
	}
	o.connect.register(c)
	o.output.register(c)
	o.keys.register(c)
	return c
}

func runTxnShow(ctx context.Context, o *txnShowOptions, text string, out io.Writer) error {
	id, err := number("a transaction's ID", text)
	if err != nil {
		return err
	}
	ctx, conn, done, err := o.connect.open(ctx, &o.output, &o.keys)
	if err != nil {
		return err
	}
	defer done()
	res, err := anyHost(ctx, conn, func(ctx context.Context, host string) (*shalev1.ShowTransactionResponse, error) {
		return conn.cluster(host).ShowTransaction(ctx, &shalev1.ShowTransactionRequest{Id: id})
	})
	if err != nil {
		return err
	}
	missing := partial("keys", res.Unreachable)
	if res.State == "none" && len(res.Locks)+len(res.Records) == 0 {
		if missing != nil {
			return missing
		}
		return &missingError{What: "nothing is known of transaction " + text + ": no lock, no record, no version"}
	}
	if err := o.output.print(out, transactionListing(res, id, &o.keys)); err != nil {
		return err
	}
	return missing
}

// transactionListing has a line for each fact.
func transactionListing(res *shalev1.ShowTransactionResponse, id uint64, keys *keyOptions) *listing {
	l := &listing{header: []string{"what", "is"}, whole: res, items: []proto.Message{res}}
	fact := func(what, is string) { l.rows = append(l.rows, []string{what, is}) }
	fact("transaction", decimal(id))
	fact("began", moment(id)+", "+age(id, res.Timestamp)+" ago")
	fact("state", res.State)
	if res.CommitTimestamp != 0 {
		fact("committed at", decimal(res.CommitTimestamp)+", "+moment(res.CommitTimestamp))
	}
	if t := res.Transaction; t != nil {
		if len(t.Primary) > 0 {
			fact("primary", keys.format(t.Primary))
		}
		if len(res.Locks) > 0 {
			fact("holds", holds(t))
			fact("shards", numbers(t.Shards))
			fact("expires", left(t.Expires, res.Timestamp))
		}
	}
	for _, x := range res.Locks {
		fact("lock", keys.format(x.Key)+", "+kindOf(x)+", shard "+decimal(x.Shard))
	}
	for _, r := range res.Records {
		fact(r.State, keys.format(r.Key)+", shard "+decimal(r.Shard))
	}
	for _, w := range res.Waits {
		what, who := "waited for by", "a read"
		if w.Waiter == id {
			what, who = "waits for", "transaction "+decimal(w.Holder)
		} else if w.Waiter != 0 {
			who = "transaction " + decimal(w.Waiter)
		}
		fact(what, who+", "+w.Request+" of "+keys.format(w.Key)+", since "+short(time.Duration(w.ForMs)*time.Millisecond))
	}
	if res.Truncated {
		fact("note", "there is more than is shown")
	}
	return l
}
