package wire

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/routing"
)

// What the cases below are made of; constant.
var (
	digest = mvcc.Digest{1, 2, 3, 15: 9}
	left   = routing.Descriptor{ID: 2, Span: mvcc.Span{Start: "\x01", End: "m"}, Epoch: routing.Epoch{Bounds: 3, Members: 1},
		Replicas: []routing.Replica{{ID: 1, Node: 1, Role: routing.Voter}, {ID: 7, Node: 3, Role: routing.Learner}}, Leader: 3}
	cycle = []mvcc.WaitEdge{{Waiter: 5, Holder: 6, Key: "a"}, {Waiter: 6, Holder: 5, Key: "b"}}
	right = routing.Descriptor{ID: 9, Span: mvcc.Span{Start: "m"}, Epoch: routing.Epoch{Bounds: 3, Members: 2}}
)

// everyOp is a mutation of each operation there is.
func everyOp() []mvcc.Mutation {
	var out []mvcc.Mutation
	for op := mvcc.MutationPut; op <= mvcc.MutationClaim; op++ {
		out = append(out, mvcc.Mutation{Op: op, Key: "a", Value: []byte("v")})
	}
	return out
}

func requests() []routing.Request {
	return []routing.Request{
		&mvcc.GetArgs{ReadTS: 100, Own: 7, Primary: "a", Keys: []mvcc.Key{"a", "b\x00"}},
		&mvcc.ScanArgs{ReadTS: 100, Own: 3, Primary: "a", Span: mvcc.Span{Start: "a", End: "z"}, Limit: 5, MaxBytes: 1 << 20, Reverse: true, KeysOnly: true},
		&mvcc.PrewriteArgs{Start: 5, Primary: "a", Digest: digest, Expires: 9, OnePhase: true, Autocommit: true,
			ReadTS: 7, Async: true, Secondaries: []mvcc.Key{"b", "c"}, ReadKeys: []mvcc.Key{"r"}, Mutations: everyOp()},
		&mvcc.CommitArgs{Start: 5, CommitTS: 6, Primary: "a", Keys: []mvcc.Key{"a"}, Digest: digest},
		&mvcc.RollbackArgs{Start: 5, Primary: "a", Keys: []mvcc.Key{"a"}, Fenced: true},
		&mvcc.CheckTxnArgs{Start: 5, Primary: "a", Now: 7, MetExpires: 8, Force: true, Wait: true},
		&mvcc.OutcomeArgs{Start: 5, Primary: "a"},
		&mvcc.HeartbeatArgs{Start: 5, Primary: "a", Expires: 99},
		&mvcc.ClaimArgs{Start: 5, ReadTS: 6, Primary: "a", Keys: []mvcc.Key{"a", "b"}, Expires: 99, Fixed: true},
		&mvcc.FenceArgs{Start: 5, Primary: "a", Keys: []mvcc.Key{"b"}, Digest: digest, Fence: true},
		&mvcc.ValidateArgs{Start: 5, ReadTS: 6, At: 7, Keys: []mvcc.Key{"r"}, Spans: []mvcc.Span{{Start: "a", End: "b"}, {Start: "m"}}},
		&routing.WaitArgs{Edges: cycle},
		&routing.VictimArgs{Start: 5, Key: "a", Cycle: cycle},
		&routing.TimestampArgs{Count: 12},
		&routing.SplitArgs{Key: "m", Right: 9, Replicas: []routing.ReplicaID{4, 5, 6}},
		&routing.TransferArgs{To: 2},
		&routing.StatusArgs{},
		&mvcc.VersionsArgs{ReadTS: 100, Span: mvcc.Span{Start: "a", End: "z"}, After: mvcc.VersionName{Key: "b", CommitTS: 7, StartTS: 6, ValueID: 5},
			Above: 3, Base: true, StartTS: 6, Limit: 5, MaxBytes: 1 << 20, KeysOnly: true},
		&mvcc.LocksArgs{Span: mvcc.Span{Start: "a", End: "z"}, After: "b", Limit: 5},
		&mvcc.RecordsArgs{Span: mvcc.Span{Start: "a", End: "z"}, After: mvcc.RecordName{Key: "b", StartTS: 6}, StartTS: 7, Limit: 5},
		&routing.QueueArgs{Limit: 5},
		&routing.HotArgs{Limit: 5},
		&directory.ListArgs{Since: 4},
		&directory.LookupArgs{Key: "k"},
		&directory.JoinArgs{StoreID: "s", Address: "h:1"},
		&directory.ReportArgs{Node: 2, Address: "h:1", Shards: []routing.Descriptor{left, right}},
		&directory.AllocateArgs{ReplicaCount: 3},
		&directory.DrainArgs{Node: 2, Undo: true},
	}
}

