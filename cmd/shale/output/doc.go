// Package output prints results, in the one way that all commands share.
//
//	Rows ─▶ Print ─┬─ table      aligned; a bounded number of rows, then how many more
//	               ├─ json       one array       ┐
//	               ├─ jsonl      a line a row    │ written while the rows come,
//	               ├─ csv        RFC 4180        │ whatever their number
//	               └─ markdown   a table of |    ┘
//
// A Format is one of these, Rows is what is printed, Options say for whom.
//
// A worked example:
//
//	f, err := output.Parse("jsonl")
//	n, err := output.Print(os.Stdout, f, rows, output.Options{Say: os.Stderr})
//
//	{"shard":2,"key":"Y2l0eS9Ub2t5bw==","value":null}
//
// # What holds
//
//   - Text and bytes are printed through mvcc/format.go: text as it is, other bytes and
//     control characters with Go escapes. So a row is one line, and no value drives a terminal.
//   - JSON has integers as numbers, bytes in base64, NULL as null, and infinities as 9e999, as
//     SQLite writes them. A name that occurs twice in a row gets a number: a, a:1.
//   - A table shows 120 bytes of a value, then … and how long it is; the others show all of it.
//   - Where the rows end with an error, a table prints nothing, and a JSON array is not closed:
//     part of an answer does not look like the whole.
//   - Colour is the caller's choice; Colored answers whether a writer should have it: a terminal
//     where NO_COLOR is not set.
//
// # What it does not do
//
// It knows no protobuf message: listings of those have JSON of their own.
package output
