package shardtest

import (
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// cmdTake: take [node=N] [count=N] [times=N] [as=NAME] draws from the oracle at the system
// group's leader. It prints whether time went on; a script does not show what it is.
func (s *script) cmdTake() string {
	a := &routing.TimestampArgs{Count: s.number("count", 1)}
	m := s.c.Leader(routing.SystemShard)
	if n := s.number("node", 0); n != 0 {
		m = s.c.member(routing.NodeID(n), routing.SystemShard)
	}
	if m == nil {
		s.d.Fatalf(s.t, "the system group has no leader")
	}
	for range s.number("times", 1) - 1 {
		if out := s.ask(m, a); out != "later" {
			return out
		}
	}
	return s.ask(m, a)
}

// taken says how the answer lies to those before it. A client throws away what comes from a
// lower term of office than one that it has seen.
func (s *script) taken(r *routing.TimestampResult) string {
	switch {
	case r.Term < s.newestTerm:
		return "from an old term"
	case r.First <= s.newest:
		return "EARLIER than one given before"
	}
	s.newest, s.newestTerm = r.First+timestamp.Timestamp(r.Count-1), r.Term
	return "later"
}
