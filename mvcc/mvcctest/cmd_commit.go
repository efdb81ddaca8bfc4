package mvcctest

import (
	"fmt"

	"github.com/shaledb/shale/mvcc"
)

// cmdCommit: commit start= at= primary= keys=(…) [digest=].
func (h *harness) cmdCommit(s *script) string {
	a := &mvcc.CommitArgs{Start: s.start(), CommitTS: s.ts("at", 0), Primary: s.primary(),
		Keys: s.keysArg(), Digest: s.digest()}
	result, refusal, ok := h.evaluate(s, a.Start, func(r mvcc.Reader) (mvcc.Rows, any, error) {
		rows, res, err := mvcc.Commit(r, a, h.leader)
		return rows, res, err
	})
	if !ok {
		return refusal
	}
	return fmt.Sprintf("committed at %s", result.(mvcc.CommitResult).CommitTS)
}
