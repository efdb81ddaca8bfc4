package mvcctest

import (
	"fmt"

	"github.com/shaledb/shale/mvcc"
)

// cmdOutcome: outcome start= primary=.
func (h *harness) cmdOutcome(s *script) string {
	a := &mvcc.OutcomeArgs{Start: s.start(), Primary: s.primary()}
	return h.status(h.evaluate(s, a.Start, func(r mvcc.Reader) (mvcc.Rows, any, error) {
		res, err := mvcc.Outcome(r, a, h.leader)
		return mvcc.Rows{}, res, err
	}))
}

// status prints a TxnStatus.
func (h *harness) status(result any, refusal string, ok bool) string {
	if !ok {
		return refusal
	}
	st := result.(mvcc.TxnStatus)
	out := ""
	switch {
	case st.Expired:
		out = "expired"
	case st.Decision == mvcc.Committed:
		out = fmt.Sprintf("committed at %s", st.CommitTS)
	case st.Decision == mvcc.Aborted:
		out = "aborted"
	case st.Locked:
		out = fmt.Sprintf("alive until %s", st.Expires)
	case st.Expires != 0:
		out = fmt.Sprintf("not locked, not fenced before %s", st.Expires)
	default:
		out = "nothing recorded"
	}
	if st.Digest != (mvcc.Digest{}) {
		out += ", content " + h.digests[st.Digest]
	}
	if st.Async {
		out += fmt.Sprintf(", async with %s, min commit %s", keyList(st.Secondaries), st.MinCommitTS)
	}
	return out
}
