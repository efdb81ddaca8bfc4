package output

import (
	"fmt"
	"slices"
	"strings"
)

// Format is how a result is printed.
type Format string

// The formats that -o and .mode take.
const (
	Table    Format = "table"
	JSON     Format = "json"
	JSONL    Format = "jsonl"
	CSV      Format = "csv"
	Markdown Format = "markdown"
)

// Names lists the formats.
func Names() []string {
	return []string{string(Table), string(JSON), string(JSONL), string(CSV), string(Markdown)}
}

// FormatError: there is no such format.
type FormatError struct{ Name string }

func (e *FormatError) Error() string {
	names := Names()
	last := len(names) - 1
	return fmt.Sprintf("a format is one of %s and %s, not %q", strings.Join(names[:last], ", "), names[last], e.Name)
}

// Parse reads a format's name. The empty one is a table.
func Parse(name string) (Format, error) {
	switch {
	case name == "":
		return Table, nil
	case slices.Contains(Names(), name):
		return Format(name), nil
	}
	return "", &FormatError{Name: name}
}
