package wire

import (
	"time"

	"github.com/shaledb/shale/mvcc"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/shard/routing"
)

// What people ask who look inside.

func encodeBrowseRequest(m *nodev1.Call, req routing.Request) bool {
	switch r := req.(type) {
	case *mvcc.VersionsArgs:
		m.Request = &nodev1.Call_Versions{Versions: &nodev1.VersionsArgs{
			ReadTs: uint64(r.ReadTS), Span: encodeSpan(r.Span), After: encodeVersionName(r.After), Above: uint64(r.Above),
			Base: r.Base, StartTs: uint64(r.StartTS), Limit: uint32(r.Limit), MaxBytes: uint32(r.MaxBytes), KeysOnly: r.KeysOnly}}
	case *mvcc.LocksArgs:
		m.Request = &nodev1.Call_Locks{Locks: &nodev1.LocksArgs{
			Span: encodeSpan(r.Span), After: []byte(r.After), Limit: uint32(r.Limit)}}
	case *mvcc.RecordsArgs:
		m.Request = &nodev1.Call_Records{Records: &nodev1.RecordsArgs{
			Span: encodeSpan(r.Span), After: encodeRecordName(r.After), StartTs: uint64(r.StartTS), Limit: uint32(r.Limit)}}
	case *routing.QueueArgs:
		m.Request = &nodev1.Call_Queue{Queue: &nodev1.QueueArgs{Limit: uint32(r.Limit)}}
	case *routing.HotArgs:
		m.Request = &nodev1.Call_Hot{Hot: &nodev1.HotArgs{Limit: uint32(r.Limit)}}
	default:
		return false
	}
	return true
}

func decodeBrowseRequest(m *nodev1.Call) (routing.Request, error) {
	switch x := m.GetRequest().(type) {
	case *nodev1.Call_Versions:
		a := x.Versions
		return &mvcc.VersionsArgs{ReadTS: ts(a.GetReadTs()), Span: decodeSpan(a.GetSpan()), After: decodeVersionName(a.GetAfter()),
			Above: ts(a.GetAbove()), Base: a.GetBase(), StartTS: ts(a.GetStartTs()), Limit: int(a.GetLimit()),
			MaxBytes: int(a.GetMaxBytes()), KeysOnly: a.GetKeysOnly()}, nil
	case *nodev1.Call_Locks:
		a := x.Locks
		return &mvcc.LocksArgs{Span: decodeSpan(a.GetSpan()), After: mvcc.Key(a.GetAfter()), Limit: int(a.GetLimit())}, nil
	case *nodev1.Call_Records:
		a := x.Records
		return &mvcc.RecordsArgs{Span: decodeSpan(a.GetSpan()), After: decodeRecordName(a.GetAfter()),
			StartTS: ts(a.GetStartTs()), Limit: int(a.GetLimit())}, nil
	case *nodev1.Call_Queue:
		return &routing.QueueArgs{Limit: int(x.Queue.GetLimit())}, nil
	case *nodev1.Call_Hot:
		return &routing.HotArgs{Limit: int(x.Hot.GetLimit())}, nil
	}
	return nil, nil
}

func encodeBrowseResponse(m *nodev1.Reply, res routing.Response) bool {
	switch r := res.(type) {
	case *mvcc.VersionsResult:
		m.Result = &nodev1.Reply_Versions{Versions: &nodev1.VersionsResult{Versions: encodeVersions(r.Versions),
			More: r.More, Resume: encodeVersionName(r.Resume), Covered: encodeSpan(r.Covered)}}
	case *mvcc.LocksResult:
		a := &nodev1.LocksResult{More: r.More, Resume: []byte(r.Resume), Covered: encodeSpan(r.Covered)}
		for i := range r.Locks {
			a.Locks = append(a.Locks, encodeLock(&r.Locks[i]))
		}
		m.Result = &nodev1.Reply_Locks{Locks: a}
	case *mvcc.RecordsResult:
		a := &nodev1.RecordsResult{More: r.More, Resume: encodeRecordName(r.Resume), Covered: encodeSpan(r.Covered)}
		for _, c := range r.Records {
			a.Records = append(a.Records, &nodev1.Record{Key: []byte(c.Key), StartTs: uint64(c.StartTS),
				Decision: uint32(c.Decision), CommitTs: uint64(c.CommitTS), Digest: encodeDigest(c.Digest)})
		}
		m.Result = &nodev1.Reply_Records{Records: a}
	case *routing.QueueResult:
		a := &nodev1.QueueResult{More: r.More}
		for _, w := range r.Waits {
			a.Waits = append(a.Waits, &nodev1.Waiting{Waiter: uint64(w.Waiter), Holder: uint64(w.Holder), Key: []byte(w.Key),
				Request: w.Request, ForNanos: int64(w.For)})
		}
		m.Result = &nodev1.Reply_Queue{Queue: a}
	case *routing.HotResult:
		a := &nodev1.HotResult{Reads: r.Reads, Writes: r.Writes}
		for _, k := range r.Keys {
			a.Keys = append(a.Keys, &nodev1.HotKey{Key: []byte(k.Key), Reads: k.Reads, Writes: k.Writes, Error: k.Error})
		}
		m.Result = &nodev1.Reply_Hot{Hot: a}
	default:
		return false
	}
	return true
}

