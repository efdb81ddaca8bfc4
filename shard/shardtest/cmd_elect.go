package shardtest

import (
	"time"

	"github.com/shaledb/shale/shard/routing"
)

// cmdElect: elect [node=1] [shard=2] lets time pass until somebody, or that node, leads.
func (s *script) cmdElect() string {
	m := s.c.Elect(s.shard())
	want := s.number("node", 0)
	for range 20 {
		if want == 0 || m.Node == routing.NodeID(want) {
			s.c.Settle()
			return "led"
		}
		s.c.Send(m, &routing.TransferArgs{To: routing.NodeID(want)})
		s.c.Pass(300 * time.Millisecond)
		m = s.c.Elect(s.shard())
	}
	s.d.Fatalf(s.t, "node %d does not come to lead", want)
	return ""
}
