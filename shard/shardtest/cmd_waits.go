package shardtest

import (
	"fmt"
	"strings"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// cmdWaits: waits lists the waits that leaders have told of since the last time; detect does
// what a coordinator does: tells the detector, prints the cycles and ends their victims.
func (s *script) cmdWaits() string {
	waits := s.c.Waits
	s.c.Waits = nil
	var told []mvcc.WaitEdge
	at := map[mvcc.WaitEdge]routing.ShardID{}
	for _, w := range waits {
		e := mvcc.WaitEdge{Waiter: w.Waiter, Holder: w.Lock.StartTS, Key: w.Lock.Key}
		told = append(told, e)
		at[e] = w.shard
	}
	if s.d.Cmd == "waits" {
		return edges(told)
	}
	res, err := s.c.Ask(s.c.Leader(routing.SystemShard), &routing.WaitArgs{Edges: told})
	if err != nil {
		return refusal(err)
	}
	out := ""
	for _, cycle := range res.(*routing.WaitResult).Cycles {
		out += "cycle: " + edges(cycle) + "\n"
		victim := &routing.VictimArgs{Start: cycle[0].Waiter, Key: cycle[0].Key, Cycle: cycle}
		res, err := s.c.Ask(s.c.Leader(at[cycle[0]]), victim)
		switch {
		case err != nil:
			out += refusal(err) + "\n"
		case !res.(*routing.VictimResult).Ended:
			out += "the victim does not wait any more\n"
		}
	}
	if out == "" {
		return "no cycle"
	}
	return out
}

func edges(es []mvcc.WaitEdge) string {
	var out []string
	for _, e := range es {
		out = append(out, fmt.Sprintf("T%s for T%s, %s", e.Waiter, e.Holder, mvcc.FormatKey(e.Key)))
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, "; ")
}
