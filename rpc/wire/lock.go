package wire

import (
	"github.com/shaledb/shale/mvcc"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/shard/routing"
)

// What is said about locks: claims, the fences of recovery, validation against them, and who
// waits for which.

func encodeLockRequest(m *nodev1.Call, req routing.Request) bool {
	switch r := req.(type) {
	case *mvcc.ClaimArgs:
		m.Request = &nodev1.Call_Claim{Claim: &nodev1.ClaimArgs{
			Start: uint64(r.Start), ReadTs: uint64(r.ReadTS), Primary: []byte(r.Primary),
			Keys: encodeKeys(r.Keys), Expires: uint64(r.Expires), Fixed: r.Fixed}}
	case *mvcc.FenceArgs:
		m.Request = &nodev1.Call_Fence{Fence: &nodev1.FenceArgs{
			Start: uint64(r.Start), Primary: []byte(r.Primary), Keys: encodeKeys(r.Keys),
			Digest: encodeDigest(r.Digest), Fence: r.Fence}}
	case *mvcc.ValidateArgs:
		m.Request = &nodev1.Call_Validate{Validate: &nodev1.ValidateArgs{
			Start: uint64(r.Start), ReadTs: uint64(r.ReadTS), At: uint64(r.At),
			Keys: encodeKeys(r.Keys), Spans: encodeSpans(r.Spans)}}
	case *routing.WaitArgs:
		m.Request = &nodev1.Call_Wait{Wait: &nodev1.WaitArgs{Edges: encodeEdges(r.Edges)}}
	case *routing.VictimArgs:
		m.Request = &nodev1.Call_Victim{Victim: &nodev1.VictimArgs{
			Start: uint64(r.Start), Key: []byte(r.Key), Cycle: encodeEdges(r.Cycle)}}
	default:
		return false
	}
	return true
}

func decodeLockRequest(m *nodev1.Call) (routing.Request, error) {
	switch x := m.GetRequest().(type) {
	case *nodev1.Call_Claim:
		a := x.Claim
		return &mvcc.ClaimArgs{Start: ts(a.GetStart()), ReadTS: ts(a.GetReadTs()), Primary: mvcc.Key(a.GetPrimary()),
			Keys: decodeKeys(a.GetKeys()), Expires: ts(a.GetExpires()), Fixed: a.GetFixed()}, nil
	case *nodev1.Call_Fence:
		a := x.Fence
		digest, err := decodeDigest(a.GetDigest())
		return &mvcc.FenceArgs{Start: ts(a.GetStart()), Primary: mvcc.Key(a.GetPrimary()),
			Keys: decodeKeys(a.GetKeys()), Digest: digest, Fence: a.GetFence()}, err
	case *nodev1.Call_Validate:
		a := x.Validate
		return &mvcc.ValidateArgs{Start: ts(a.GetStart()), ReadTS: ts(a.GetReadTs()), At: ts(a.GetAt()),
			Keys: decodeKeys(a.GetKeys()), Spans: decodeSpans(a.GetSpans())}, nil
	case *nodev1.Call_Wait:
		return &routing.WaitArgs{Edges: decodeEdges(x.Wait.GetEdges())}, nil
	case *nodev1.Call_Victim:
		a := x.Victim
		return &routing.VictimArgs{Start: ts(a.GetStart()), Key: mvcc.Key(a.GetKey()),
			Cycle: decodeEdges(a.GetCycle())}, nil
	}
	return nil, nil
}

func encodeLockResponse(m *nodev1.Reply, res routing.Response) bool {
	switch r := res.(type) {
	case *mvcc.ClaimResult:
		m.Result = &nodev1.Reply_Claim{Claim: &nodev1.ClaimResult{Versions: encodeVersions(r.Versions)}}
	case *mvcc.FenceResult:
		m.Result = &nodev1.Reply_Fence{Fence: &nodev1.FenceResult{
			Missing: encodeKeys(r.Missing), Fenced: r.Fenced,
			MinCommitTs: uint64(r.MinCommitTS), CommitTs: uint64(r.CommitTS)}}
	case *mvcc.ValidateResult:
		m.Result = &nodev1.Reply_Validate{Validate: &nodev1.ValidateResult{}}
	case *routing.WaitResult:
		a := &nodev1.WaitResult{}
		for _, cycle := range r.Cycles {
			a.Cycles = append(a.Cycles, &nodev1.Cycle{Edges: encodeEdges(cycle)})
		}
		m.Result = &nodev1.Reply_Wait{Wait: a}
	case *routing.VictimResult:
		m.Result = &nodev1.Reply_Victim{Victim: &nodev1.VictimResult{Ended: r.Ended}}
	default:
		return false
	}
	return true
}

