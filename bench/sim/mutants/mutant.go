package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mutant is a bug as an edit of one file.
type mutant struct {
	name   string
	file   string // from the module's root
	old    string // stands there once
	new    string
	breaks string
	rows   string // of pitfalls and schedules
}

// mutants are all.
func mutants() []mutant {
	return slices.Concat(readMutants(), browseMutants(), ruleMutants(), recordMutants(), protocolMutants(), coordinatorMutants(),
		replicaMutants(), storeMutants(), logMutants())
}

// find picks those whose names contain one of the words; all, where there is none.
func find(words string) []mutant {
	all := mutants()
	if words == "" {
		return all
	}
	return slices.DeleteFunc(all, func(m mutant) bool {
		return !slices.ContainsFunc(strings.Split(words, ","), func(w string) bool { return strings.Contains(m.name, w) })
	})
}

// edits are files as some mutants leave them.
type edits map[string]string

// add plants a bug, beside others where they do not touch each other.
func (e edits) add(root string, m mutant) error {
	text, ok := e[m.file]
	if !ok {
		raw, err := os.ReadFile(filepath.Join(root, m.file))
		if err != nil {
			return fmt.Errorf("mutant %s: %w", m.name, err)
		}
		text = string(raw)
	}
	if n := strings.Count(text, m.old); n != 1 {
		return fmt.Errorf("mutant %s: what it edits stands %d times in %s, and not once:\n%s", m.name, n, m.file, m.old)
	}
	e[m.file] = strings.Replace(text, m.old, m.new, 1)
	return nil
}

// overlay writes the edited files into a folder, and beside them the file that tells the go
// command of them.
func (e edits) overlay(root, dir string) (string, error) {
	replace := map[string]string{}
	for file, text := range e {
		edited := filepath.Join(dir, strings.ReplaceAll(file, "/", "-"))
		if err := os.WriteFile(edited, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(root, file)] = edited
	}
	raw, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, raw, 0o600)
}

// overlay is that of one mutant.
func (m mutant) overlay(root, dir string) (string, error) {
	e := edits{}
	if err := e.add(root, m); err != nil {
		return "", err
	}
	return e.overlay(root, dir)
}