func responses() []routing.Response {
	return []routing.Response{
		&mvcc.GetResult{ReadTS: 9, Versions: []mvcc.Version{{}, {Key: "a", CommitTS: 4, StartTS: 3, Op: mvcc.OpPut, Value: []byte("v")},
			{Key: "b", CommitTS: 4, StartTS: 3, Op: mvcc.OpDelete}, {Key: "c", CommitTS: 4, StartTS: 3, Op: mvcc.OpPut, Value: []byte{}}}},
		&mvcc.ScanResult{Versions: []mvcc.Version{{Key: "a", CommitTS: 4, StartTS: 3, Op: mvcc.OpPut, Value: []byte("v")}},
			More: true, Resume: "b", Covered: mvcc.Span{Start: "a", End: "m"}},
		&mvcc.PrewriteResult{MinCommitTS: 8, CommitTS: 9},
		&mvcc.CommitResult{CommitTS: 9},
		&mvcc.TxnStatus{Decision: mvcc.Committed, CommitTS: 9, Expires: 4, Locked: true, Digest: digest, Expired: true,
			Async: true, Secondaries: []mvcc.Key{"b", "c"}, MinCommitTS: 8},
		&mvcc.ClaimResult{Versions: []mvcc.Version{{}, {Key: "a", CommitTS: 4, StartTS: 3, Op: mvcc.OpPut, Value: []byte("v")}}},
		&mvcc.FenceResult{Missing: []mvcc.Key{"b"}, Fenced: true, MinCommitTS: 8, CommitTS: 9},
		&mvcc.ValidateResult{},
		&routing.WaitResult{Cycles: [][]mvcc.WaitEdge{cycle, cycle[:1]}},
		&routing.VictimResult{Ended: true},
		&routing.TimestampResult{First: 77, Count: 3, Term: 6},
		&routing.SplitResult{Left: left, Right: right},
		&routing.TransferResult{Leader: 3},
		&routing.StatusResult{Descriptor: left, Node: 1, Term: 6, Leading: true, LeaseUntil: -time.Second, Applied: 9, Flushed: 8,
			LogFirst: 2, Locks: 4, Waiting: 5, OverlayRows: 6, SizeBytes: 1 << 40, Quarantine: "q",
			Role: "leader", Lead: 3, Vote: 7, Commit: 9, LogLast: 10, MaxRead: 99, Reads: 11, Writes: 12,
			Progress: []routing.ReplicaProgress{{Replica: 2, Match: 8, State: "replicate"}}},
		&directory.ListResult{Version: 5, ClusterID: "c", Nodes: []directory.Node{{ID: 1, StoreID: "s", Address: "h:1", Draining: true}},
			Shards: []routing.Descriptor{left, right}},
		&directory.LookupResult{Shards: []routing.Descriptor{left}},
		&directory.JoinResult{Node: 4, ClusterID: "c"},
		&directory.ReportResult{Version: 8},
		&directory.AllocateResult{Shard: 12, Replicas: []routing.ReplicaID{4, 5}},
		&mvcc.VersionsResult{Versions: []mvcc.Version{{Key: "a", CommitTS: 4, StartTS: 3, Op: mvcc.OpPut, Value: []byte("v")},
			{Key: "a", CommitTS: 2, StartTS: 1, Op: mvcc.OpDelete}}, More: true, Resume: mvcc.VersionName{Key: "a", CommitTS: 2, StartTS: 1},
			Covered: mvcc.Span{Start: "a", End: "m"}},
		&mvcc.LocksResult{Locks: []mvcc.Lock{errorLock(), {Key: "b", StartTS: 3, Primary: "a", Kind: mvcc.LockClaim}},
			More: true, Resume: "b", Covered: mvcc.Span{Start: "a", End: "m"}},
		&mvcc.RecordsResult{Records: []mvcc.Record{{Key: "a", StartTS: 3, Decision: mvcc.Committed, CommitTS: 4, Digest: digest},
			{Key: "b", StartTS: 3, Decision: mvcc.Fenced}}, More: true, Resume: mvcc.RecordName{Key: "b", StartTS: 3},
			Covered: mvcc.Span{Start: "a", End: "m"}},
		&routing.QueueResult{Waits: []routing.Waiting{{Waiter: 5, Holder: 6, Key: "a", Request: "get", For: time.Second}}, More: true},
		&routing.HotResult{Reads: 7, Writes: 8, Keys: []routing.HotKey{{Key: "a", Reads: 1.5, Writes: 2.5, Error: 0.5}}},
		&directory.DrainResult{Version: 9},
	}
}

