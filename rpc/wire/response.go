package wire

import (
	"time"

	"github.com/shaledb/shale/mvcc"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/shard/routing"
)

// EncodeReply makes the message of what came of the call id. A response of a type that it
// does not know becomes an error of kind internal.
func EncodeReply(id uint64, res routing.Response, err error) *nodev1.Reply {
	m := &nodev1.Reply{Id: id}
	if err != nil {
		m.Result = &nodev1.Reply_Error{Error: EncodeError(err)}
		return m
	}
	if !encodeTxnResponse(m, res) && !encodeLockResponse(m, res) && !encodeShardResponse(m, res) &&
		!encodeSystemResponse(m, res) && !encodeBrowseResponse(m, res) {
		m.Result = &nodev1.Reply_Error{Error: EncodeError(malformed("%T is no response of a shard", res))}
	}
	return m
}

func encodeTxnResponse(m *nodev1.Reply, res routing.Response) bool {
	switch r := res.(type) {
	case *mvcc.GetResult:
		m.Result = &nodev1.Reply_Get{Get: &nodev1.GetResult{
			ReadTs: uint64(r.ReadTS), Versions: encodeVersions(r.Versions)}}
	case *mvcc.ScanResult:
		m.Result = &nodev1.Reply_Scan{Scan: &nodev1.ScanResult{
			Versions: encodeVersions(r.Versions), More: r.More, Resume: []byte(r.Resume),
			CoveredStart: []byte(r.Covered.Start), CoveredEnd: []byte(r.Covered.End)}}
	case *mvcc.PrewriteResult:
		m.Result = &nodev1.Reply_Prewrite{Prewrite: &nodev1.PrewriteResult{
			MinCommitTs: uint64(r.MinCommitTS), CommitTs: uint64(r.CommitTS)}}
	case *mvcc.CommitResult:
		m.Result = &nodev1.Reply_Commit{Commit: &nodev1.CommitResult{CommitTs: uint64(r.CommitTS)}}
	case *mvcc.TxnStatus:
		m.Result = &nodev1.Reply_Txn{Txn: &nodev1.TxnStatus{
			Decision: uint32(r.Decision), CommitTs: uint64(r.CommitTS), Expires: uint64(r.Expires),
			Locked: r.Locked, Digest: encodeDigest(r.Digest), Expired: r.Expired,
			Async: r.Async, Secondaries: encodeKeys(r.Secondaries), MinCommitTs: uint64(r.MinCommitTS)}}
	default:
		return false
	}
	return true
}

func encodeShardResponse(m *nodev1.Reply, res routing.Response) bool {
	switch r := res.(type) {
	case *routing.TimestampResult:
		m.Result = &nodev1.Reply_Timestamp{Timestamp: &nodev1.TimestampResult{
			First: uint64(r.First), Count: uint32(r.Count), Term: r.Term}}
	case *routing.SplitResult:
		m.Result = &nodev1.Reply_Split{Split: &nodev1.SplitResult{
			Left: EncodeDescriptor(&r.Left), Right: EncodeDescriptor(&r.Right)}}
	case *routing.TransferResult:
		m.Result = &nodev1.Reply_Transfer{Transfer: &nodev1.TransferResult{Leader: uint64(r.Leader)}}
	case *routing.StatusResult:
		m.Result = &nodev1.Reply_Status{Status: encodeStatus(r)}
	default:
		return false
	}
	return true
}

func encodeVersions(vs []mvcc.Version) []*nodev1.Version {
	if len(vs) == 0 {
		return nil
	}
	ms := make([]*nodev1.Version, len(vs))
	flat := make([]nodev1.Version, len(vs)) // one allocation for a page
	for i := range vs {
		v, m := &vs[i], &flat[i]
		m.Key, m.CommitTs, m.StartTs = []byte(v.Key), uint64(v.CommitTS), uint64(v.StartTS)
		m.Op, m.Value = uint32(v.Op), v.Value
		ms[i] = m
	}
	return ms
}

func encodeStatus(r *routing.StatusResult) *nodev1.StatusResult {
	m := &nodev1.StatusResult{
		Node: uint64(r.Node), Term: r.Term, Leading: r.Leading,
		LeaseUntilNanos: int64(r.LeaseUntil), Applied: uint64(r.Applied), Flushed: uint64(r.Flushed),
		LogFirst: uint64(r.LogFirst), Locks: uint64(r.Locks), Waiting: uint64(r.Waiting),
		OverlayRows: uint64(r.OverlayRows), SizeBytes: r.SizeBytes, Quarantine: r.Quarantine,
		Role: r.Role, Lead: uint64(r.Lead), Vote: uint64(r.Vote), Commit: uint64(r.Commit), LogLast: uint64(r.LogLast),
		MaxRead: uint64(r.MaxRead), Reads: r.Reads, Writes: r.Writes,
	}
	if r.Descriptor.ID != 0 { // a replica in quarantine may not know its own
		m.Descriptor_ = EncodeDescriptor(&r.Descriptor)
	}
	for _, p := range r.Progress {
		m.Progress = append(m.Progress, &nodev1.ReplicaProgress{
			Replica: uint64(p.Replica), Match: uint64(p.Match), State: p.State})
	}
	return m
}

// DecodeReply reads what came of a call: a response, or the error that the other side met
// (of the same type as there), or a *mvcc.InvalidError where the message makes no sense.
func DecodeReply(m *nodev1.Reply) (res routing.Response, err error) {
	if x, ok := m.GetResult().(*nodev1.Reply_Error); ok {
		return nil, DecodeError(x.Error)
	}
	res, err = decodeTxnResponse(m)
	if res == nil && err == nil {
		res, err = decodeLockResponse(m)
	}
	if res == nil && err == nil {
		res, err = decodeShardResponse(m)
	}
	if res == nil && err == nil {
		res, err = decodeSystemResponse(m)
	}
	if res == nil && err == nil {
		res, err = decodeBrowseResponse(m)
	}
	if res == nil && err == nil {
		err = malformed("a response of a kind that is not known here")
	}
	if err != nil {
		return nil, err
	}
	return res, nil
}

