package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/shaledb/shale/bench"
	"github.com/shaledb/shale/bench/history"
)

// benchCheckOptions are the flags of shale bench check.
type benchCheckOptions struct {
	history string
	check   string
}

func newBenchCheckCommand() *cobra.Command {
	var o benchCheckOptions
	c := &cobra.Command{
		Use:   "check --history FILE [--check si|serializable]",
		Short: "Look for anomalies in a history that shale bench has written",
		Long: `Check a history again that shale bench append or registers has written with --history; no
cluster is asked. --check holds it to another isolation than it was written under: a
history that is right under si may well not be serializable.

Anomalies are printed with the transactions that take part in them, and exit 5.`,
		Example: "  shale bench check --history h.jsonl --check serializable",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runBenchCheck(&o, c.OutOrStdout()) },
	}
	c.Flags().StringVar(&o.history, "history", "", "the file")
	c.Flags().StringVar(&o.check, "check", "", "si or serializable (default: as it was written)")
	return c
}

func runBenchCheck(o *benchCheckOptions, out io.Writer) error {
	if o.history == "" {
		return usageError("--history is missing: name a file that shale bench has written")
	}
	level := history.Level("")
	if o.check != "" {
		var err error
		if level, err = history.ParseLevel(o.check); err != nil {
			return err
		}
	}
	findings, err := bench.CheckHistory(o.history, level)
	for _, f := range findings {
		fmt.Fprintln(out, f)
	}
	return broken(err)
}
