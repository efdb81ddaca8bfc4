package main

import (
	"fmt"
	"go/ast"
)

// The bounds of what fits in a head.
const (
	fileLinesMax     = 500
	functionLinesMax = 70
)

// checkSizes bounds files and functions.
func checkSizes(t *Tree) []Problem {
	var out []Problem
	for _, f := range t.Go {
		if f.Generated {
			continue
		}
		if n := f.Lines(); n > fileLinesMax {
			out = append(out, Problem{Path: f.Path, Line: fileLinesMax + 1,
				What: fmt.Sprintf("%d lines; at most %d: which noun is hiding in it?", n, fileLinesMax)})
		}
		for _, d := range f.AST.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			n := t.Fset.Position(fn.End()).Line - t.Fset.Position(fn.Pos()).Line + 1
			if n > functionLinesMax {
				out = append(out, t.at(f, fn, "%s has %d lines; at most %d", fn.Name.Name, n, functionLinesMax))
			}
		}
	}
	return out
}
