package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	shalev1 "github.com/shaledb/shale/proto/shale/v1"
)

func newTxnCommand() *cobra.Command {
	return group("txn", "Look at the transactions that hold locks", newTxnLsCommand(), newTxnShowCommand())
}

// txnLsOptions are the flags of shale txn ls.
type txnLsOptions struct {
	connect connectOptions
	output  outputOptions
	keys    keyOptions
	watch   watchOptions
	limit   uint32
}

func newTxnLsCommand() *cobra.Command {
	var o txnLsOptions
	c := &cobra.Command{
		Use: "ls", Short: "List the transactions that hold locks now, the oldest first", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return o.watch.run(c.Context(), c.OutOrStdout(), func(ctx context.Context, out io.Writer) error {
				return runTxnLs(ctx, &o, out, c.ErrOrStderr())
			})
		},
	}
	o.connect.register(c)
	o.output.register(c)
	o.keys.register(c)
	o.watch.register(c)
	c.Flags().Uint32Var(&o.limit, "limit", 1000, "at most so many")
	return c
}

func listTransactions(ctx context.Context, conn *connection, limit uint32) (*shalev1.ListTransactionsResponse, error) {
	return anyHost(ctx, conn, func(ctx context.Context, host string) (*shalev1.ListTransactionsResponse, error) {
		return conn.cluster(host).ListTransactions(ctx, &shalev1.ListTransactionsRequest{Limit: limit})
	})
}

func runTxnLs(ctx context.Context, o *txnLsOptions, out, say io.Writer) error {
	ctx, conn, done, err := o.connect.open(ctx, &o.output, &o.keys)
	if err != nil {
		return err
	}
	defer done()
	res, err := listTransactions(ctx, conn, o.limit)
	if err != nil {
		return err
	}
	l := &listing{header: []string{"id", "age", "primary", "keys", "kind", "shards", "expires"}, whole: res}
	for _, t := range res.Transactions {
		l.add(t, decimal(t.Id), age(t.Id, res.Timestamp), o.keys.format(t.Primary), count(held(t)), holds(t), numbers(t.Shards),
			left(t.Expires, res.Timestamp))
	}
	if err := o.output.print(out, l); err != nil {
		return err
	}
	if res.More || res.Truncated {
		fmt.Fprintln(say, "there are more than are listed")
	}
	return partial("locks", res.Unreachable)
}

// held is how many keys a transaction locks.
func held(t *shalev1.Transaction) uint32 { return t.Puts + t.Deletes + t.Checks + t.Claims }

// holds says in words what for.
func holds(t *shalev1.Transaction) string {
	var parts []string
	for _, k := range []struct {
		n    uint32
		name string
	}{{t.Puts, "put"}, {t.Deletes, "delete"}, {t.Checks, "check"}, {t.Claims, "claim"}} {
		if k.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", k.n, k.name))
		}
	}
	if t.Async {
		parts = append(parts, "async")
	}
	return strings.Join(parts, ", ")
}

func numbers(list []uint64) string {
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = decimal(n)
	}
	return strings.Join(texts, ",")
}
