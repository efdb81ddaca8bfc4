package virtual

import (
	"context"
	"syscall"
	"testing"
	"time"
)

// cpu is the processor time that this process has had.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkRows is the price of a row of five columns on its way through the adapter.
func BenchmarkRows(b *testing.B) {
	row := []any{"account/000123", int64(470660677632000000), int64(470660677631000000), "put", []byte("one hundred and twenty-three bytes or so of some value")}
	count := 0
	s, err := Open(Config{Tables: []*Table{{Name: "v", Ordered: []string{"key"},
		Columns: []Column{{Name: "key", Type: "TEXT"}, {Name: "commit_ts", Type: "INTEGER"}, {Name: "start_ts", Type: "INTEGER"}, {Name: "op", Type: "TEXT"}, {Name: "value"}},
		Scan: func(context.Context, *Query) seq {
			return func(yield func([]any, error) bool) {
				for range count {
					if !yield(row, nil) {
						return
					}
				}
			}
		}}}})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for name, statement := range map[string]string{
		"all columns to the caller": "SELECT * FROM v",
		"five columns in SQLite":    "SELECT max(key), max(commit_ts), max(start_ts), max(op), max(value) FROM v",
		"one column":                "SELECT count(commit_ts) FROM v",
		"filtered":                  "SELECT count(*) FROM v WHERE commit_ts > 0 AND key > 'a'",
	} {
		b.Run(name, func(b *testing.B) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			b.ReportAllocs()
			count = b.N
			before := cpu()
			rows, err := s.Query(ctx, statement)
			if err != nil {
				b.Fatal(err)
			}
			for rows.Next() {
			}
			if rows.Err() != nil {
				b.Fatal(rows.Err())
			}
			// By the processor's time, so that a busy machine says the same.
			b.ReportMetric(float64(b.N)/(cpu()-before).Seconds(), "rows/cpu-s")
		})
	}
}
