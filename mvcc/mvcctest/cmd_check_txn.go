package mvcctest

import "github.com/shaledb/shale/mvcc"

// cmdCheckTxn: check-txn start= primary= now= [met-expires=] [force].
func (h *harness) cmdCheckTxn(s *script) string {
	a := &mvcc.CheckTxnArgs{Start: s.start(), Primary: s.primary(), Now: s.ts("now", 0),
		MetExpires: s.ts("met-expires", 0), Force: s.HasArg("force")}
	return h.status(h.evaluate(s, a.Start, func(r mvcc.Reader) (mvcc.Rows, any, error) {
		rows, res, err := mvcc.CheckTxn(r, a, h.leader)
		return rows, res, err
	}))
}
