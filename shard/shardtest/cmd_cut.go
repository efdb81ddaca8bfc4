package shardtest

import (
	"strconv"

	"github.com/shaledb/shale/shard/routing"
)

// cmdCut: cut A B severs two nodes, "cut A" one from all others; heal mends everything.
func (s *script) cmdCut() string {
	if s.d.Cmd == "heal" {
		clear(s.c.cuts)
		return "ok"
	}
	var nodes []routing.NodeID
	for _, w := range s.words() {
		n, err := strconv.Atoi(w)
		if err != nil {
			s.d.Fatalf(s.t, "node %s", w)
		}
		nodes = append(nodes, routing.NodeID(n))
	}
	for _, m := range s.c.members {
		if len(nodes) == 1 && m.Node != nodes[0] || len(nodes) == 2 && m.Node == nodes[1] {
			s.c.cuts[[2]routing.NodeID{nodes[0], m.Node}] = true
			s.c.cuts[[2]routing.NodeID{m.Node, nodes[0]}] = true
		}
	}
	return "ok"
}
