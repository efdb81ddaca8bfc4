package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/sqlite"
)

// shownMax is how much of a value a table shows; csv and JSON have all of it.
const shownMax = 120

// printResult prints what a statement found. JSON is one object a row.
func (o *outputOptions) printResult(w io.Writer, res *sqlite.Result) error {
	switch o.format {
	case "json", "jsonl":
		return printObjects(w, res, o.format == "jsonl")
	}
	rows := make([][]string, len(res.Rows))
	for i, row := range res.Rows {
		rows[i] = make([]string, len(row))
		for j, v := range row {
			rows[i][j] = o.cell(v)
		}
	}
	return o.printRows(w, res.Columns, rows)
}

func (o *outputOptions) cell(v any) string {
	limit := shownMax
	if o.format == "csv" {
		limit = 0
	}
	switch x := v.(type) {
	case nil:
		if o.format == "csv" {
			return ""
		}
		return "NULL"
	case int64:
		return strconv.FormatInt(x, 10)
	case float64:
		return strconv.FormatFloat(x, 'g', -1, 64)
	case string:
		return mvcc.FormatValue([]byte(x), limit)
	case []byte:
		return mvcc.FormatValue(x, limit)
	}
	return fmt.Sprint(v)
}

// printObjects keeps the columns in their order, which a map would not.
func printObjects(w io.Writer, res *sqlite.Result, lines bool) error {
	var out bytes.Buffer
	if !lines {
		out.WriteByte('[')
	}
	for i, row := range res.Rows {
		if !lines && i > 0 {
			out.WriteByte(',')
		}
		out.WriteByte('{')
		for j, v := range row {
			if j > 0 {
				out.WriteByte(',')
			}
			name, err := json.Marshal(res.Columns[j])
			if err != nil {
				return err
			}
			value, err := json.Marshal(v) // bytes become base64
			if err != nil {
				return err
			}
			out.Write(name)
			out.WriteByte(':')
			out.Write(value)
		}
		out.WriteByte('}')
		if lines {
			out.WriteByte('\n')
		}
	}
	if !lines {
		out.WriteString("]\n")
	}
	_, err := w.Write(out.Bytes())
	return err
}
