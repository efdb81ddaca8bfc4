package mvcctest

import "github.com/shaledb/shale/mvcc"

// cmdHeartbeat: heartbeat start= primary= expires=.
func (h *harness) cmdHeartbeat(s *script) string {
	a := &mvcc.HeartbeatArgs{Start: s.start(), Primary: s.primary(), Expires: s.ts("expires", 0)}
	return h.status(h.evaluate(s, a.Start, func(r mvcc.Reader) (mvcc.Rows, any, error) {
		rows, res, err := mvcc.Heartbeat(r, a, h.leader)
		return rows, res, err
	}))
}
