package shardtest

import (
	"time"

	"github.com/shaledb/shale/shard/routing"
)

// cmdClock: clock node=N behind=10s sets a node's wall clock wrong.
func (s *script) cmdClock() string {
	if s.c.behind == nil {
		s.c.behind = map[routing.NodeID]time.Duration{}
	}
	s.c.behind[routing.NodeID(s.number("node", 0))] = s.duration("behind")
	return "ok"
}
