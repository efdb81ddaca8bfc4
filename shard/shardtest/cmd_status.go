package shardtest

import (
	"fmt"
	"strings"
)

// cmdStatus: status [shard=N] prints what every replica of the shard has, a line each:
// "behind" counts from the replica that has applied most.
func (s *script) cmdStatus() string {
	var out strings.Builder
	most := s.c.Leader(s.shard())
	for _, m := range s.c.members {
		if m.Shard != s.shard() {
			continue
		}
		if m.R == nil {
			fmt.Fprintf(&out, "node %d down\n", m.Node)
			continue
		}
		st := m.R.Status(s.c.instant())
		state := "follows"
		if st.Leading {
			state = "leads"
		}
		if st.Leading && st.LeaseUntil > 0 {
			state += " with a lease"
		}
		if m.Bad != nil {
			state = "in quarantine"
		}
		level := ""
		if most != nil && st.Applied < most.R.Status(s.c.instant()).Applied {
			level = ", behind"
		}
		fmt.Fprintf(&out, "node %d %s, %d locks%s, raft snapshots sent %d\n", m.Node, state, st.Locks, level, m.Snapshots)
	}
	return out.String()
}
