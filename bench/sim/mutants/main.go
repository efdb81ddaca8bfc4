package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var s search
	list := flag.Bool("list", false, "list the mutants and what they break")
	build := flag.String("build", "", "build the program with this mutant instead of running the simulator")
	out := flag.String("o", "", "where -build puts the program; bin/shale-NAME where empty")
	words := flag.String("run", "", "only mutants whose names contain one of these words, with commas between them")
	flag.IntVar(&s.ranges, "ranges", 3, "how many ranges of seeds each is looked for in")
	flag.IntVar(&s.most, "most", 300, "the seeds in each")
	flag.IntVar(&s.workers, "workers", 2, "the simulators at once")
	flag.Parse()
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	s.root = root
	chosen := find(*words)
	switch {
	case *list:
		for _, m := range chosen {
			fmt.Printf("%-32s %-10s %s\n%43s %s\n", m.name, m.rows, m.breaks, "", m.file)
		}
		return nil
	case *build != "":
		return s.build(ctx, *build, *out)
	case len(chosen) == 0:
		return errors.New("no mutant has such a name; -list lists them")
	}
	return s.run(ctx, chosen)
}

// moduleRoot is the folder of go.mod.
func moduleRoot(ctx context.Context) (string, error) {
	raw, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env: %w", err)
	}
	path := strings.TrimSpace(string(raw))
	if filepath.Base(path) != "go.mod" {
		return "", errors.New("run it within the module")
	}
	return filepath.Dir(path), nil
}

// build makes the program with a bug in it.
func (s *search) build(ctx context.Context, name, out string) error {
	for _, m := range mutants() {
		if m.name != name {
			continue
		}
		dir, err := os.MkdirTemp("", "mutant-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		path, err := m.overlay(s.root, dir)
		if err != nil {
			return err
		}
		if out == "" {
			out = filepath.Join("bin", "shale-"+name)
		}
		cmd := exec.CommandContext(ctx, "go", "build", "-overlay", path, "-ldflags", "-X main.version=mutant-"+name, "-o", out, "./cmd/shale")
		cmd.Dir, cmd.Stdout, cmd.Stderr = s.root, os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			return err
		}
		fmt.Printf("%s has a bug: %s (%s)\n", out, m.breaks, m.rows)
		return nil
	}
	return fmt.Errorf("no mutant is named %s; -list lists them", name)
}
