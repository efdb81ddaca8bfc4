package sim

import (
	"fmt"
	"strings"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// spelt is a request or an answer as a line of the whole trace shows it.
func spelt(x any) string {
	switch a := x.(type) {
	case nil:
		return "nothing"
	case *mvcc.GetArgs:
		return fmt.Sprintf("get %s at %d, own %d", keysOf(a.Keys), a.ReadTS, a.Own)
	case *mvcc.ScanArgs:
		return fmt.Sprintf("scan [%s, %s) at %d, limit %d", mvcc.FormatKey(a.Span.Start), mvcc.FormatKey(a.Span.End),
			a.ReadTS, a.Limit)
	case *mvcc.VersionsArgs:
		return fmt.Sprintf("versions [%s, %s) at %d, above %d, behind %s@%d", mvcc.FormatKey(a.Span.Start), mvcc.FormatKey(a.Span.End),
			a.ReadTS, a.Above, mvcc.FormatKey(a.After.Key), a.After.CommitTS)
	case *mvcc.PrewriteArgs:
		return spellPrewrite(a)
	case *mvcc.ClaimArgs:
		return fmt.Sprintf("claim %s for %d, read at %d, primary %s, fixed %v", keysOf(a.Keys), a.Start, a.ReadTS,
			mvcc.FormatKey(a.Primary), a.Fixed)
	case *mvcc.CommitArgs:
		return fmt.Sprintf("commit %d at %d: %s, primary %s", a.Start, a.CommitTS, keysOf(a.Keys), mvcc.FormatKey(a.Primary))
	case *mvcc.RollbackArgs:
		return fmt.Sprintf("roll back %d: %s, primary %s, fenced %v", a.Start, keysOf(a.Keys), mvcc.FormatKey(a.Primary), a.Fenced)
	case *mvcc.FenceArgs:
		return fmt.Sprintf("look at %d: %s, fence %v", a.Start, keysOf(a.Keys), a.Fence)
	case *mvcc.ValidateArgs:
		return fmt.Sprintf("validate %d: %s and %d spans from %d to %d", a.Start, keysOf(a.Keys), len(a.Spans), a.ReadTS, a.At)
	case *mvcc.CheckTxnArgs:
		return fmt.Sprintf("check %d at %s, now %d, met %d, force %v", a.Start, mvcc.FormatKey(a.Primary), a.Now, a.MetExpires, a.Force)
	case *mvcc.OutcomeArgs:
		return fmt.Sprintf("outcome of %d at %s", a.Start, mvcc.FormatKey(a.Primary))
	case *mvcc.HeartbeatArgs:
		return fmt.Sprintf("heartbeat of %d at %s, until %d", a.Start, mvcc.FormatKey(a.Primary), a.Expires)
	case *routing.TimestampArgs:
		return "a timestamp"
	}
	return speltAnswer(x)
}

func speltAnswer(x any) string {
	switch r := x.(type) {
	case *mvcc.GetResult:
		return "found " + versionsOf(r.Versions)
	case *mvcc.ScanResult:
		return fmt.Sprintf("found %s, more %v", versionsOf(r.Versions), r.More)
	case *mvcc.VersionsResult:
		return fmt.Sprintf("found %s, more %v", versionsOf(r.Versions), r.More)
	case *mvcc.ClaimResult:
		return "claimed, found " + versionsOf(r.Versions)
	case *mvcc.PrewriteResult:
		if r.CommitTS != 0 {
			return fmt.Sprintf("committed at %d", r.CommitTS)
		}
		return fmt.Sprintf("laid, not below %d", r.MinCommitTS)
	case *mvcc.CommitResult:
		return fmt.Sprintf("committed at %d", r.CommitTS)
	case *mvcc.FenceResult:
		return fmt.Sprintf("missing %s, fenced %v, not below %d, committed at %d", keysOf(r.Missing), r.Fenced, r.MinCommitTS, r.CommitTS)
	case *mvcc.TxnStatus:
		return fmt.Sprintf("%s at %d, locked %v until %d, async %v with %s", r.Decision, r.CommitTS, r.Locked, r.Expires,
			r.Async, keysOf(r.Secondaries))
	case *routing.TimestampResult:
		return fmt.Sprintf("%d, of term %d", r.First, r.Term)
	}
	return fmt.Sprintf("%T %+v", x, x)
}

func spellPrewrite(a *mvcc.PrewriteArgs) string {
	var b strings.Builder
	fmt.Fprintf(&b, "prewrite %d", a.Start)
	for i, m := range a.Mutations {
		if i == 8 {
			fmt.Fprintf(&b, " and %d more", len(a.Mutations)-i)
			break
		}
		fmt.Fprintf(&b, " %s %s", m.Op, mvcc.FormatKey(m.Key))
		if m.Value != nil {
			b.WriteString(" " + mvcc.FormatValue(m.Value, 24))
		}
	}
	fmt.Fprintf(&b, ", primary %s, digest %x", mvcc.FormatKey(a.Primary), a.Digest[:3])
	if a.ReadTS != 0 && a.ReadTS != a.Start {
		fmt.Fprintf(&b, ", read at %d", a.ReadTS)
	}
	if a.OnePhase {
		b.WriteString(", one phase")
	}
	if a.Autocommit {
		b.WriteString(", autocommit")
	}
	if a.Async {
		b.WriteString(", async with " + keysOf(a.Secondaries))
	}
	if len(a.ReadKeys) > 0 {
		b.WriteString(", has read " + keysOf(a.ReadKeys))
	}
	return b.String()
}

func speltRaft(m *raftpb.Message) string {
	return fmt.Sprintf("term %d, log %d.%d, %d entries, commit %d, reject %v %d", m.GetTerm(), m.GetLogTerm(), m.GetIndex(),
		len(m.GetEntries()), m.GetCommit(), m.GetReject(), m.GetRejectHint())
}

func keysOf(keys []mvcc.Key) string {
	const most = 8
	words := make([]string, 0, most)
	for i, k := range keys {
		if i == most {
			words = append(words, fmt.Sprintf("and %d more", len(keys)-i))
			break
		}
		words = append(words, mvcc.FormatKey(k))
	}
	return "[" + strings.Join(words, " ") + "]"
}

func versionsOf(vs []mvcc.Version) string {
	words := make([]string, 0, len(vs))
	for _, v := range vs {
		if v.Key == "" {
			words = append(words, "none")
			continue
		}
		words = append(words, fmt.Sprintf("%s@%d %s", mvcc.FormatKey(v.Key), v.CommitTS, mvcc.FormatValue(v.Value, 24)))
	}
	return "[" + strings.Join(words, "; ") + "]"
}
