package output

import (
	"fmt"
	"io"
	"testing"
)

// wide yields rows as versions has them.
type wide struct {
	endless
	row []any
}

func (w *wide) Columns() []string { return []string{"shard", "key", "commit_ts", "value"} }
func (w *wide) Row() []any {
	w.row[2] = int64(470696665740476421 + w.at)
	return w.row
}

// BenchmarkPrint measures a row of each format; it must stay far below what reading one costs.
func BenchmarkPrint(b *testing.B) {
	for _, f := range Names() {
		b.Run(f, func(b *testing.B) {
			rows := &wide{endless: endless{n: b.N}, row: []any{int64(2), "city/Zürich", nil, `{"country":"Switzerland","population":1460000}`}}
			if n, err := Print(io.Discard, Format(f), rows, Options{}); err != nil || n != b.N {
				b.Fatal(fmt.Sprint(n, err))
			}
		})
	}
}
