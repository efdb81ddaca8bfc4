package main

import (
	"time"

	"github.com/spf13/cobra"
)

// boundOptions bound the statements of a shell.
type boundOptions struct{ statement time.Duration }

func (o *boundOptions) register(c *cobra.Command) {
	c.Flags().DurationVar(&o.statement, "statement-timeout", 0, "end a statement after this time (0: when it is done, or interrupted)")
}

func (o *boundOptions) validate() error {
	if o.statement < 0 {
		return usageError("--statement-timeout is a duration, or 0, not %s", o.statement)
	}
	return nil
}
