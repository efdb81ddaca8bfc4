package shardtest

import "github.com/shaledb/shale/shard/routing"

// cmdTransfer: transfer to=N [from=N] moves leadership.
func (s *script) cmdTransfer() string {
	m := s.c.Leader(s.shard())
	if from := s.number("from", 0); from != 0 {
		m = s.node(from)
	}
	return s.ask(m, &routing.TransferArgs{To: routing.NodeID(s.number("to", 0))})
}
