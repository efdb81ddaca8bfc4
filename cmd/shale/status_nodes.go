package main

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"sync"
	"time"

	shalev1 "github.com/shaledb/shale/proto/shale/v1"
)

// What only each node itself knows is asked of each: the room on its disk, and its clock.
const (
	metricDiskFree = "shale_disk_free_bytes"
	diskLow        = 256 << 20
	clockFar       = 5 * time.Second
	nodeTimeout    = 2 * time.Second
)

// nodeWord is what a node said of itself.
type nodeWord struct {
	node  *shalev1.Node
	free  float64       // bytes; NaN: not known
	clock time.Duration // ahead of this machine's clock, to about a second
	err   error
}

// askEach adds to a status what the nodes say of themselves.
func askEach(ctx context.Context, conn *connection, st *shalev1.StatusResponse) {
	words := make([]nodeWord, 0, len(st.Nodes))
	for _, n := range st.Nodes {
		if n.Alive {
			words = append(words, nodeWord{node: n, free: math.NaN()})
		}
	}
	var asking sync.WaitGroup
	for i := range words {
		asking.Go(func() { words[i].ask(ctx, conn) })
	}
	asking.Wait()
	for _, p := range judge(words) {
		addProblem(st, p)
	}
}

func (w *nodeWord) ask(ctx context.Context, conn *connection) {
	ctx, cancel := context.WithTimeout(ctx, nodeTimeout)
	defer cancel()
	begun := time.Now()
	raw, header, err := fetchPage(ctx, conn, w.node.Address, "/metrics", metricsMax)
	if w.err = err; err != nil {
		return
	}
	m := parseMetrics(raw)
	if free, ok := m[metricDiskFree]; ok {
		w.free = free
	}
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		// It was said about in the middle, and in whole seconds.
		w.clock = date.Add(time.Second / 2).Sub(begun.Add(time.Since(begun) / 2))
	}
}

// judge says what is wrong with what the nodes said. Clocks are compared with their median:
// this machine's own may be the wrong one.
func judge(words []nodeWord) []*shalev1.Problem {
	var out []*shalev1.Problem
	var clocks []time.Duration
	for _, w := range words {
		if w.err == nil {
			clocks = append(clocks, w.clock)
		}
	}
	slices.Sort(clocks)
	for _, w := range words {
		switch {
		case w.err != nil:
			out = append(out, &shalev1.Problem{Node: w.node.Id, Note: true,
				What: fmt.Sprintf("node %d does not show its metrics: %s", w.node.Id, plain(w.err)), Advice: "ask again"})
			continue
		case w.free < diskLow:
			out = append(out, &shalev1.Problem{Node: w.node.Id,
				What:   fmt.Sprintf("the disk of node %d is nearly full: %.0f MiB are left", w.node.Id, w.free/(1<<20)),
				Advice: "make room on it, or give it a larger one: without room the node stops"})
		}
		if far := w.clock - clocks[len(clocks)/2]; far.Abs() > clockFar {
			out = append(out, &shalev1.Problem{Node: w.node.Id,
				What:   fmt.Sprintf("the clock of node %d is %s from the others'", w.node.Id, far.Round(time.Second)),
				Advice: "set it by NTP: were its node to lead the oracle, timestamps would follow it"})
		}
	}
	return out
}

// addProblem keeps the order of a status: problems first, then notes.
func addProblem(st *shalev1.StatusResponse, p *shalev1.Problem) {
	if p.Note {
		st.Advice = append(st.Advice, p)
		return
	}
	st.Advice = slices.Insert(st.Advice, min(len(st.Problems), len(st.Advice)), p)
	st.Problems, st.Healthy = append(st.Problems, p.What), false
}
