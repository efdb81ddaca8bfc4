package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build is what this binary is made of.
type build struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Commit   string `json:"commit,omitempty"`
	Date     string `json:"date,omitempty"`     // of the commit
	Modified bool   `json:"modified,omitempty"` // beside it
}

// thisBuild asks the binary itself. What was built outside of a repository knows no commit.
func thisBuild() build {
	b := build{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Date = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func newVersionCommand() *cobra.Command {
	var o outputOptions
	c := &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			b, out := thisBuild(), c.OutOrStdout()
			switch o.format {
			case "json", "jsonl":
				return json.NewEncoder(out).Encode(b)
			case "csv":
				return o.printRows(out, []string{"version", "go", "platform", "commit", "date"},
					[][]string{{b.Version, b.Go, b.Platform, b.Commit, b.Date}})
			}
			text := fmt.Sprintf("shale %s %s %s", b.Version, b.Go, b.Platform)
			if b.Commit != "" {
				text += fmt.Sprintf(" (%.12s, %s)", b.Commit, b.Date)
			}
			_, err := fmt.Fprintln(out, text)
			return err
		},
	}
	o.register(c)
	return c
}
