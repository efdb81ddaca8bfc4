package mvcctest

import (
	"fmt"
	"strings"

	"github.com/shaledb/shale/mvcc"
)

// cmdPrewrite: prewrite start= primary= [read-ts=] [expires=] [digest=] [one-phase] [reads=(…)]
// [autocommit] [async] [others=(…)], with a mutation per line: OP KEY [VALUE]. Others are the
// secondaries that the primary's lock lists.
func (h *harness) cmdPrewrite(s *script) string {
	a := &mvcc.PrewriteArgs{Start: s.start(), Primary: s.primary(), Mutations: s.mutations(),
		Digest: s.digest(), Expires: s.ts("expires", s.start()+100),
		OnePhase: s.HasArg("one-phase"), Autocommit: s.HasArg("autocommit"), ReadTS: s.ts("read-ts", 0),
		ReadKeys: s.keysIn("reads"), Async: s.HasArg("async"), Secondaries: s.keysIn("others")}
	if len(a.ReadKeys) > 0 { // as a shard does
		h.leader.MaxRead = max(h.leader.MaxRead, a.Start, a.ReadTS)
	}
	result, refusal, ok := h.evaluate(s, a.Start, func(r mvcc.Reader) (mvcc.Rows, any, error) {
		rows, res, err := mvcc.Prewrite(r, a, h.leader)
		return rows, res, err
	})
	if !ok {
		return refusal
	}
	res := result.(mvcc.PrewriteResult)
	if res.CommitTS != 0 {
		return fmt.Sprintf("committed at %s", res.CommitTS)
	}
	return fmt.Sprintf("locked, min commit %s", res.MinCommitTS)
}

func (s *script) mutations() []mvcc.Mutation {
	ops := map[string]mvcc.MutationOp{"put": mvcc.MutationPut, "delete": mvcc.MutationDelete,
		"insert": mvcc.MutationInsert, "check-exists": mvcc.MutationCheckExists,
		"check-absent": mvcc.MutationCheckAbsent, "check-value": mvcc.MutationCheckValue,
		"add": mvcc.MutationAdd, "min": mvcc.MutationMin, "max": mvcc.MutationMax,
		"append": mvcc.MutationAppend, "claimed": mvcc.MutationClaim}
	var out []mvcc.Mutation
	for line := range strings.Lines(s.Input) {
		words := strings.Fields(line)
		if len(words) < 2 || len(words) > 3 || ops[words[0]] == 0 {
			s.Fatalf(s.t, "not a mutation: %s", line)
		}
		m := mvcc.Mutation{Op: ops[words[0]], Key: s.key(words[1])}
		if len(words) == 3 {
			m.Value = s.text(words[2])
		}
		out = append(out, m)
	}
	return out
}
