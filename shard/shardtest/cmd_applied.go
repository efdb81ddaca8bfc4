package shardtest

import "fmt"

// cmdApplied: applied prints how far the leader's applied index lies above where groups begin.
func (s *script) cmdApplied() string {
	return fmt.Sprintf("%d", s.member().R.Status(s.c.instant()).Applied)
}