func decodeTxnResponse(m *nodev1.Reply) (routing.Response, error) {
	switch x := m.GetResult().(type) {
	case *nodev1.Reply_Get:
		versions, err := decodeVersions(x.Get.GetVersions())
		return &mvcc.GetResult{ReadTS: ts(x.Get.GetReadTs()), Versions: versions}, err
	case *nodev1.Reply_Scan:
		r := x.Scan
		versions, err := decodeVersions(r.GetVersions())
		return &mvcc.ScanResult{Versions: versions, More: r.GetMore(), Resume: mvcc.Key(r.GetResume()),
			Covered: mvcc.Span{Start: mvcc.Key(r.GetCoveredStart()), End: mvcc.Key(r.GetCoveredEnd())}}, err
	case *nodev1.Reply_Prewrite:
		return &mvcc.PrewriteResult{MinCommitTS: ts(x.Prewrite.GetMinCommitTs()),
			CommitTS: ts(x.Prewrite.GetCommitTs())}, nil
	case *nodev1.Reply_Commit:
		return &mvcc.CommitResult{CommitTS: ts(x.Commit.GetCommitTs())}, nil
	case *nodev1.Reply_Txn:
		return decodeTxnStatus(x.Txn)
	}
	return nil, nil
}

func decodeTxnStatus(m *nodev1.TxnStatus) (routing.Response, error) {
	digest, err := decodeDigest(m.GetDigest())
	if m.GetDecision() > uint32(mvcc.Fenced) {
		err = malformed("the unknown decision %d", m.GetDecision())
	}
	return &mvcc.TxnStatus{Decision: mvcc.Decision(m.GetDecision()), CommitTS: ts(m.GetCommitTs()),
		Expires: ts(m.GetExpires()), Locked: m.GetLocked(), Digest: digest, Expired: m.GetExpired(),
		Async: m.GetAsync(), Secondaries: decodeKeys(m.GetSecondaries()), MinCommitTS: ts(m.GetMinCommitTs())}, err
}

func decodeVersions(ms []*nodev1.Version) ([]mvcc.Version, error) {
	if len(ms) == 0 {
		return nil, nil
	}
	vs := make([]mvcc.Version, len(ms))
	for i, m := range ms {
		if m.GetOp() > uint32(mvcc.OpDelete) {
			return nil, malformed("a version has the unknown operation %d", m.GetOp())
		}
		vs[i] = mvcc.Version{Key: mvcc.Key(m.GetKey()), CommitTS: ts(m.GetCommitTs()),
			StartTS: ts(m.GetStartTs()), Op: mvcc.Op(m.GetOp()), Value: m.GetValue()}
		if vs[i].Op == mvcc.OpPut && vs[i].Value == nil {
			vs[i].Value = []byte{} // protobuf knows no empty value; nil is a delete's
		}
	}
	return vs, nil
}

func decodeShardResponse(m *nodev1.Reply) (routing.Response, error) {
	switch x := m.GetResult().(type) {
	case *nodev1.Reply_Timestamp:
		r := x.Timestamp
		return &routing.TimestampResult{First: ts(r.GetFirst()), Count: int(r.GetCount()), Term: r.GetTerm()}, nil
	case *nodev1.Reply_Split:
		left, err := DecodeDescriptor(x.Split.GetLeft())
		if err != nil {
			return nil, err
		}
		right, err := DecodeDescriptor(x.Split.GetRight())
		return &routing.SplitResult{Left: left, Right: right}, err
	case *nodev1.Reply_Transfer:
		return &routing.TransferResult{Leader: routing.NodeID(x.Transfer.GetLeader())}, nil
	case *nodev1.Reply_Status:
		return decodeStatus(x.Status)
	}
	return nil, nil
}

func decodeStatus(m *nodev1.StatusResult) (routing.Response, error) {
	r := &routing.StatusResult{
		Node: routing.NodeID(m.GetNode()), Term: m.GetTerm(), Leading: m.GetLeading(),
		LeaseUntil: time.Duration(m.GetLeaseUntilNanos()), Applied: mvcc.Index(m.GetApplied()),
		Flushed: mvcc.Index(m.GetFlushed()), LogFirst: mvcc.Index(m.GetLogFirst()), Locks: int(m.GetLocks()),
		Waiting: int(m.GetWaiting()), OverlayRows: int(m.GetOverlayRows()), SizeBytes: m.GetSizeBytes(),
		Quarantine: m.GetQuarantine(), Role: m.GetRole(), Lead: routing.NodeID(m.GetLead()), Vote: routing.ReplicaID(m.GetVote()),
		Commit: mvcc.Index(m.GetCommit()), LogLast: mvcc.Index(m.GetLogLast()), MaxRead: ts(m.GetMaxRead()),
		Reads: m.GetReads(), Writes: m.GetWrites(),
	}
	if m.GetDescriptor_() != nil {
		d, err := DecodeDescriptor(m.GetDescriptor_())
		if err != nil {
			return nil, err
		}
		r.Descriptor = d
	}
	for _, p := range m.GetProgress() {
		r.Progress = append(r.Progress, routing.ReplicaProgress{Replica: routing.ReplicaID(p.GetReplica()),
			Match: mvcc.Index(p.GetMatch()), State: p.GetState()})
	}
	return r, nil
}
