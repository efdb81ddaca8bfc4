package shardtest

import (
	"slices"
	"strings"

	"go.etcd.io/raft/v3/raftpb"
)

// cmdHold: hold|release sync|flush|bounds node=N; hold|release draw; hold|release MsgApp…
// [from=N] [to=N] keeps log writes, flushes, timestamps or messages back, and lets them go.
func (s *script) cmdHold() string {
	hold := s.d.Cmd == "hold"
	var kinds []string
	for _, w := range s.words() {
		switch {
		case w == "sync":
			s.node(s.number("node", 0)).holdSync = hold
		case w == "flush":
			s.node(s.number("node", 0)).holdFlush = hold
		case w == "bounds":
			s.node(s.number("node", 0)).holdBounds = hold
		case w == "draw":
			s.c.holdDraw = hold
		case strings.HasPrefix(w, "Msg"):
			kinds = append(kinds, w)
		}
	}
	if len(kinds) > 0 {
		s.c.holdMessages(hold, kinds, s.number("from", 0), s.number("to", 0))
	}
	if !hold && !s.has("still") {
		s.c.Settle()
	}
	return "ok"
}

// holdMessages keeps messages of some kinds back, or sends those on that were.
func (c *Cluster) holdMessages(hold bool, kinds []string, from, to int) {
	if !hold {
		for _, p := range c.held {
			p.late = true
			c.net = append(c.net, p)
		}
		c.held, c.filter = nil, nil
		return
	}
	c.filter = func(p packet) bool {
		return slices.Contains(kinds, raftpb.MessageType(p.m.GetType()).String()) &&
			(from == 0 || int(p.from) == from) && (to == 0 || int(p.to) == to)
	}
}
