package history

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// perName bounds how many anomalies of one name are kept; the rest is counted.
const perName = 4

// Findings are the anomalies that a checker has found. The zero value has none.
type Findings struct {
	Anomalies []Anomaly
	counts    map[string]int
}

// Add takes one in. Its text is made only where it is kept, so args that are costly to print
// should be Stringers.
func (f *Findings) Add(name, format string, args ...any) {
	if f.counts == nil {
		f.counts = map[string]int{}
	}
	if f.counts[name]++; f.counts[name] <= perName {
		f.Anomalies = append(f.Anomalies, Anomaly{Name: name, Text: fmt.Sprintf(format, args...)})
	}
}

// OK says that nothing was found.
func (f *Findings) OK() bool { return len(f.counts) == 0 }

// Counts is how many there are of each name.
func (f *Findings) Counts() string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(f.counts)) {
		out = append(out, fmt.Sprintf("%s × %d", name, f.counts[name]))
	}
	return strings.Join(out, ", ")
}

// Join adds the other's findings.
func (f *Findings) Join(other *Findings) {
	if f.counts == nil {
		f.counts = map[string]int{}
	}
	f.Anomalies = append(f.Anomalies, other.Anomalies...)
	for name, n := range other.counts {
		f.counts[name] += n
	}
}
