package main

import (
	"bytes"
	"fmt"
	"strings"
)

// scriptColumnsMax is what fits beside a diff.
const scriptColumnsMax = 100

// checkScripts keeps test scripts readable. What a fuzzer found (testdata/fuzz) was written
// by no person.
func checkScripts(t *Tree) []Problem {
	var out []Problem
	for _, f := range t.Text {
		p := "/" + f.Path
		if !strings.Contains(p, "/testdata/") || strings.Contains(p, "/testdata/fuzz/") || strings.Contains(p, "/testdata/rapid/") {
			continue
		}
		for i, line := range bytes.Split(f.Source, []byte("\n")) {
			if n := len([]rune(string(line))); n > scriptColumnsMax {
				out = append(out, Problem{Path: f.Path, Line: i + 1,
					What: fmt.Sprintf("a script line of %d columns; at most %d", n, scriptColumnsMax)})
			}
		}
	}
	return out
}
