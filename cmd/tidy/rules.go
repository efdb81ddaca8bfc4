package main

import (
	"cmp"
	"fmt"
	"slices"
)

// Problem is one place where a rule is broken.
type Problem struct {
	Path string
	Line int
	Rule string
	What string
}

func (p Problem) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", p.Path, p.Line, p.Rule, p.What)
}

// Rule is a name and what it checks.
type Rule struct {
	Name  string
	Check func(*Tree) []Problem
}

// rules are all of them, in the order of their files.
func rules() []Rule {
	return []Rule{
		{"clock", checkClock},
		{"comments", checkComments},
		{"globals", checkGlobals},
		{"imports", checkImports},
		{"marks", checkMarks},
		{"names", checkNames},
		{"paths", checkPaths},
		{"pins", checkPins},
		{"scripts", checkScripts},
		{"sizes", checkSizes},
		{"tests", checkTests},
	}
}

// check applies the rules; the problems come sorted by place.
func check(t *Tree, rules []Rule) []Problem {
	var out []Problem
	for _, r := range rules {
		for _, p := range r.Check(t) {
			p.Rule = r.Name
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.What, b.What))
	})
	return out
}
