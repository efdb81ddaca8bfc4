package mvcctest

import (
	"fmt"
	"strings"

	"github.com/shaledb/shale/mvcc"
)

// cmdClaim: claim start= primary= keys=(…) [read-ts=] [expires=] [fixed].
func (h *harness) cmdClaim(s *script) string {
	a := &mvcc.ClaimArgs{Start: s.start(), ReadTS: s.ts("read-ts", s.start()), Primary: s.primary(),
		Keys: s.keysArg(), Expires: s.ts("expires", s.start()+100), Fixed: s.HasArg("fixed")}
	result, refusal, ok := h.evaluate(s, a.Start, func(r mvcc.Reader) (mvcc.Rows, any, error) {
		rows, res, err := mvcc.Claim(r, a, h.leader)
		return rows, res, err
	})
	if !ok {
		return refusal
	}
	var out strings.Builder
	for i, v := range result.(mvcc.ClaimResult).Versions {
		fmt.Fprintf(&out, "claimed, %s\n", foundLine(a.Keys[i], v))
	}
	return out.String()
}

// foundLine says what a read of k found; Op zero: nothing.
func foundLine(k mvcc.Key, v mvcc.Version) string {
	switch v.Op {
	case mvcc.OpPut:
		return fmt.Sprintf("%s = %s at %s", mvcc.FormatKey(k), mvcc.FormatValue(v.Value, 16), v.CommitTS)
	case mvcc.OpDelete:
		return fmt.Sprintf("%s: deleted at %s", mvcc.FormatKey(k), v.CommitTS)
	}
	return fmt.Sprintf("%s: none", mvcc.FormatKey(k))
}
