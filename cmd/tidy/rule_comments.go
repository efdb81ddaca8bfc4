package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Bounds of a package comment: one that is longer hides its package.
const (
	docLinesMax   = 150
	docColumnsMax = 100
)

// checkComments wants one package comment for every package, directly above the clause of
// its doc.go (a command may have it in main.go), and none elsewhere.
func checkComments(t *Tree) []Problem {
	var out []Problem
	for dir, files := range t.Packages() {
		if !slices.ContainsFunc(files, func(f *File) bool { return !f.Generated }) {
			continue
		}
		commented := false
		for _, f := range files {
			if f.Generated || f.AST.Doc == nil {
				continue
			}
			if !homeOfComment(f) {
				out = append(out, t.at(f, f.AST.Doc, "the package comment belongs in doc.go"))
				continue
			}
			commented = true
			out = append(out, checkComment(t, f)...)
		}
		if !commented {
			out = append(out, Problem{Path: dir, Line: 1,
				What: "no package comment directly above the clause of doc.go"})
		}
	}
	return out
}

// homeOfComment says whether the file is where its package's comment belongs.
func homeOfComment(f *File) bool {
	return strings.HasSuffix("/"+f.Path, "/doc.go") ||
		f.AST.Name.Name == "main" && strings.HasSuffix("/"+f.Path, "/main.go")
}

func checkComment(t *Tree, f *File) []Problem {
	var out []Problem
	want := "Package " + f.AST.Name.Name + " "
	if f.AST.Name.Name == "main" {
		want = "Command " + lastElement(f.Dir()) + " "
	}
	if !strings.HasPrefix(f.AST.Doc.Text(), want) {
		out = append(out, t.at(f, f.AST.Doc, "the package comment begins with %q", want))
	}
	if n := t.Fset.Position(f.AST.Package).Line; n > docLinesMax+1 {
		out = append(out, t.at(f, f.AST.Doc, "a package comment of %d lines; at most %d", n-1, docLinesMax))
	}
	for i, line := range bytes.Split(f.Source, []byte("\n")) {
		if n := len([]rune(string(line))); n > docColumnsMax {
			out = append(out, Problem{Path: f.Path, Line: i + 1,
				What: fmt.Sprintf("%d columns; at most %d", n, docColumnsMax)})
		}
	}
	return out
}

func lastElement(p string) string { return p[strings.LastIndexByte(p, '/')+1:] }
