package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write the manual pages into a directory", Args: cobra.ExactArgs(1),
		Long: `Write a manual page for each command into DIR, which is made where it is missing. To read one:
man -l DIR/shale-shard-split.1`,
		RunE: func(c *cobra.Command, args []string) error { return writeManual(c.Root(), args[0]) },
	}
}

// writeManual writes the same pages wherever it is run: dates are the commit's, and defaults
// are not those of somebody's environment.
func writeManual(root *cobra.Command, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root.InitDefaultCompletionCmd()
	impersonal(root)
	header := &doc.GenManHeader{Section: "1", Source: "shale " + version, Manual: "shale"}
	if date, err := time.Parse(time.RFC3339, thisBuild().Date); err == nil {
		header.Date = &date
	}
	if err := doc.GenManTree(root, header, dir); err != nil {
		return fmt.Errorf("write the manual into %s: %w", dir, err)
	}
	return nil
}

func impersonal(c *cobra.Command) {
	c.DisableAutoGenTag = true
	for flag, value := range map[string]string{"host": "[" + defaultHost + "]", "certs-dir": ""} {
		if f := c.Flags().Lookup(flag); f != nil {
			f.DefValue = value
		}
	}
	for _, sub := range c.Commands() {
		impersonal(sub)
	}
}