// over sends a message through its bytes.
func over[M proto.Message](t *testing.T, m, into M) M {
	t.Helper()
	b, err := proto.Marshal(m)
	require.NoError(t, err)
	require.NoError(t, proto.Unmarshal(b, into))
	return into
}

func TestRequestsGoThereAndBack(t *testing.T) {
	kinds := (&nodev1.Call{}).ProtoReflect().Descriptor().Oneofs().ByName("request").Fields().Len()
	require.Len(t, requests(), kinds, "each request of the oneof is tried")
	for _, req := range requests() {
		hd := routing.Header{Shard: 4, Bounds: 5, Timeout: 1500 * time.Millisecond}
		m, err := EncodeCall(3, hd, req)
		require.NoError(t, err)
		gotHeader, got, err := DecodeCall(over(t, m, &nodev1.Call{}))
		require.NoError(t, err, "%T", req)
		require.Equal(t, hd, gotHeader)
		require.Equal(t, req, got)
	}
	_, err := EncodeCall(1, routing.Header{Shard: 1}, "no request")
	require.Error(t, err)
}

func TestResponsesGoThereAndBack(t *testing.T) {
	tried := map[string]bool{}
	for _, res := range responses() {
		m := over(t, EncodeReply(3, res, nil), &nodev1.Reply{})
		require.EqualValues(t, 3, m.GetId())
		got, err := DecodeReply(m)
		require.NoError(t, err, "%T", res)
		require.Equal(t, res, got)
		tried[fmt.Sprintf("%T", m.GetResult())] = true
	}
	kinds := (&nodev1.Reply{}).ProtoReflect().Descriptor().Oneofs().ByName("result").Fields().Len()
	require.Len(t, tried, kinds-1, "each result of the oneof is tried; the error has a test of its own")
	_, err := DecodeReply(EncodeReply(1, "no response", nil))
	require.Error(t, err)
}

// Every field of every Args and Result is set in the lists above, so that one forgotten in a
// conversion shows.
func TestEveryFieldIsTried(t *testing.T) {
	optional := map[string]bool{
		"RollbackArgs.Digest": true, // zero means whatever stands
		"InvalidError.Key":    true, // an empty key is one of the mistakes
	}
	all := requests()
	for _, res := range responses() {
		all = append(all, res)
	}
	for _, c := range errorCases() {
		if c.code != connect.CodeDeadlineExceeded && c.code != connect.CodeCanceled { // package context's
			all = append(all, c.err)
		}
	}
	lock := errorLock() // all that a lock says but its value, which nobody needs who meets it
	lock.ValueID, lock.Value = 1, []byte("v")
	for _, x := range append(all, &lock) {
		v := reflect.ValueOf(x).Elem()
		for i := range v.NumField() {
			name := v.Type().Name() + "." + v.Type().Field(i).Name
			require.False(t, v.Field(i).IsZero() && !optional[name], name)
		}
	}
}

