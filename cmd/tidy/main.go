package main

import (
	"fmt"
	"os"
)

func main() {
	problems, err := tidy(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, "tidy:", err)
		os.Exit(1)
	}
	for _, p := range problems {
		fmt.Println(p)
	}
	if len(problems) > 0 {
		fmt.Fprintf(os.Stderr, "tidy: %d problems\n", len(problems))
		os.Exit(1)
	}
}

// tidy checks the tree around dir, wherever in it dir lies.
func tidy(dir string) ([]Problem, error) {
	root, err := findRoot(dir)
	if err != nil {
		return nil, err
	}
	t, err := readTree(os.DirFS(root))
	if err != nil {
		return nil, err
	}
	return check(t, rules()), nil
}
