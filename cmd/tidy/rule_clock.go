package main

import (
	"go/ast"
	"slices"
	"strconv"
)

// stepped says whether the file holds a state machine or straight-line coordinator code,
// which must run the same in the simulator as for real: no clock, no chance, no
// goroutines of its own.
func stepped(f *File) bool {
	if f.Test || f.Generated {
		return false
	}
	switch f.Dir() {
	case "mvcc", "shard", "shard/directory", "shard/routing":
		return true
	case "timestamp":
		return f.Path == "timestamp/oracle.go" || f.Path == "timestamp/timestamp.go"
	case "txn":
		// These two bring the real clock and the real network in.
		return f.Path != "txn/open.go" && f.Path != "txn/tasks.go"
	}
	return false
}

// checkClock keeps clocks, chance and goroutines out of stepped code.
func checkClock(t *Tree) []Problem {
	var out []Problem
	for _, f := range t.Go {
		if !stepped(f) {
			continue
		}
		for _, imp := range f.AST.Imports {
			if p, _ := strconv.Unquote(imp.Path.Value); p == "crypto/rand" {
				out = append(out, t.at(f, imp, "crypto/rand in stepped code"))
			}
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				out = append(out, t.at(f, n, "a goroutine in stepped code; ask for it (Effects, Tasks.Spawn)"))
			case *ast.SelectorExpr:
				if name, ok := forbiddenInSteps(f.AST, n); ok {
					out = append(out, t.at(f, n, "%s in stepped code; take it as an argument", name))
				}
			}
			return true
		})
	}
	return out
}

// forbiddenInSteps recognises the clock's functions and those of the global generators.
func forbiddenInSteps(file *ast.File, sel *ast.SelectorExpr) (string, bool) {
	switch name := sel.Sel.Name; importedAs(file, sel.X) {
	case "time":
		return "time." + name, slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After",
			"AfterFunc", "NewTimer", "NewTicker", "Tick"}, name)
	case "math/rand", "math/rand/v2":
		// Types and constructors are fine: a generator with a seed is an argument.
		return "the global rand." + name, !slices.Contains([]string{"Rand", "Source", "New", "NewPCG",
			"NewChaCha8", "NewSource", "Source64", "PCG", "ChaCha8"}, name)
	}
	return "", false
}

// importedAs is the import path that the identifier x stands for in this file, or "".
func importedAs(file *ast.File, x ast.Expr) string {
	id, ok := x.(*ast.Ident)
	if !ok || id.Obj != nil { // a local or package-level name
		return ""
	}
	for _, imp := range file.Imports {
		p, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			continue
		}
		if imp.Name != nil && imp.Name.Name == id.Name || imp.Name == nil && packageName(p) == id.Name {
			return p
		}
	}
	return ""
}

// packageName guesses a package's name from its path, past a major version.
func packageName(p string) string {
	name := lastElement(p)
	if len(name) > 1 && name[0] == 'v' && name[1] >= '0' && name[1] <= '9' {
		return lastElement(p[:len(p)-len(name)-1])
	}
	return name
}
