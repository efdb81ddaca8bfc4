package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// search looks for mutants with the simulator.
type search struct {
	root    string
	ranges  int
	most    int
	workers int
}

// finding is what came of one mutant.
type finding struct {
	took []int  // seeds, in each range; zero: not found
	what string // how the first was seen
	err  error  // the mutant could not be tried
}

// run tries all, a few at a time, and prints them in their order.
func (s *search) run(ctx context.Context, ms []mutant) error {
	began := time.Now()
	fmt.Printf("%-32s %-12s %-16s %-7s %s\n", "mutant", "closes", "seeds", "median", "seen as")
	results := make([]chan finding, len(ms))
	for i := range results {
		results[i] = make(chan finding, 1)
	}
	next := make(chan int)
	var all sync.WaitGroup
	for range max(s.workers, 1) {
		all.Go(func() {
			for i := range next {
				results[i] <- s.try(ctx, ms[i])
			}
		})
	}
	all.Go(func() {
		defer close(next)
		for i := range ms {
			next <- i
		}
	})
	var failed error
	var lost []string
	var medians []int
	for i, m := range ms {
		f := <-results[i]
		fmt.Println(f.line(m))
		failed = errors.Join(failed, f.err)
		if n := f.median(); n > 0 {
			medians = append(medians, n)
		} else {
			lost = append(lost, m.name)
		}
	}
	all.Wait()
	slices.Sort(medians)
	if n := len(medians); n > 0 {
		fmt.Printf("%d of %d mutants were found in %s; half of them within %d seeds, all within %d\n", n, len(ms),
			time.Since(began).Round(time.Second), medians[n/2], medians[n-1])
	}
	if len(lost) > 0 {
		failed = errors.Join(failed, fmt.Errorf("not found: %s", strings.Join(lost, ", ")))
	}
	return errors.Join(failed, ctx.Err())
}

// line is the row of the table.
func (f finding) line(m mutant) string {
	words := make([]string, len(f.took))
	for i, n := range f.took {
		words[i] = "-"
		if n > 0 {
			words[i] = strconv.Itoa(n)
		}
	}
	median := "-"
	if n := f.median(); n > 0 {
		median = strconv.Itoa(n)
	}
	return fmt.Sprintf("%-32s %-12s %-16s %-7s %s", m.name, m.rows, strings.Join(words, " "), median, f.what)
}

// median is that of the ranges; zero: more than half of them did not find it.
func (f finding) median() int {
	if len(f.took) == 0 { // it does not compile, for one
		return 0
	}
	took := slices.Clone(f.took)
	for i, n := range took {
		if n == 0 {
			took[i] = 1 << 30
		}
	}
	slices.Sort(took)
	if n := took[len(took)/2]; n < 1<<30 {
		return n
	}
	return 0
}

// rangeStep keeps the ranges apart.
const rangeStep = 100_000

// try builds the simulator with the bug in it and runs it.
func (s *search) try(ctx context.Context, m mutant) (f finding) {
	dir, err := os.MkdirTemp("", "mutant-")
	if err != nil {
		return finding{err: err}
	}
	defer os.RemoveAll(dir)
	path, err := m.overlay(s.root, dir)
	if err != nil {
		return finding{err: err}
	}
	program := filepath.Join(dir, "sim.test")
	cmd := exec.CommandContext(ctx, "go", "test", "-overlay", path, "-c", "-ldflags=-s -w", "-o", program, "./bench/sim")
	cmd.Dir = s.root
	if text, err := cmd.CombinedOutput(); err != nil {
		return finding{err: fmt.Errorf("mutant %s does not compile: %w\n%s", m.name, err, text)}
	}
	for i := range s.ranges {
		first := 1 + i*rangeStep
		n, what, err := s.seeds(ctx, program, first)
		if err != nil {
			return finding{err: fmt.Errorf("mutant %s: %w", m.name, err)}
		}
		f.took = append(f.took, n)
		if f.what == "" {
			f.what = what
		}
	}
	return f
}

// said is how a failed seed begins.
var said = regexp.MustCompile(`seed (\d+), after [^:]*: (.*)`)

// seeds runs a range until a seed fails, and says how many that took.
func (s *search) seeds(ctx context.Context, program string, first int) (took int, what string, err error) {
	cmd := exec.CommandContext(ctx, program, "-test.run", "^TestSeeds$", "-test.timeout", "60m", "-quiet", "-first",
		"-from="+strconv.Itoa(first), "-seeds="+strconv.Itoa(s.most))
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return 0, "", ctx.Err()
	}
	if err == nil {
		return 0, "", nil
	}
	found := said.FindSubmatch(out)
	if found == nil { // the program itself fell over the bug
		line, _, _ := bytes.Cut(bytes.TrimSpace(out), []byte("\n"))
		return 0, "", fmt.Errorf("%w: %s", err, line)
	}
	n, err := strconv.Atoi(string(found[1]))
	if err != nil {
		return 0, "", err
	}
	return n - first + 1, shorten(string(found[2])), nil
}

// shorten cuts what was seen to a line of a table.
func shorten(what string) string {
	const most = 110
	if r := []rune(what); len(r) > most {
		return string(r[:most]) + "…"
	}
	return what
}
