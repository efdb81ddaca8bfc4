package mvcctest

import "github.com/shaledb/shale/mvcc"

// cmdRollback: rollback start= primary= keys=(…) [digest=] [fenced].
func (h *harness) cmdRollback(s *script) string {
	a := &mvcc.RollbackArgs{Start: s.start(), Primary: s.primary(), Keys: s.keysArg(), Digest: s.digest(),
		Fenced: s.HasArg("fenced")}
	return h.status(h.evaluate(s, a.Start, func(r mvcc.Reader) (mvcc.Rows, any, error) {
		rows, res, err := mvcc.Rollback(r, a, h.leader)
		return rows, res, err
	}))
}