var undetermined = &mvcc.UndeterminedError{StartTS: 5, Primary: "a", Cause: context.DeadlineExceeded}

func errorLock() mvcc.Lock {
	return mvcc.Lock{Key: "k", StartTS: 5, Primary: "a", Kind: mvcc.LockPut, MinCommitTS: 6, Expires: 7, Digest: digest,
		Async: true, Secondaries: []mvcc.Key{"k", "l"}}
}

// errorCases are the contract's error table, row by row: every type, its code and its reason.
func errorCases() []struct {
	err    error
	code   connect.Code
	reason string
} {
	return []struct {
		err    error
		code   connect.Code
		reason string
	}{
		{&mvcc.WriteConflictError{Key: "k", StartTS: 5, ConflictTS: 6, Final: true}, connect.CodeAborted, "WRITE_CONFLICT"},
		{&mvcc.TxnAbortedError{StartTS: 5, Key: "k"}, connect.CodeAborted, "TXN_ABORTED"},
		{&mvcc.DeadlockError{StartTS: 5, Key: "k", Cycle: cycle}, connect.CodeAborted, "DEADLOCK"},
		{&mvcc.LockedError{Lock: errorLock()}, connect.CodeUnavailable, "LOCKED"},
		{&mvcc.AlreadyExistsError{Key: "k"}, connect.CodeAlreadyExists, "ALREADY_EXISTS"},
		{&mvcc.CheckFailedError{Key: "k", Op: mvcc.MutationCheckValue}, connect.CodeFailedPrecondition, "CHECK_FAILED"},
		{&mvcc.AtomicError{Key: "k", Op: mvcc.MutationAdd, What: "w"}, connect.CodeFailedPrecondition, "ATOMIC_FAILED"},
		{&mvcc.DigestMismatchError{StartTS: 5, Key: "k"}, connect.CodeInvalidArgument, "CONTENT_MISMATCH"},
		{&mvcc.BelowSafepointError{TS: 5, Safepoint: 6}, connect.CodeOutOfRange, "BELOW_SAFEPOINT"},
		{&mvcc.ExpiredError{StartTS: 5, Safepoint: 6}, connect.CodeFailedPrecondition, "EXPIRED"},
		{&mvcc.FutureError{TS: 5, Newest: 4}, connect.CodeOutOfRange, "IN_FUTURE"},
		{mvcc.ValidateKey(""), connect.CodeInvalidArgument, "KEY_EMPTY"},
		{mvcc.ValidateKey("\x00k"), connect.CodePermissionDenied, "KEY_SYSTEM"},
		{&mvcc.InvalidError{Reason: mvcc.ReasonTxnEnded, Key: "k", What: "w", Hint: "h"}, connect.CodeFailedPrecondition, "TXN_ENDED"},
		{undetermined, connect.CodeUnavailable, "OUTCOME_PENDING"},
		{&OutcomeUnknownError{Cause: undetermined}, connect.CodeUnknown, "OUTCOME_UNKNOWN"},
		{&mvcc.CorruptError{File: "f", Offset: 9, Row: "r", What: "w", Remedy: "m"}, connect.CodeDataLoss, "CORRUPT"},
		{&routing.NotLeaderError{Shard: 3, Leader: 2}, connect.CodeUnavailable, "NOT_LEADER"},
		{&routing.EpochMismatchError{Shard: 3, Current: []routing.Descriptor{left, right}}, connect.CodeUnavailable, "ROUTE_CHANGED"},
		{&routing.UnknownShardError{Shard: 3}, connect.CodeUnavailable, "UNKNOWN_SHARD"},
		{&routing.UnavailableError{Shard: 3, Why: "w", Maybe: true}, connect.CodeUnavailable, "UNAVAILABLE"},
		{&routing.OverloadedError{Shard: 3, Why: "w"}, connect.CodeResourceExhausted, "OVERLOADED"},
		{&routing.KeySystemError{Key: "\x00"}, connect.CodePermissionDenied, "KEY_SYSTEM"},
		{&ReadOnlyError{}, connect.CodeFailedPrecondition, "READ_ONLY"},
		{&UnimplementedError{What: "w"}, connect.CodeUnimplemented, "UNIMPLEMENTED"},
		{&AnswerTooLargeError{What: "w"}, connect.CodeResourceExhausted, "ANSWER_TOO_LARGE"},
		{&NotFoundError{What: "w"}, connect.CodeNotFound, "NOT_FOUND"},
		{context.DeadlineExceeded, connect.CodeDeadlineExceeded, "DEADLINE_EXCEEDED"},
		{context.Canceled, connect.CodeCanceled, "CANCELED"},
		{&InternalError{What: "w"}, connect.CodeInternal, "INTERNAL"},
	}
}

