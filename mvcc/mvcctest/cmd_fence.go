package mvcctest

import (
	"fmt"
	"strings"

	"github.com/shaledb/shale/mvcc"
)

// cmdFence: fence start= primary= keys=(…) [digest=] [look]. With look it only looks.
func (h *harness) cmdFence(s *script) string {
	a := &mvcc.FenceArgs{Start: s.start(), Primary: s.primary(), Keys: s.keysArg(), Digest: s.digest(),
		Fence: !s.HasArg("look")}
	result, refusal, ok := h.evaluate(s, a.Start, func(r mvcc.Reader) (mvcc.Rows, any, error) {
		rows, res, err := mvcc.Fence(r, a, h.leader)
		return rows, res, err
	})
	if !ok {
		return refusal
	}
	res := result.(mvcc.FenceResult)
	var out []string
	if res.Fenced {
		out = append(out, "fenced")
	}
	if len(res.Missing) > 0 {
		out = append(out, "missing "+keyList(res.Missing))
	}
	if res.CommitTS != 0 {
		out = append(out, fmt.Sprintf("committed at %s", res.CommitTS))
	}
	if res.MinCommitTS != 0 {
		out = append(out, fmt.Sprintf("locked, min commit %s", res.MinCommitTS))
	}
	return strings.Join(out, "; ")
}

func keyList(keys []mvcc.Key) string {
	var out []string
	for _, k := range keys {
		out = append(out, mvcc.FormatKey(k))
	}
	return strings.Join(out, " ")
}
