// Command tidy checks the rules of the house that a machine can check.
//
// The tree is read once into a Tree: every Go file with its syntax, every other text file
// with its bytes. A rule is a function from the tree to problems; each lives in a file of
// its own, named rule_*.go, and is listed in rules.go.
//
//	     files ──▶ Tree ──▶ rule, rule, rule … ──▶ problems: path:line: rule: what
//	                          ▲
//	testdata/RULE.txtar ──────┘  one small bad tree for each, with the problems wanted
//
// A worked example: a package folder named "util" gives
//
//	util/sort.go:1: names: a folder named util says nothing; name it after its noun
//
// It runs as a test (TestTidy) and as a command, which prints the problems and exits 1.
//
// # What holds
//
//   - There is no list of exceptions. Generated code, known by the header that Go defines
//     for it, is exempt from sizes, comments and variables, and from nothing else.
//   - Every rule has a bad example that it must find, word for word.
//
// # What it does not do
//
// It does not resolve types: what it cannot see in one file's syntax it does not check.
// Formatting, vet and staticcheck are tools of their own (make lint).
package main
