package main

import (
	"go/ast"
	"go/token"
	"strings"
)

// checkGlobals refuses init functions and package variables that could change.
//
// A package variable is allowed where its form says that it never changes: the blank
// identifier, an error sentinel (made by errors.New, or a typed error), a compiled expression, a checksum table, an embedded file;
// or where its comment says so, with the word "constant" (tables that the language cannot
// call const). Test files may define flags besides. Whatever its form, no file of the
// package may assign to it.
func checkGlobals(t *Tree) []Problem {
	var out []Problem
	globals := map[string]map[string]bool{} // folder → names
	for _, f := range t.Go {
		if f.Generated {
			continue
		}
		for _, d := range f.AST.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.Name == "init" {
					out = append(out, t.at(f, d, "an init function; call it by name where the program begins"))
				}
			case *ast.GenDecl:
				if d.Tok == token.VAR {
					out = append(out, t.checkVars(f, d, globals)...)
				}
			}
		}
	}
	for _, f := range t.Go {
		if !f.Generated {
			out = append(out, t.checkAssignments(f, globals[f.Dir()])...)
		}
	}
	return out
}

func (t *Tree) checkVars(f *File, d *ast.GenDecl, globals map[string]map[string]bool) []Problem {
	var out []Problem
	for _, s := range d.Specs {
		spec := s.(*ast.ValueSpec)
		said := saysConstant(d.Doc) || saysConstant(spec.Doc) || saysConstant(spec.Comment)
		for i, name := range spec.Names {
			if name.Name == "_" {
				continue
			}
			if globals[f.Dir()] == nil {
				globals[f.Dir()] = map[string]bool{}
			}
			globals[f.Dir()][name.Name] = true
			if !said && !embedded(d.Doc) && !embedded(spec.Doc) && (i >= len(spec.Values) || !neverChanges(f, spec.Values[i])) {
				out = append(out, t.at(f, name, "package variable %s may change; pass it, or let its comment call it constant", name.Name))
			}
		}
	}
	return out
}

func saysConstant(doc *ast.CommentGroup) bool {
	return doc != nil && strings.Contains(strings.ToLower(doc.Text()), "constant")
}

func embedded(doc *ast.CommentGroup) bool {
	if doc == nil {
		return false
	}
	for _, c := range doc.List {
		if strings.HasPrefix(c.Text, "//go:embed ") {
			return true
		}
	}
	return false
}

// neverChanges recognises values whose kind cannot change once made.
func neverChanges(f *File, v ast.Expr) bool {
	if isErrorValue(v) {
		return true
	}
	call, ok := v.(*ast.CallExpr)
	if !ok {
		return false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	switch importedAs(f.AST, sel.X) + "." + sel.Sel.Name {
	case "errors.New", "fmt.Errorf", "regexp.MustCompile", "hash/crc32.MakeTable":
		return true
	}
	return f.Test && importedAs(f.AST, sel.X) == "flag"
}

// isErrorValue recognises a sentinel that is a typed error: &somewhere.SomeError{…}.
func isErrorValue(v ast.Expr) bool {
	ref, ok := v.(*ast.UnaryExpr)
	if !ok || ref.Op != token.AND {
		return false
	}
	literal, ok := ref.X.(*ast.CompositeLit)
	if !ok {
		return false
	}
	switch typ := literal.Type.(type) {
	case *ast.Ident:
		return strings.HasSuffix(typ.Name, "Error")
	case *ast.SelectorExpr:
		return strings.HasSuffix(typ.Sel.Name, "Error")
	}
	return false
}

// checkAssignments finds assignments to the package's variables, by name where nothing
// local hides it.
func (t *Tree) checkAssignments(f *File, globals map[string]bool) []Problem {
	var out []Problem
	report := func(x ast.Expr) {
		if id := rootIdent(x); id != nil && globals[id.Name] && (id.Obj == nil || f.AST.Scope.Objects[id.Name] == id.Obj) {
			out = append(out, t.at(f, x, "assigns to the package variable %s", id.Name))
		}
	}
	ast.Inspect(f.AST, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, x := range n.Lhs {
					report(x)
				}
			}
		case *ast.IncDecStmt:
			report(n.X)
		}
		return true
	})
	return out
}

// rootIdent is the variable at the bottom of a[i], a.b or *a.
func rootIdent(x ast.Expr) *ast.Ident {
	for {
		switch e := x.(type) {
		case *ast.Ident:
			return e
		case *ast.IndexExpr:
			x = e.X
		case *ast.SelectorExpr:
			x = e.X
		case *ast.StarExpr:
			x = e.X
		case *ast.ParenExpr:
			x = e.X
		default:
			return nil
		}
	}
}
