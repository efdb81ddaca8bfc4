package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMutantsApply: what each edits stands once in its file, the names are different, and the
// edited files compile. Edits that do not touch each other are compiled together.
func TestMutantsApply(t *testing.T) {
	root, err := moduleRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var rounds []edits
	names := map[string]bool{}
	for _, m := range mutants() {
		if err := (edits{}).add(root, m); err != nil {
			t.Error(err)
			continue
		}
		if names[m.name] || m.breaks == "" || m.rows == "" {
			t.Errorf("mutant %s has no name of its own, or does not say what it breaks", m.name)
		}
		names[m.name] = true
		if !slices.ContainsFunc(rounds, func(e edits) bool { return e.add(root, m) == nil }) {
			e := edits{}
			_ = e.add(root, m) // it was, above
			rounds = append(rounds, e)
		}
	}
	if t.Failed() {
		return
	}
	for i, e := range rounds {
		compile(t, root, i, e)
	}
}

func compile(t *testing.T, root string, round int, e edits) {
	path, err := e.overlay(root, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"build", "-overlay", path}
	for file := range e {
		if p := "./" + filepath.Dir(file); !slices.Contains(args, p) {
			args = append(args, p)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("round %d does not compile: %v\n%s", round, err, out)
	}
}

// TestSearchFinds: three bugs of different layers, as the search finds them, and no bug.
func TestSearchFinds(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the simulator four times")
	}
	root, err := moduleRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := search{root: root, ranges: 1, most: 40}
	for _, m := range find("read-ignores-locks,validation-skipped,log-cut-at-any-flush") {
		f := s.try(t.Context(), m)
		if f.err != nil {
			t.Fatal(f.err)
		}
		t.Log(f.line(m))
		if f.median() == 0 {
			t.Errorf("%d seeds did not find that %s", s.most, m.breaks)
		}
	}
	text, err := os.ReadFile(filepath.Join(root, "shard/eval_get.go"))
	if err != nil {
		t.Fatal(err)
	}
	none := mutant{name: "none", file: "shard/eval_get.go", old: string(text), new: string(text)}
	s.most = 3
	if f := s.try(t.Context(), none); f.err != nil || f.median() != 0 {
		t.Errorf("without a bug something is found: %v %v", f.err, f.what)
	}
}

// TestTable: a line of the table has the seeds of all ranges, and what was not found shows.
func TestTable(t *testing.T) {
	f := finding{took: []int{3, 0, 12}, what: "a lock stands"}
	if line := f.line(mutant{name: "m", rows: "S1"}); !strings.Contains(line, "3 - 12") || f.median() != 12 {
		t.Errorf("%q, median %d", line, f.median())
	}
	if f = (finding{took: []int{3, 0, 0}}); f.median() != 0 {
		t.Error("two of three ranges did not find it")
	}
	if found := said.FindSubmatch([]byte("x_test.go:9: seed 17, after 1m2.5s: client2 reads: nothing")); found == nil ||
		!bytes.Equal(found[1], []byte("17")) || !bytes.Equal(found[2], []byte("client2 reads: nothing")) {
		t.Errorf("%q", found)
	}
}
