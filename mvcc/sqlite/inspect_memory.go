package sqlite

import (
	"bytes"
	"os"
	"strconv"
)

// resident is what the process has in memory, in bytes: of Go's, and of SQLite's, which Go
// does not count. SQLite's own limit of its heap is no help: it holds for all stores of the
// process, whose writes would fail at it. Zero: this system does not say; then the limits of
// SQLite's lengths alone bound a statement.
func resident() int64 {
	raw, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	words := bytes.Fields(raw)
	if len(words) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(words[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
