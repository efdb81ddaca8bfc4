package main

import "go/ast"

// checkTests refuses tests that wait for luck, and tests that are left out without a word.
func checkTests(t *Tree) []Problem {
	var out []Problem
	for _, f := range t.Go {
		if !f.Test {
			continue
		}
		bubbles := importsPath(f.AST, "testing/synctest")
		ast.Inspect(f.AST, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			switch {
			// Inside a synctest bubble sleep is exact: it moves the fake clock.
			case sel.Sel.Name == "Sleep" && importedAs(f.AST, sel.X) == "time" && !bubbles:
				out = append(out, t.at(f, call, "time.Sleep in a test; wait for what you mean, or use testing/synctest"))
			case sel.Sel.Name == "SkipNow" || sel.Sel.Name == "Skip" && len(call.Args) == 0 && isTestValue(sel.X):
				out = append(out, t.at(f, call, "a test left out without a reason"))
			}
			return true
		})
	}
	return out
}

// isTestValue guesses from the usual names: t, b, f.
func isTestValue(x ast.Expr) bool {
	id, ok := x.(*ast.Ident)
	return ok && (id.Name == "t" || id.Name == "b" || id.Name == "f")
}

func importsPath(file *ast.File, path string) bool {
	for _, imp := range file.Imports {
		if imp.Path.Value == `"`+path+`"` {
			return true
		}
	}
	return false
}
