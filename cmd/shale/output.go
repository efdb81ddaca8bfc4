package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/cmd/shale/output"
)

// outputOptions say how a listing is printed.
type outputOptions struct{ format string }

// formats are what -o takes.
func formats() []string { return output.Names() }

// shown is the format of what is printed row by row.
func (o *outputOptions) shown() output.Format { return output.Format(o.format) }

func (o *outputOptions) register(c *cobra.Command) {
	c.Flags().StringVarP(&o.format, "output", "o", "table", "table, json, jsonl, csv or markdown")
	complete := cobra.FixedCompletions(formats(), cobra.ShellCompDirectiveNoFileComp)
	// It fails only where the flag does not exist, which is two lines up.
	_ = c.RegisterFlagCompletionFunc("output", complete)
}

func (o *outputOptions) validate() error {
	if !slices.Contains(formats(), o.format) {
		return usageError("-o is one of %s, not %q", strings.Join(formats(), ", "), o.format)
	}
	return nil
}

// listing is what a command found: for people as rows, for programs as the message and its
// items.
type listing struct {
	header []string
	rows   [][]string
	whole  proto.Message
	items  []proto.Message
}

// add appends one item and its row.
func (l *listing) add(item proto.Message, row ...string) {
	l.items = append(l.items, item)
	l.rows = append(l.rows, row)
}

func (o *outputOptions) print(w io.Writer, l *listing) error {
	switch o.format {
	case "json":
		return printMessages(w, l.whole)
	case "jsonl":
		return printMessages(w, l.items...)
	}
	return o.printRows(w, l.header, l.rows)
}

func (o *outputOptions) printRows(w io.Writer, header []string, rows [][]string) error {
	if o.format == "csv" {
		out := csv.NewWriter(w)
		if err := out.Write(header); err != nil {
			return err
		}
		return out.WriteAll(rows)
	}
	t := table.NewWriter()
	if o.format == string(output.Markdown) {
		t.AppendHeader(cells(header))
		for _, r := range rows {
			t.AppendRow(cells(r))
		}
		_, err := io.WriteString(w, t.RenderMarkdown()+"\n")
		return err
	}
	style := table.StyleDefault
	style.Options = table.Options{SeparateColumns: true}
	style.Box = table.BoxStyle{PaddingRight: "  "}
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	t.AppendHeader(cells(header))
	for _, r := range rows {
		t.AppendRow(cells(r))
	}
	for line := range strings.Lines(t.Render() + "\n") {
		if _, err := io.WriteString(w, strings.TrimRight(line, " \n")+"\n"); err != nil {
			return err
		}
	}
	return nil
}

func cells(row []string) table.Row {
	out := make(table.Row, len(row))
	for i, c := range row {
		out[i] = c
	}
	return out
}

// printMessages prints one message a line.
func printMessages(w io.Writer, messages ...proto.Message) error {
	for _, m := range messages {
		raw, err := protojson.Marshal(m)
		if err != nil {
			return err
		}
		// protojson's spaces differ from build to build, on purpose; a script's must not.
		var line bytes.Buffer
		if err := json.Compact(&line, raw); err != nil {
			return err
		}
		line.WriteByte('\n')
		if _, err := w.Write(line.Bytes()); err != nil {
			return err
		}
	}
	return nil
}
