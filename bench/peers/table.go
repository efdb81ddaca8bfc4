package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// peer is the store that the others are compared with.
const peer = "etcd"

// tableCommand prints the results of the files as a Markdown table.
func tableCommand(paths []string, out io.Writer) error {
	if len(paths) == 0 {
		return errors.New("usage: peers table RESULTS.jsonl…")
	}
	var results []Result
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		read, err := readResults(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		results = append(results, read...)
	}
	return writeTable(results, out)
}

func readResults(r io.Reader) ([]Result, error) {
	var out []Result
	for d := json.NewDecoder(r); ; {
		var one Result
		if err := d.Decode(&one); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
}

// work is what one line of the table is about.
type work struct {
	workload string
	threads  int
}

// writeTable gives each kind of work a line: every store's median rate, p50 and p99, and,
// beside the peer, the median of the rounds' ratios.
func writeTable(results []Result, out io.Writer) error {
	var works []work
	var stores []string
	for _, r := range results {
		if w := (work{r.Workload, r.Threads}); !slices.Contains(works, w) {
			works = append(works, w)
		}
		if !slices.Contains(stores, r.Store) {
			stores = append(stores, r.Store)
		}
	}
	head := []string{"work", "threads"}
	for _, s := range stores {
		head = append(head, s+" ops/s", "p50 / p99 ms")
		if s != peer {
			head = append(head, "× "+peer)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, w := range works {
		cells := []string{w.workload, fmt.Sprint(w.threads)}
		for _, s := range stores {
			cells = append(cells, storeCells(results, w, s)...)
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// storeCells are one store's cells of one line.
func storeCells(results []Result, w work, store string) []string {
	var rates, p50, p99, ratios []float64
	for _, r := range results {
		if r.Store != store || (work{r.Workload, r.Threads}) != w {
			continue
		}
		rates = append(rates, r.Report.OpsPerSec)
		all := r.Report.Kinds[len(r.Report.Kinds)-1] // "all" comes last
		p50, p99 = append(p50, float64(all.P50)), append(p99, float64(all.P99))
		if base := rateOf(results, w, peer, r.Round); base > 0 {
			ratios = append(ratios, r.Report.OpsPerSec/base)
		}
	}
	cells := []string{figure("%.0f", rates), figure("%.1f", p50) + " / " + figure("%.1f", p99)}
	if store != peer {
		cells = append(cells, figure("%.2f", ratios))
	}
	return cells
}

func rateOf(results []Result, w work, store string, round int) float64 {
	for _, r := range results {
		if r.Store == store && r.Round == round && (work{r.Workload, r.Threads}) == w {
			return r.Report.OpsPerSec
		}
	}
	return 0
}

// figure is the median, or a dash where nothing was measured.
func figure(format string, values []float64) string {
	if len(values) == 0 {
		return "–"
	}
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 0 {
		return fmt.Sprintf(format, (values[middle-1]+values[middle])/2)
	}
	return fmt.Sprintf(format, values[middle])
}
