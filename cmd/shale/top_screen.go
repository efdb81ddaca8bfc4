package main

import (
	"fmt"
	"strings"
	"time"
)

// text draws a sample. Height zero: everything, else as much as fits: the nodes always, the
// busiest of the rest.
func (s *topSample) text(width, height int) string {
	var b strings.Builder
	s.head(&b, width)
	s.nodeTable(&b, min(max(width-62, 12), 30))
	rest := topRows{shards: len(s.Shards), keys: len(s.HotKeys), waits: len(s.Waits)}
	if height > 0 {
		left := height - strings.Count(b.String(), "\n")
		for _, rows := range []int{rest.shards, rest.keys, rest.waits} {
			if rows > 0 {
				left -= 2 // an empty line and a header
			}
		}
		rest = rest.within(left)
	}
	wide := max(width-52, 12)
	if rest.shards > 0 {
		fmt.Fprintf(&b, "\n%5s  %6s  %10s  %10s  %8s  %8s\n", "SHARD", "LEADER", "READS/S", "WRITES/S", "LOCKS", "WAITING")
		for _, t := range s.Shards[:rest.shards] {
			leader := decimal(t.Leader)
			if t.Leader == 0 {
				leader = "none"
			}
			fmt.Fprintf(&b, "%5d  %6s  %10s  %10s  %8d  %8d\n", t.ID, leader, rate(t.Reads), rate(t.Writes), t.Locks, t.Waiting)
		}
	}
	if rest.keys > 0 {
		fmt.Fprintf(&b, "\n%-*s  %5s  %10s  %10s  %8s\n", wide, "HOT KEY", "SHARD", "READS", "WRITES", "±")
		for _, k := range s.HotKeys[:rest.keys] {
			fmt.Fprintf(&b, "%-*s  %5d  %10s  %10s  %8s\n", wide, shortKey(k.Key, wide), k.Shard, rate(k.Reads), rate(k.Writes), rate(k.Error))
		}
	}
	if rest.waits > 0 {
		fmt.Fprintf(&b, "\n%-19s  %-19s  %-9s  %8s  %s\n", "WAITS", "FOR", "REQUEST", "SINCE", "KEY")
		for _, w := range s.Waits[:rest.waits] {
			waiter := "a read"
			if w.Waiter != 0 {
				waiter = decimal(w.Waiter)
			}
			fmt.Fprintf(&b, "%-19s  %-19d  %-9s  %8s  %s\n", waiter, w.Holder, w.Request,
				short(time.Duration(w.ForMs)*time.Millisecond), shortKey(w.Key, max(width-63, 8)))
		}
	}
	for _, m := range s.Missing {
		fmt.Fprintf(&b, "\nmissing: %s", m)
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func (s *topSample) head(b *strings.Builder, width int) {
	health := "healthy"
	if !s.Cluster.Healthy {
		health = "UNHEALTHY: " + strings.Join(s.Problems, "; ")
	}
	line := fmt.Sprintf("cluster %.8s  %s  %s", s.Cluster.ID, s.Time.Format("15:04:05"), health)
	fmt.Fprintf(b, "%s\n", cut(line, max(width, 40)))
	fmt.Fprintf(b, "tx/s %s  reads/s %s  writes/s %s  locks %d  waits %d  nodes %d/%d  shards %d\n\n",
		rate(s.Cluster.Commits), rate(s.Cluster.Reads), rate(s.Cluster.Writes), s.Cluster.LockKeys, s.Cluster.Waiting,
		s.Cluster.Alive, s.Cluster.Nodes, s.Cluster.Shards)
}

func (s *topSample) nodeTable(b *strings.Builder, wide int) {
	fmt.Fprintf(b, "%4s %-*s %-8s %4s %4s %5s %7s %11s %11s\n", "NODE", wide, "ADDRESS", "STATE", "LEAD", "REPL", "CPU%", "REQ/S",
		"GET 50/99ms", "WRITE 50/99")
	for _, n := range s.Nodes {
		state := n.State
		if state == "down" {
			state = "DOWN"
		}
		cpu, requests, get, write := "-", "-", "-", "-"
		if n.known {
			cpu, requests = fmt.Sprintf("%.0f", n.CPU), rate(n.Requests)
			get, write = pair(n.GetP50, n.GetP99), pair(n.WriteP50, n.WriteP99)
		}
		fmt.Fprintf(b, "%4d %-*s %-8s %4d %4d %5s %7s %11s %11s\n", n.ID, wide, cut(n.Address, wide), state, n.Leaders, n.Replicas,
			cpu, requests, get, write)
	}
}

// pair is two latencies in milliseconds.
func pair(low, high float64) string {
	if low == 0 && high == 0 {
		return "-"
	}
	return latency(low) + "/" + latency(high)
}

func latency(ms float64) string {
	switch {
	case ms < 10:
		return fmt.Sprintf("%.1f", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0f", ms)
	}
	return fmt.Sprintf("%.1fs", ms/1000)
}

// rate is a number with about three digits.
func rate(n float64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.1fM", n/1e6)
	case n >= 1e4:
		return fmt.Sprintf("%.1fk", n/1e3)
	case n >= 10 || n == 0:
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprintf("%.1f", n)
}

// topRows is how many rows each table gets.
type topRows struct{ shards, keys, waits int }

// within deals out the rows that there are, in turn, to the tables that have more.
func (r topRows) within(height int) topRows {
	var got topRows
	for left := height; left > 0; {
		before := left
		for _, t := range []struct{ has, want *int }{
			{&got.shards, &r.shards}, {&got.keys, &r.keys}, {&got.waits, &r.waits}} {
			if *t.has < *t.want && left > 0 {
				*t.has++
				left--
			}
		}
		if left == before {
			break
		}
	}
	return got
}
