package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// command is the one switch over the subcommands.
func command(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("usage: peers run|table|splits|ports [flags]")
	}
	switch args[0] {
	case "run":
		return runCommand(ctx, args[1:])
	case "table":
		return tableCommand(args[1:], os.Stdout)
	case "ports":
		return portsCommand(args[1:], os.Stdout)
	case "splits":
		return splitsCommand(args[1:], os.Stdout)
	}
	return fmt.Errorf("no command %q: there are run, table, splits and ports", args[0])
}
