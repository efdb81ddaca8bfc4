package mvcctest

import (
	"fmt"
	"strings"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// cmdGet: get keys=(…) at= [own=].
func (h *harness) cmdGet(s *script) string {
	at, own := s.ts("at", 0), s.ts("own", 0)
	if at == 0 {
		s.Fatalf(s.t, "at=… is missing: every read has a real timestamp")
	}
	var out strings.Builder
	for _, k := range s.keysArg() {
		if line := h.refuseRead(mvcc.KeySpan(k), at, own); line != "" {
			fmt.Fprintln(&out, line)
			continue
		}
		v, ok, err := h.e.Get(k, at)
		s.require(err)
		if !ok {
			v = mvcc.Version{}
		}
		fmt.Fprintln(&out, foundLine(k, v))
	}
	return out.String()
}

// refuseRead does what a shard does before it reads: the safepoint, then max-read, then the
// locks. Empty: the read may go on.
func (h *harness) refuseRead(span mvcc.Span, at, own timestamp.Timestamp) string {
	if at < h.leader.Safepoint {
		return fmt.Sprintf("below the safepoint %s", h.leader.Safepoint)
	}
	h.leader.MaxRead = max(h.leader.MaxRead, at)
	for _, l := range h.e.Locks() {
		if span.Contains(l.Key) && l.BlocksRead(at, own) {
			return "waits: " + h.lockLine(l)
		}
	}
	return ""
}
