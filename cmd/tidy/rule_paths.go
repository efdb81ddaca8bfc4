package main

import "regexp"

// machinePath matches the home folders and scratch places of single machines. Built from
// halves, as in rule_marks.go.
var machinePath = regexp.MustCompile(`(?:^|[^A-Za-z0-9_.~})$])` +
	`(/(?:` + "ho" + `me|` + "Us" + `ers|` + "ro" + `ot|` + "wo" + `rk|` + "fa" + `rm)/[A-Za-z0-9_.]+)`)

// checkPaths finds paths that exist on one machine only.
func checkPaths(t *Tree) []Problem {
	return t.grep(machinePath, "a path of one machine: %s")
}
