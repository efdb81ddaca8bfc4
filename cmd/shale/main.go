package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/shaledb/shale/cmd/shale/shell"
)

// version is constant: the linker sets it (make build).
var version = "unversioned"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks for an orderly end; after it the second one kills.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program: it executes one command line and returns its exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	root, begun := newRootCommand()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	c, err := root.ExecuteContextC(ctx)
	if err != nil && !*begun {
		err = &usage{What: err.Error()}
	}
	code := exitCode(err)
	var drain *drainError
	if err != nil && ctx.Err() != nil && !errors.As(err, &drain) {
		code = exitInterrupted // whatever the interrupted call made of it
	}
	if line := describe(err); line != "" && code != exitInterrupted {
		fmt.Fprintf(errOut, "shale: %s\n", line)
		for picture := range strings.Lines(shell.Caret(err)) {
			fmt.Fprintf(errOut, "  %s\n", strings.TrimRight(picture, "\n"))
		}
	}
	if code == exitUsage {
		fmt.Fprintf(errOut, "see %s --help\n", c.CommandPath())
	}
	return code
}

// newRootCommand builds the command tree. *begun becomes true when a command's own code
// runs: what fails before is a mistake in the command line.
func newRootCommand() (root *cobra.Command, begun *bool) {
	begun = new(bool)
	root = group("shale", "A replicated, sharded, transactional key-value store over SQLite files",
		newDemoCommand(), newStartCommand(), newInitCommand(), newKVCommand(), newSQLCommand(),
		newNodeCommand(), newShardCommand(), newTxnCommand(), newLockCommand(), newStatusCommand(), newTopCommand(),
		newDebugCommand(), newBenchCommand(), newManCommand(), newVersionCommand())
	root.SilenceErrors, root.SilenceUsage = true, true
	root.PersistentPreRun = func(*cobra.Command, []string) { *begun = true }
	return root, begun
}

// group is a command that only has others below it.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{
		Use: use, Short: short,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("there is no command %q", c.CommandPath()+" "+args[0])
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	g.AddCommand(commands...)
	return g
}
