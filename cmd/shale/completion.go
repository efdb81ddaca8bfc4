package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
)

// The names of running things are completed, too: the shell asks the cluster that the command
// line so far names, for a moment.
const completionTimeout = 800 * time.Millisecond

// completer lists what may stand somewhere.
type completer func(ctx context.Context, conn *connection) ([]cobra.Completion, error)

// complete asks the cluster. Where it does not answer nothing is offered, and no file names.
func (f completer) complete(c *cobra.Command) ([]cobra.Completion, cobra.ShellCompDirective) {
	o := connectOptions{timeout: completionTimeout}
	o.hosts, _ = c.Flags().GetStringSlice("host") // commands without it have nothing to complete
	parent := c.Context()
	if parent == nil {
		parent = context.Background()
	}
	ctx, conn, done, err := o.open(parent)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer done()
	list, err := f(ctx, conn)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}

// completeWith completes a flag's value.
func completeWith(c *cobra.Command, flag string, f completer) {
	// It fails only where the flag does not exist, which its caller has just made.
	_ = c.RegisterFlagCompletionFunc(flag, func(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return f.complete(c)
	})
}

// completeArg completes arguments, each by its own completer.
func completeArg(each ...completer) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) >= len(each) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return each[len(args)].complete(c)
	}
}

func nodeIDs(ctx context.Context, conn *connection) ([]cobra.Completion, error) {
	nodes, err := listNodes(ctx, conn)
	var out []cobra.Completion
	for _, n := range nodes {
		out = append(out, cobra.CompletionWithDesc(decimal(n.Id), n.Address))
	}
	return out, err
}

func shardIDs(ctx context.Context, conn *connection) ([]cobra.Completion, error) {
	shards, err := listShards(ctx, conn, 0)
	var out []cobra.Completion
	var keys keyOptions
	for _, s := range shards {
		out = append(out, cobra.CompletionWithDesc(decimal(s.Id), "from "+keys.format(s.StartKey)))
	}
	return out, err
}

func transactionIDs(ctx context.Context, conn *connection) ([]cobra.Completion, error) {
	res, err := listTransactions(ctx, conn, 50)
	var out []cobra.Completion
	for _, t := range res.GetTransactions() {
		out = append(out, cobra.CompletionWithDesc(decimal(t.Id), "began "+age(t.Id, res.Timestamp)+" ago"))
	}
	return out, err
}