func decodeLockResponse(m *nodev1.Reply) (routing.Response, error) {
	switch x := m.GetResult().(type) {
	case *nodev1.Reply_Claim:
		versions, err := decodeVersions(x.Claim.GetVersions())
		return &mvcc.ClaimResult{Versions: versions}, err
	case *nodev1.Reply_Fence:
		r := x.Fence
		return &mvcc.FenceResult{Missing: decodeKeys(r.GetMissing()), Fenced: r.GetFenced(),
			MinCommitTS: ts(r.GetMinCommitTs()), CommitTS: ts(r.GetCommitTs())}, nil
	case *nodev1.Reply_Validate:
		return &mvcc.ValidateResult{}, nil
	case *nodev1.Reply_Wait:
		r := &routing.WaitResult{}
		for _, cycle := range x.Wait.GetCycles() {
			r.Cycles = append(r.Cycles, decodeEdges(cycle.GetEdges()))
		}
		return r, nil
	case *nodev1.Reply_Victim:
		return &routing.VictimResult{Ended: x.Victim.GetEnded()}, nil
	}
	return nil, nil
}

func encodeSpans(spans []mvcc.Span) []*nodev1.Span {
	var out []*nodev1.Span
	for _, s := range spans {
		out = append(out, &nodev1.Span{Start: []byte(s.Start), End: []byte(s.End)})
	}
	return out
}

func decodeSpans(ms []*nodev1.Span) []mvcc.Span {
	var out []mvcc.Span
	for _, m := range ms {
		out = append(out, mvcc.Span{Start: mvcc.Key(m.GetStart()), End: mvcc.Key(m.GetEnd())})
	}
	return out
}

func encodeEdges(edges []mvcc.WaitEdge) []*nodev1.WaitEdge {
	var out []*nodev1.WaitEdge
	for _, e := range edges {
		out = append(out, &nodev1.WaitEdge{Waiter: uint64(e.Waiter), Holder: uint64(e.Holder), Key: []byte(e.Key)})
	}
	return out
}

func decodeEdges(ms []*nodev1.WaitEdge) []mvcc.WaitEdge {
	var out []mvcc.WaitEdge
	for _, m := range ms {
		out = append(out, mvcc.WaitEdge{Waiter: ts(m.GetWaiter()), Holder: ts(m.GetHolder()), Key: mvcc.Key(m.GetKey())})
	}
	return out
}

// publicCycleMax bounds a cycle as the public hears it: an error travels in headers.
const publicCycleMax = 8

func publicCycle(edges []mvcc.WaitEdge) []*shalev1.WaitEdge {
	var out []*shalev1.WaitEdge
	for _, e := range edges[:min(len(edges), publicCycleMax)] {
		out = append(out, &shalev1.WaitEdge{Waiter: uint64(e.Waiter), Holder: uint64(e.Holder), Key: []byte(e.Key)})
	}
	return out
}

func encodeLock(l *mvcc.Lock) *nodev1.Lock {
	return &nodev1.Lock{Key: []byte(l.Key), StartTs: uint64(l.StartTS), Primary: []byte(l.Primary),
		Kind: uint32(l.Kind), MinCommitTs: uint64(l.MinCommitTS), Expires: uint64(l.Expires),
		Digest: encodeDigest(l.Digest),
		Async:  l.Async, Secondaries: encodeKeys(l.Secondaries)}
}

// decodeLocked reads a lock that was met. Its value is left out: whoever meets a lock asks for its outcome, never
// for what it holds.
func decodeLocked(m *nodev1.Error) error {
	l, err := decodeLock(m.GetLock())
	if err != nil {
		return err
	}
	return &mvcc.LockedError{Lock: l}
}

func decodeLock(l *nodev1.Lock) (mvcc.Lock, error) {
	digest, err := decodeDigest(l.GetDigest())
	if err != nil {
		return mvcc.Lock{}, err
	}
	if l.GetKind() < uint32(mvcc.LockPut) || l.GetKind() > uint32(mvcc.LockClaim) {
		return mvcc.Lock{}, malformed("a lock has the unknown kind %d", l.GetKind())
	}
	return mvcc.Lock{Key: mvcc.Key(l.GetKey()), StartTS: ts(l.GetStartTs()),
		Primary: mvcc.Key(l.GetPrimary()), Kind: mvcc.LockKind(l.GetKind()), MinCommitTS: ts(l.GetMinCommitTs()),
		Expires: ts(l.GetExpires()), Digest: digest,
		Async: l.GetAsync(), Secondaries: decodeKeys(l.GetSecondaries())}, nil
}