func decodeBrowseResponse(m *nodev1.Reply) (routing.Response, error) {
	switch x := m.GetResult().(type) {
	case *nodev1.Reply_Versions:
		r := x.Versions
		versions, err := decodeVersions(r.GetVersions())
		return &mvcc.VersionsResult{Versions: versions, More: r.GetMore(), Resume: decodeVersionName(r.GetResume()),
			Covered: decodeSpan(r.GetCovered())}, err
	case *nodev1.Reply_Locks:
		return decodeLocks(x.Locks)
	case *nodev1.Reply_Records:
		return decodeRecords(x.Records)
	case *nodev1.Reply_Queue:
		r := &routing.QueueResult{More: x.Queue.GetMore()}
		for _, w := range x.Queue.GetWaits() {
			r.Waits = append(r.Waits, routing.Waiting{Waiter: ts(w.GetWaiter()), Holder: ts(w.GetHolder()), Key: mvcc.Key(w.GetKey()),
				Request: w.GetRequest(), For: time.Duration(w.GetForNanos())})
		}
		return r, nil
	case *nodev1.Reply_Hot:
		r := &routing.HotResult{Reads: x.Hot.GetReads(), Writes: x.Hot.GetWrites()}
		for _, k := range x.Hot.GetKeys() {
			r.Keys = append(r.Keys, routing.HotKey{Key: mvcc.Key(k.GetKey()), Reads: k.GetReads(), Writes: k.GetWrites(), Error: k.GetError()})
		}
		return r, nil
	}
	return nil, nil
}

func decodeLocks(m *nodev1.LocksResult) (routing.Response, error) {
	r := &mvcc.LocksResult{More: m.GetMore(), Resume: mvcc.Key(m.GetResume()), Covered: decodeSpan(m.GetCovered())}
	for _, l := range m.GetLocks() {
		lock, err := decodeLock(l)
		if err != nil {
			return nil, err
		}
		r.Locks = append(r.Locks, lock)
	}
	return r, nil
}

func decodeRecords(m *nodev1.RecordsResult) (routing.Response, error) {
	r := &mvcc.RecordsResult{More: m.GetMore(), Resume: decodeRecordName(m.GetResume()), Covered: decodeSpan(m.GetCovered())}
	for _, c := range m.GetRecords() {
		digest, err := decodeDigest(c.GetDigest())
		if err != nil {
			return nil, err
		}
		if c.GetDecision() < uint32(mvcc.Committed) || c.GetDecision() > uint32(mvcc.Fenced) {
			return nil, malformed("a record has the unknown decision %d", c.GetDecision())
		}
		r.Records = append(r.Records, mvcc.Record{Key: mvcc.Key(c.GetKey()), StartTS: ts(c.GetStartTs()),
			Decision: mvcc.Decision(c.GetDecision()), CommitTS: ts(c.GetCommitTs()), Digest: digest})
	}
	return r, nil
}

func encodeSpan(s mvcc.Span) *nodev1.Span {
	return &nodev1.Span{Start: []byte(s.Start), End: []byte(s.End)}
}

func decodeSpan(m *nodev1.Span) mvcc.Span {
	return mvcc.Span{Start: mvcc.Key(m.GetStart()), End: mvcc.Key(m.GetEnd())}
}

// encodeVersionName leaves the zero name out.
func encodeVersionName(n mvcc.VersionName) *nodev1.VersionName {
	if n == (mvcc.VersionName{}) {
		return nil
	}
	return &nodev1.VersionName{Key: []byte(n.Key), CommitTs: uint64(n.CommitTS), StartTs: uint64(n.StartTS), ValueId: uint64(n.ValueID)}
}

func decodeVersionName(m *nodev1.VersionName) mvcc.VersionName {
	return mvcc.VersionName{Key: mvcc.Key(m.GetKey()), CommitTS: ts(m.GetCommitTs()), StartTS: ts(m.GetStartTs()),
		ValueID: mvcc.ValueID(m.GetValueId())}
}

// encodeRecordName leaves the zero name out.
func encodeRecordName(n mvcc.RecordName) *nodev1.RecordName {
	if n == (mvcc.RecordName{}) {
		return nil
	}
	return &nodev1.RecordName{Key: []byte(n.Key), StartTs: uint64(n.StartTS)}
}

func decodeRecordName(m *nodev1.RecordName) mvcc.RecordName {
	return mvcc.RecordName{Key: mvcc.Key(m.GetKey()), StartTS: ts(m.GetStartTs())}
}
