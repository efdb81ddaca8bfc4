package shardtest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/routing"
)

// answer is what a request has heard, in words.
func (s *script) answer(id shard.RequestID) string {
	res, err, ok := s.c.Answered(id)
	switch {
	case !ok:
		return "waits"
	case err != nil:
		return refusal(err)
	}
	switch r := res.(type) {
	case *mvcc.PrewriteResult:
		switch {
		case r.CommitTS != 0 && s.has("show"):
			return "committed at " + r.CommitTS.String()
		case r.CommitTS != 0:
			return "committed"
		case s.has("show"):
			return "locked from " + r.MinCommitTS.String()
		}
		return "locked"
	case *routing.TimestampResult:
		return s.taken(r)
	case *mvcc.CommitResult:
		return "committed"
	case *mvcc.TxnStatus:
		if r.Async && s.has("show") {
			return fmt.Sprintf("%s, from %s, beside %s", r.Decision, r.MinCommitTS, r.Secondaries)
		}
		return r.Decision.String()
	case *mvcc.ClaimResult:
		return "claimed " + versions(r.Versions)
	case *mvcc.FenceResult:
		return s.fenced(r)
	case *mvcc.ValidateResult:
		return "holds"
	case *mvcc.GetResult:
		return versions(r.Versions)
	case *mvcc.ScanResult:
		return versions(r.Versions)
	case *routing.TransferResult:
		return fmt.Sprintf("node %d leads", r.Leader)
	case *routing.SplitResult:
		return fmt.Sprintf("%s\n%s", r.Left, r.Right)
	}
	if out, ok := browsed(res); ok {
		return out
	}
	return fmt.Sprintf("%T", res)
}

func versions(vs []mvcc.Version) string {
	var out []string
	for _, v := range vs {
		switch v.Op {
		case mvcc.OpPut:
			out = append(out, mvcc.FormatKey(v.Key)+"="+mvcc.FormatValue(v.Value, 20))
		case mvcc.OpDelete:
			out = append(out, mvcc.FormatKey(v.Key)+" deleted")
		default:
			out = append(out, "absent")
		}
	}
	if len(out) == 0 {
		return "nothing"
	}
	return strings.Join(out, " ")
}

// refusal prints an error by what its receiver must do.
func refusal(err error) string {
	var (
		notLeader *routing.NotLeaderError
		epoch     *routing.EpochMismatchError
		gone      *routing.UnavailableError
		conflict  *mvcc.WriteConflictError
		locked    *mvcc.LockedError
		aborted   *mvcc.TxnAbortedError
		deadlock  *mvcc.DeadlockError
		overload  *routing.OverloadedError
		future    *mvcc.FutureError
	)
	switch {
	case errors.As(err, &notLeader):
		return "not the leader"
	case errors.As(err, &epoch):
		out := "wrong route"
		for _, d := range epoch.Current {
			out += "\n  " + d.String()
		}
		return out
	case errors.As(err, &gone) && gone.Maybe:
		return "unknown: " + gone.Why
	case errors.As(err, &gone):
		return "not done: " + gone.Why
	case errors.As(err, &conflict) && conflict.Final:
		return "conflict on " + mvcc.FormatKey(conflict.Key) + " for ever"
	case errors.As(err, &conflict):
		return "conflict on " + mvcc.FormatKey(conflict.Key)
	case errors.As(err, &locked):
		return fmt.Sprintf("locked: %s by T%s", mvcc.FormatKey(locked.Lock.Key), locked.Lock.StartTS)
	case errors.As(err, &aborted):
		return "aborted"
	case errors.As(err, &deadlock):
		return "deadlock: " + edges(deadlock.Cycle)
	case errors.As(err, &overload):
		return "slow down: " + overload.Why
	case errors.As(err, &future):
		return "in the future"
	}
	return "error: " + err.Error()
}
