package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// leftover matches the marks of unfinished work. It is put together from halves, so that
// this file does not match itself.
var leftover = regexp.MustCompile(`\b(` + "TO" + `DO|` + "FIX" + `ME|` + "XX" + `X)\b`)

// checkMarks finds what was left for later: finish it, or say it where people read.
func checkMarks(t *Tree) []Problem {
	return t.grep(leftover, "a mark of unfinished work: %s")
}

// grep reports every match of the expression's first group, in Go files and in all other text.
func (t *Tree) grep(expr *regexp.Regexp, format string) []Problem {
	var out []Problem
	for _, files := range [][]*File{t.Go, t.Text} {
		for _, f := range files {
			if strings.HasSuffix(f.Path, "go.sum") {
				continue // hashes say anything
			}
			for i, line := range bytes.Split(f.Source, []byte("\n")) {
				if m := expr.FindSubmatch(line); m != nil {
					out = append(out, Problem{Path: f.Path, Line: i + 1, What: fmt.Sprintf(format, m[1])})
				}
			}
		}
	}
	return out
}
