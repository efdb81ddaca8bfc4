package output

import (
	"encoding/csv"
	"strings"
)

// printCSV prints NULL as an empty field.
func printCSV(out *stream, rows Rows, o Options) (int, error) {
	columns := rows.Columns()
	w := csv.NewWriter(out.Writer) // a bufio.Writer: it adds none of its own
	if !o.NoHeader {
		if err := w.Write(columns); err != nil {
			return 0, err
		}
	}
	fields := make([]string, len(columns))
	return each(rows, func(_ int, row []any) error {
		for i, v := range row {
			fields[i] = ""
			if v != nil {
				fields[i] = Text(v, 0)
			}
		}
		if err := w.Write(fields); err != nil {
			return err
		}
		return out.rowDone()
	})
}

// printMarkdown prints a table as GitHub and others render it.
func printMarkdown(out *stream, rows Rows, o Options) (int, error) {
	columns := rows.Columns()
	head := func() error {
		fields, rule := make([]string, len(columns)), make([]string, len(columns))
		for i, c := range columns {
			rule[i] = "---"
			if !o.NoHeader { // there is no table without a head: it stays empty
				fields[i] = heading(c)
			}
		}
		if err := markdownLine(out, fields); err != nil {
			return err
		}
		return markdownLine(out, rule)
	}
	if err := head(); err != nil {
		return 0, err
	}
	fields := make([]string, len(columns))
	return each(rows, func(_ int, row []any) error {
		for i, v := range row {
			fields[i] = Text(v, 0)
		}
		if err := markdownLine(out, fields); err != nil {
			return err
		}
		return out.rowDone()
	})
}

// markdown is constant: what keeps the content of a field from ending it, or from being markup.
var markdown = strings.NewReplacer(`|`, `\|`, `<`, `&lt;`, `&`, `&amp;`, `*`, `\*`, `_`, `\_`, "`", "\\`", `\`, `\\`, `[`, `\[`)

func markdownLine(out *stream, fields []string) error {
	for _, f := range fields {
		if _, err := out.WriteString("| " + markdown.Replace(f) + " "); err != nil {
			return err
		}
	}
	_, err := out.WriteString("|\n")
	return err
}
