package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// modulePath begins the import paths of the tree's own packages.
const modulePath = "github.com/shaledb/shale"

// textSizeMax is where a file stops being text that a person wrote.
const textSizeMax = 1 << 20

// Tree is the whole source, read once.
type Tree struct {
	Fset *token.FileSet
	Go   []*File // sorted by path
	Text []*File // every other text file, sorted by path
}

// File is one of them. AST is nil for other text than Go.
type File struct {
	Path      string // with slashes, from the root
	Source    []byte
	AST       *ast.File
	Test      bool // *_test.go
	Generated bool
}

// Dir is the file's folder, "." for the root.
func (f *File) Dir() string { return path.Dir(f.Path) }

// Lines is how many lines the file has.
func (f *File) Lines() int { return bytes.Count(f.Source, []byte("\n")) }

// Packages groups the Go files that are no tests by folder.
func (t *Tree) Packages() map[string][]*File {
	out := map[string][]*File{}
	for _, f := range t.Go {
		if !f.Test {
			out[f.Dir()] = append(out[f.Dir()], f)
		}
	}
	return out
}

// at is the problem of a rule at a node of a file.
func (t *Tree) at(f *File, n ast.Node, format string, args ...any) Problem {
	return Problem{Path: f.Path, Line: t.Fset.Position(n.Pos()).Line, What: fmt.Sprintf(format, args...)}
}

// readTree reads what belongs to the source: no dot folders but .ci, nothing built.
func readTree(fsys fs.FS) (*Tree, error) {
	t := &Tree{Fset: token.NewFileSet()}
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) { // vanished while we walked
				return nil
			}
			return err
		}
		if d.IsDir() {
			if foreign(p, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		src, err := fs.ReadFile(fsys, p)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return t.add(p, src)
	})
	return t, err
}

// foreign says whether a folder is none of the source's own: a tool's, a built one, or the
// bad examples, which are bad on purpose.
func foreign(p, name string) bool {
	hidden := strings.HasPrefix(name, ".") && p != "." && p != ".ci"
	return hidden || slices.Contains([]string{"bin", "node_modules"}, name) || p == "cmd/tidy/testdata"
}

func (t *Tree) add(p string, src []byte) error {
	f := &File{Path: p, Source: src, Test: strings.HasSuffix(p, "_test.go")}
	inTestdata := strings.Contains("/"+p, "/testdata/")
	if !strings.HasSuffix(p, ".go") || inTestdata {
		if len(src) <= textSizeMax && utf8.Valid(src) {
			t.Text = append(t.Text, f)
		}
		return nil
	}
	parsed, err := parser.ParseFile(t.Fset, p, src, parser.ParseComments)
	if err != nil {
		return err
	}
	f.AST, f.Generated = parsed, ast.IsGenerated(parsed)
	t.Go = append(t.Go, f)
	return nil
}

// findRoot walks up to the folder whose go.mod is the product's.
func findRoot(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(mod, []byte("module "+modulePath+"\n")) {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no go.mod of %s here or above", modulePath)
		}
		dir = parent
	}
}
