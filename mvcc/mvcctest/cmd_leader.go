package mvcctest

import "fmt"

// cmdLeader: leader [max-read=] [closed=] [safepoint=] [collected=] sets what the leader
// knows, and prints it.
func (h *harness) cmdLeader(s *script) string {
	l := &h.leader
	l.MaxRead, l.Closed = s.ts("max-read", l.MaxRead), s.ts("closed", l.Closed)
	l.Safepoint, l.Collected = s.ts("safepoint", l.Safepoint), s.ts("collected", l.Collected)
	return fmt.Sprintf("max read %s, closed %s, safepoint %s, collected %s",
		l.MaxRead, l.Closed, l.Safepoint, l.Collected)
}
