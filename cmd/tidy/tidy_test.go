package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

// TestTidy holds the whole tree to the rules.
func TestTidy(t *testing.T) {
	problems, err := tidy(".")
	require.NoError(t, err)
	for _, p := range problems {
		t.Error(p)
	}
}

// TestRules gives each rule its bad example, which it must find word for word: what stands
// in the archive's file "want", and nothing else.
func TestRules(t *testing.T) {
	for _, rule := range rules() {
		t.Run(rule.Name, func(t *testing.T) {
			tree, want := readExample(t, rule.Name)
			var got strings.Builder
			for _, p := range check(tree, []Rule{rule}) {
				got.WriteString(p.String() + "\n")
			}
			require.NotEmpty(t, want, "a rule that finds nothing proves nothing")
			require.Equal(t, want, got.String())
		})
	}
}

// TestEveryExampleHasARule keeps an example from outliving its rule.
func TestEveryExampleHasARule(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.Len(t, archives, len(rules()))
}

func readExample(t *testing.T, rule string) (*Tree, string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", rule+".txtar"))
	require.NoError(t, err)
	text = bytes.ReplaceAll(text, []byte("¦"), []byte("/")) // see paths.txtar
	// The archive package ends files with a newline and reads "-- name --" lines.
	files, err := txtar.FS(txtar.Parse(text))
	require.NoError(t, err)
	tree, err := readTree(files)
	require.NoError(t, err)
	i := indexOf(tree.Text, "want")
	require.GreaterOrEqual(t, i, 0, "the example says what is wanted in a file named want")
	want := string(tree.Text[i].Source)
	tree.Text = slices.Delete(tree.Text, i, i+1)
	return tree, want
}