func TestEveryErrorBothWays(t *testing.T) {
	kinds := map[nodev1.ErrorKind]bool{}
	for _, c := range errorCases() {
		for _, err := range []error{c.err, fmt.Errorf("commit: %w", c.err)} {
			m := over(t, EncodeError(err), &nodev1.Error{})
			kinds[m.GetKind()] = true
			require.Equal(t, c.err, DecodeError(m))

			public := Public(err)
			require.Equal(t, c.code, public.Code(), "%T", c.err)
			require.True(t, strings.HasPrefix(public.Message(), c.reason+": "), public.Message())
			d := Detail(public)
			require.NotNil(t, d)
			require.Equal(t, c.reason, d.GetReason())
			require.NotEmpty(t, d.GetHint(), "%T", c.err)
		}
	}
	require.Len(t, kinds, len(nodev1.ErrorKind_name)-1, "each kind is tried")
	for _, r := range table {
		require.True(t, kinds[r.kind], r.kind)
	}
}

func TestDetailNamesWhatTheErrorNames(t *testing.T) {
	d := Detail(Public(&mvcc.WriteConflictError{Key: "k", StartTS: 5, ConflictTS: 6}))
	require.Equal(t, "k", string(d.GetKey()))
	require.EqualValues(t, 5, d.GetTxnId())
	require.EqualValues(t, 6, d.GetCommitTimestamp())
	d = Detail(Public(&OutcomeUnknownError{Cause: undetermined})) // S9: the ids to ask Outcome with
	require.Equal(t, "a", string(d.GetKey()))
	require.EqualValues(t, 5, d.GetTxnId())
	d = Detail(Public(&mvcc.DeadlockError{StartTS: 5, Key: "k", Cycle: cycle})) // S23: the keys and the transactions
	require.EqualValues(t, 5, d.GetTxnId())
	require.Len(t, d.GetCycle(), 2)
	require.Equal(t, "6 5 b", fmt.Sprintf("%d %d %s", d.GetCycle()[1].GetWaiter(), d.GetCycle()[1].GetHolder(), d.GetCycle()[1].GetKey()))
}

// An error travels in headers, and a client's bound on those is not ours.
func TestPublicErrorIsBounded(t *testing.T) {
	e := &mvcc.DeadlockError{StartTS: 5, Key: "k"}
	for range 1000 {
		e.Cycle = append(e.Cycle, mvcc.WaitEdge{Waiter: 5, Holder: 6, Key: mvcc.Key(strings.Repeat("\xff", mvcc.MaxKeySize))})
	}
	public := Public(e)
	require.LessOrEqual(t, len(public.Message()), messageMax+len("…"))
	require.True(t, strings.HasPrefix(public.Message(), "DEADLOCK: "))
	require.Less(t, proto.Size(Detail(public)), 64<<10)
	require.Len(t, DecodeError(EncodeError(e)).(*mvcc.DeadlockError).Cycle, 1000, "between nodes all of it")
}

