package shardtest

import "github.com/shaledb/shale/shard/routing"

// cmdPause: pause node=N stops a node's process as it is, and with it its reading of the
// network; resume node=N lets it go on, and what came meanwhile reaches it.
func (s *script) cmdPause() string {
	n := routing.NodeID(s.number("node", 0))
	for _, m := range s.c.members {
		switch {
		case m.Node != n:
		case s.d.Cmd == "pause":
			m.paused = true
		default:
			m.resume()
		}
	}
	if s.d.Cmd == "resume" && !s.has("still") {
		s.c.Settle()
	}
	return "ok"
}
