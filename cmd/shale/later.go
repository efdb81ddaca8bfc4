package main

import (
	"github.com/spf13/cobra"
)

// The commands of the contract that change a shard's members or join shards. The nodes of
// this release refuse them, in the words that are printed: a later one will not.

func newNodeDecommissionCommand() *cobra.Command {
	return laterCommand("decommission NODE", "Move everything away from a node for good", cobra.ExactArgs(1),
		[]completer{nodeIDs}, "shale node drain NODE moves its leaderships away, which is all that this release can do.")
}

func newShardMergeCommand() *cobra.Command {
	return laterCommand("merge ID", "Join a shard with its right neighbour", cobra.ExactArgs(1),
		[]completer{shardIDs}, "")
}

func newShardMoveCommand() *cobra.Command {
	return laterCommand("move ID FROM TO", "Move a shard's replica from one node to another", cobra.ExactArgs(3),
		[]completer{shardIDs, nodeIDs, nodeIDs}, "shale shard transfer-leader ID NODE moves the leadership alone.")
}

func laterCommand(use, short string, args cobra.PositionalArgs, complete []completer, instead string) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short + " (a later release)", Args: args,
		Long:              short + ".\n\nThis release does not change where replicas are: the command says so and exits 1. " + instead,
		ValidArgsFunction: completeArg(complete...),
		RunE: func(c *cobra.Command, args []string) error {
			for i, text := range args {
				what := "an argument"
				if i == 0 {
					what = "the first argument"
				}
				if _, err := number(what, text); err != nil {
					return err
				}
			}
			return &laterError{Command: c.CommandPath(), Instead: instead}
		},
	}
	// So that scripts which give --host everywhere hear the same.
	new(connectOptions).register(c)
	return c
}

// laterError: the command is there, what it does is not.
type laterError struct{ Command, Instead string }

func (e *laterError) Error() string {
	text := "UNIMPLEMENTED: " + e.Command + " needs changes of membership, which this release does not have"
	if e.Instead != "" {
		text += "; " + e.Instead
	}
	return text
}
