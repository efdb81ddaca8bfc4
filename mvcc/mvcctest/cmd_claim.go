package mvcctest

import "github.com/shaledb/shale/mvcc"

// cmdClaim: claim start= primary= keys=(…) min= [expires=] lays claims as rows: no rule makes
// them yet, but all rules meet them.
func (h *harness) cmdClaim(s *script) string {
	h.starts[s.start()] = true
	var rows mvcc.Rows
	for _, k := range s.keysArg() {
		rows.Locks = append(rows.Locks, mvcc.Lock{Key: k, StartTS: s.start(), Primary: s.primary(),
			Kind: mvcc.LockClaim, MinCommitTS: s.ts("min", s.start()+1), Expires: s.ts("expires", s.start()+100)})
	}
	s.require(h.e.Apply(rows))
	return "claimed"
}