func TestStrangeErrorIsInternal(t *testing.T) {
	err := DecodeError(EncodeError(errors.New("strange")))
	var internal *InternalError
	require.ErrorAs(t, err, &internal)
	require.Equal(t, "strange", internal.What)
	require.Equal(t, connect.CodeInternal, Public(errors.New("strange")).Code())
	require.Nil(t, Public(nil))
	require.Nil(t, Detail(errors.New("strange")))
	deep := &nodev1.Error{Kind: nodev1.ErrorKind_ERROR_KIND_UNDETERMINED}
	for range 1000 {
		deep = &nodev1.Error{Kind: nodev1.ErrorKind_ERROR_KIND_UNDETERMINED, Cause: deep}
	}
	require.Error(t, DecodeError(deep), "a forged chain of causes is not followed for ever")
}

func TestForgedMessagesAreRefused(t *testing.T) {
	calls := map[string]*nodev1.Call{
		"no shard":        {Request: &nodev1.Call_Status{}},
		"no request":      {Shard: 1},
		"short digest":    {Shard: 1, Request: &nodev1.Call_Commit{Commit: &nodev1.CommitArgs{Digest: []byte{1}}}},
		"long digest":     {Shard: 1, Request: &nodev1.Call_Prewrite{Prewrite: &nodev1.PrewriteArgs{Digest: make([]byte, 99)}}},
		"unknown op":      {Shard: 1, Request: &nodev1.Call_Prewrite{Prewrite: &nodev1.PrewriteArgs{Mutations: []*nodev1.Mutation{{Op: 256 + 1}}}}},
		"empty oneof":     {Shard: 1, Request: &nodev1.Call_Prewrite{Prewrite: &nodev1.PrewriteArgs{Mutations: []*nodev1.Mutation{nil}}}},
		"bad descriptors": {Shard: 1, Request: &nodev1.Call_Report{Report: &nodev1.ReportArgs{Shards: []*nodev1.Descriptor{{}}}}},
	}
	for name, m := range calls {
		_, _, err := DecodeCall(m)
		var invalid *mvcc.InvalidError
		require.ErrorAs(t, err, &invalid, name)
	}
	m := &nodev1.Call{Shard: 1, TimeoutMicros: 1 << 63, Request: &nodev1.Call_Status{Status: &nodev1.StatusArgs{}}}
	hd, _, err := DecodeCall(m)
	require.NoError(t, err)
	require.Equal(t, timeoutMax, hd.Timeout)
}

func FuzzDecode(f *testing.F) {
	for _, req := range requests() {
		m, err := EncodeCall(1, routing.Header{Shard: 1}, req)
		if err != nil {
			f.Fatal(err)
		}
		b, _ := proto.Marshal(m)
		f.Add(b)
	}
	for _, res := range responses() {
		b, _ := proto.Marshal(EncodeReply(1, res, nil))
		f.Add(b)
	}
	for _, c := range errorCases() {
		b, _ := proto.Marshal(EncodeReply(1, nil, c.err))
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var call nodev1.Call
		if proto.Unmarshal(b, &call) == nil {
			if hd, req, err := DecodeCall(&call); err == nil {
				again, err := EncodeCall(call.GetId(), hd, req)
				require.NoError(t, err)
				_, got, err := DecodeCall(again)
				require.NoError(t, err)
				require.Equal(t, req, got)
			}
		}
		var reply nodev1.Reply
		if proto.Unmarshal(b, &reply) == nil {
			if res, err := DecodeReply(&reply); err == nil {
				got, err := DecodeReply(EncodeReply(1, res, nil))
				require.NoError(t, err)
				require.Equal(t, res, got)
			} else {
				EncodeError(err)
			}
		}
	})
}
