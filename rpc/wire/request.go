package wire

import (
	"fmt"
	"time"

	"github.com/shaledb/shale/mvcc"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// EncodeCall makes the message of one request; id is the sender's name for it.
func EncodeCall(id uint64, hd routing.Header, req routing.Request) (*nodev1.Call, error) {
	m := &nodev1.Call{Id: id, Shard: uint64(hd.Shard), Bounds: uint64(hd.Bounds),
		TimeoutMicros: uint64(max(hd.Timeout, 0).Microseconds()), Trace: encodeTrace(hd.Trace)}
	if encodeTxnRequest(m, req) || encodeLockRequest(m, req) || encodeShardRequest(m, req) ||
		encodeSystemRequest(m, req) || encodeBrowseRequest(m, req) {
		return m, nil
	}
	return nil, fmt.Errorf("wire: %T is no request to a shard", req)
}

// encodeTxnRequest knows the requests of transactions.
func encodeTxnRequest(m *nodev1.Call, req routing.Request) bool {
	switch r := req.(type) {
	case *mvcc.GetArgs:
		m.Request = &nodev1.Call_Get{Get: &nodev1.GetArgs{
			ReadTs: uint64(r.ReadTS), Own: uint64(r.Own), Primary: []byte(r.Primary), Keys: encodeKeys(r.Keys)}}
	case *mvcc.ScanArgs:
		m.Request = &nodev1.Call_Scan{Scan: &nodev1.ScanArgs{
			ReadTs: uint64(r.ReadTS), Own: uint64(r.Own), Primary: []byte(r.Primary), Start: []byte(r.Span.Start), End: []byte(r.Span.End),
			Limit: uint32(r.Limit), MaxBytes: uint32(r.MaxBytes), Reverse: r.Reverse, KeysOnly: r.KeysOnly}}
	case *mvcc.PrewriteArgs:
		m.Request = &nodev1.Call_Prewrite{Prewrite: encodePrewrite(r)}
	case *mvcc.CommitArgs:
		m.Request = &nodev1.Call_Commit{Commit: &nodev1.CommitArgs{
			Start: uint64(r.Start), CommitTs: uint64(r.CommitTS), Primary: []byte(r.Primary),
			Keys: encodeKeys(r.Keys), Digest: encodeDigest(r.Digest)}}
	case *mvcc.RollbackArgs:
		m.Request = &nodev1.Call_Rollback{Rollback: &nodev1.RollbackArgs{
			Start: uint64(r.Start), Primary: []byte(r.Primary),
			Keys: encodeKeys(r.Keys), Digest: encodeDigest(r.Digest), Fenced: r.Fenced}}
	case *mvcc.CheckTxnArgs:
		m.Request = &nodev1.Call_CheckTxn{CheckTxn: &nodev1.CheckTxnArgs{
			Start: uint64(r.Start), Primary: []byte(r.Primary), Now: uint64(r.Now),
			MetExpires: uint64(r.MetExpires), Force: r.Force, Wait: r.Wait}}
	case *mvcc.OutcomeArgs:
		m.Request = &nodev1.Call_Outcome{Outcome: &nodev1.OutcomeArgs{
			Start: uint64(r.Start), Primary: []byte(r.Primary)}}
	case *mvcc.HeartbeatArgs:
		m.Request = &nodev1.Call_Heartbeat{Heartbeat: &nodev1.HeartbeatArgs{
			Start: uint64(r.Start), Primary: []byte(r.Primary), Expires: uint64(r.Expires)}}
	default:
		return false
	}
	return true
}

// encodeShardRequest knows the requests about shards.
func encodeShardRequest(m *nodev1.Call, req routing.Request) bool {
	switch r := req.(type) {
	case *routing.TimestampArgs:
		m.Request = &nodev1.Call_Timestamp{Timestamp: &nodev1.TimestampArgs{Count: uint32(r.Count)}}
	case *routing.SplitArgs:
		a := &nodev1.SplitArgs{Key: []byte(r.Key), Right: uint64(r.Right)}
		for _, id := range r.Replicas {
			a.Replicas = append(a.Replicas, uint64(id))
		}
		m.Request = &nodev1.Call_Split{Split: a}
	case *routing.TransferArgs:
		m.Request = &nodev1.Call_Transfer{Transfer: &nodev1.TransferArgs{To: uint64(r.To)}}
	case *routing.StatusArgs:
		m.Request = &nodev1.Call_Status{Status: &nodev1.StatusArgs{}}
	default:
		return false
	}
	return true
}

func encodePrewrite(r *mvcc.PrewriteArgs) *nodev1.PrewriteArgs {
	a := &nodev1.PrewriteArgs{
		Start: uint64(r.Start), Primary: []byte(r.Primary), Digest: encodeDigest(r.Digest),
		Expires: uint64(r.Expires), OnePhase: r.OnePhase, Autocommit: r.Autocommit,
		ReadTs: uint64(r.ReadTS), Async: r.Async, Secondaries: encodeKeys(r.Secondaries), ReadKeys: encodeKeys(r.ReadKeys),
		Mutations: make([]*nodev1.Mutation, len(r.Mutations)),
	}
	for i, mu := range r.Mutations {
		a.Mutations[i] = &nodev1.Mutation{Op: uint32(mu.Op), Key: []byte(mu.Key), Value: mu.Value}
	}
	return a
}

// DecodeCall reads one request and its header.
func DecodeCall(m *nodev1.Call) (routing.Header, routing.Request, error) {
	hd := routing.Header{Shard: routing.ShardID(m.GetShard()), Bounds: routing.BoundsEpoch(m.GetBounds())}
	if hd.Shard == 0 {
		return hd, nil, malformed("a request names no shard")
	}
	micros := min(m.GetTimeoutMicros(), uint64(timeoutMax.Microseconds()))
	hd.Timeout, hd.Trace = time.Duration(micros)*time.Microsecond, decodeTrace(m.GetTrace())
	req, err := decodeTxnRequest(m)
	if req == nil && err == nil {
		req, err = decodeLockRequest(m)
	}
	if req == nil && err == nil {
		req, err = decodeShardRequest(m)
	}
	if req == nil && err == nil {
		req, err = decodeSystemRequest(m)
	}
	if req == nil && err == nil {
		req, err = decodeBrowseRequest(m)
	}
	if req == nil && err == nil {
		err = malformed("a request of a kind that is not known here")
	}
	return hd, req, err
}

// timeoutMax bounds what a sender may ask for: beyond it the arithmetic is all that suffers.
const timeoutMax = time.Hour

func decodeTxnRequest(m *nodev1.Call) (req routing.Request, err error) {
	switch x := m.GetRequest().(type) {
	case *nodev1.Call_Get:
		a := x.Get
		return &mvcc.GetArgs{ReadTS: ts(a.GetReadTs()), Own: ts(a.GetOwn()), Primary: mvcc.Key(a.GetPrimary()),
			Keys: decodeKeys(a.GetKeys())}, nil
	case *nodev1.Call_Scan:
		a := x.Scan
		return &mvcc.ScanArgs{ReadTS: ts(a.GetReadTs()), Own: ts(a.GetOwn()), Primary: mvcc.Key(a.GetPrimary()),
			Span:  mvcc.Span{Start: mvcc.Key(a.GetStart()), End: mvcc.Key(a.GetEnd())},
			Limit: int(a.GetLimit()), MaxBytes: int(a.GetMaxBytes()),
			Reverse: a.GetReverse(), KeysOnly: a.GetKeysOnly()}, nil
	case *nodev1.Call_Prewrite:
		return decodePrewrite(x.Prewrite)
	case *nodev1.Call_Commit:
		a := x.Commit
		digest, err := decodeDigest(a.GetDigest())
		return &mvcc.CommitArgs{Start: ts(a.GetStart()), CommitTS: ts(a.GetCommitTs()),
			Primary: mvcc.Key(a.GetPrimary()), Keys: decodeKeys(a.GetKeys()), Digest: digest}, err
	case *nodev1.Call_Rollback:
		a := x.Rollback
		digest, err := decodeDigest(a.GetDigest())
		return &mvcc.RollbackArgs{Start: ts(a.GetStart()), Primary: mvcc.Key(a.GetPrimary()),
			Keys: decodeKeys(a.GetKeys()), Digest: digest, Fenced: a.GetFenced()}, err
	case *nodev1.Call_CheckTxn:
		a := x.CheckTxn
		return &mvcc.CheckTxnArgs{Start: ts(a.GetStart()), Primary: mvcc.Key(a.GetPrimary()), Now: ts(a.GetNow()),
			MetExpires: ts(a.GetMetExpires()), Force: a.GetForce(), Wait: a.GetWait()}, nil
	case *nodev1.Call_Outcome:
		return &mvcc.OutcomeArgs{Start: ts(x.Outcome.GetStart()), Primary: mvcc.Key(x.Outcome.GetPrimary())}, nil
	case *nodev1.Call_Heartbeat:
		a := x.Heartbeat
		return &mvcc.HeartbeatArgs{Start: ts(a.GetStart()), Primary: mvcc.Key(a.GetPrimary()),
			Expires: ts(a.GetExpires())}, nil
	}
	return nil, nil
}

func decodePrewrite(a *nodev1.PrewriteArgs) (routing.Request, error) {
	digest, err := decodeDigest(a.GetDigest())
	if err != nil {
		return nil, err
	}
	r := &mvcc.PrewriteArgs{Start: ts(a.GetStart()), Primary: mvcc.Key(a.GetPrimary()), Digest: digest,
		Expires: ts(a.GetExpires()), OnePhase: a.GetOnePhase(), Autocommit: a.GetAutocommit(),
		ReadTS: ts(a.GetReadTs()), Async: a.GetAsync(), Secondaries: decodeKeys(a.GetSecondaries()),
		ReadKeys: decodeKeys(a.GetReadKeys())}
	if n := len(a.GetMutations()); n > 0 {
		r.Mutations = make([]mvcc.Mutation, n)
	}
	for i, mu := range a.GetMutations() {
		op := mvcc.MutationOp(mu.GetOp())
		if op < mvcc.MutationPut || mu.GetOp() > uint32(mvcc.MutationClaim) {
			return nil, malformed("a mutation has the unknown operation %d", mu.GetOp())
		}
		r.Mutations[i] = mvcc.Mutation{Op: op, Key: mvcc.Key(mu.GetKey()), Value: mu.GetValue()}
	}
	return r, nil
}

func decodeShardRequest(m *nodev1.Call) (routing.Request, error) {
	switch x := m.GetRequest().(type) {
	case *nodev1.Call_Timestamp:
		return &routing.TimestampArgs{Count: int(x.Timestamp.GetCount())}, nil
	case *nodev1.Call_Split:
		r := &routing.SplitArgs{Key: mvcc.Key(x.Split.GetKey()), Right: routing.ShardID(x.Split.GetRight())}
		for _, id := range x.Split.GetReplicas() {
			r.Replicas = append(r.Replicas, routing.ReplicaID(id))
		}
		return r, nil
	case *nodev1.Call_Transfer:
		return &routing.TransferArgs{To: routing.NodeID(x.Transfer.GetTo())}, nil
	case *nodev1.Call_Status:
		return &routing.StatusArgs{}, nil
	}
	return nil, nil
}

func ts(v uint64) timestamp.Timestamp { return timestamp.Timestamp(v) }
