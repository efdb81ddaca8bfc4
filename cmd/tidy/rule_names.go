package main

import (
	"fmt"
	"slices"
	"strings"
)

// emptyWords name folders that hold what nobody found a noun for.
func emptyWords() []string {
	return []string{"util", "utils", "common", "helper", "helpers", "misc", "types", "shared", "lib", "internal"}
}

// checkNames refuses folders without a noun, and second versions beside the first.
func checkNames(t *Tree) []Problem {
	var out []Problem
	seen := map[string]bool{}
	for _, f := range t.Go {
		if seen[f.Dir()] {
			continue
		}
		seen[f.Dir()] = true
		for _, word := range strings.Split(f.Dir(), "/") {
			if slices.Contains(emptyWords(), word) {
				out = append(out, Problem{Path: f.Path, Line: 1,
					What: fmt.Sprintf("a folder named %s says nothing; name it after its noun", word)})
			}
			if strings.HasSuffix(word, "_v2") {
				out = append(out, Problem{Path: f.Path, Line: 1,
					What: fmt.Sprintf("a second version beside the first: %s", word)})
			}
		}
	}
	return out
}
