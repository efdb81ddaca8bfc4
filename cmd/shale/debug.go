package main

import "github.com/spf13/cobra"

func newDebugCommand() *cobra.Command {
	return group("debug", "Gather what helps to find a defect", newDebugZipCommand())
}
