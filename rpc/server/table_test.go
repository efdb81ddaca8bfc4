package server

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// refusal is a row of the contract's error table, with a way to bring it about.
type refusal struct {
	code, reason string
	name         string
	bring        func(u user) proto.Message // sets the scene; its request is the one refused
	detail       func(t *testing.T, d *shalev1.ErrorDetail)
}

func names(key string) func(*testing.T, *shalev1.ErrorDetail) {
	return func(t *testing.T, d *shalev1.ErrorDetail) { require.Equal(t, key, string(d.GetKey())) }
}

// asks are the ids to ask Outcome with.
func asks(key string) func(*testing.T, *shalev1.ErrorDetail) {
	return func(t *testing.T, d *shalev1.ErrorDetail) {
		require.Equal(t, key, string(d.GetKey()))
		require.NotZero(t, d.GetTxnId())
	}
}

// commitOf is an autocommit of the mutations.
func commitOf(ms ...*shalev1.Mutation) func(user) proto.Message {
	return func(user) proto.Message { return &shalev1.CommitRequest{Mutations: ms} }
}

func just(req proto.Message) func(user) proto.Message { return func(user) proto.Message { return req } }

// lost makes the replies of prewrites get lost, after or before they were done.
func lost(w *world) {
	w.after = func(c *routing.Call) {
		if _, ok := c.Req.(*mvcc.PrewriteArgs); ok {
			c.Res, c.Err = nil, &routing.UnavailableError{Shard: c.To.ID, Why: "connection lost", Maybe: true}
		}
	}
}

// answers makes every shard answer with an error.
func answers(w *world, err error) {
	w.before = func(context.Context, *routing.Call) (routing.Response, error) { return nil, err }
}

const (
	check = shalev1.Op_OP_CHECK_EXISTS
	del   = shalev1.Op_OP_DELETE
	ins   = shalev1.Op_OP_INSERT
)

func decidedCases() []refusal {
	return []refusal{
		{"aborted", "WRITE_CONFLICT", "something newer was committed", func(u user) proto.Message {
			tx := u.begin()
			u.commit(nil, put("k", "newer"))
			return &shalev1.CommitRequest{Txn: tx, Mutations: []*shalev1.Mutation{put("k", "v")}}
		}, names("k")},
		{"aborted", "TXN_ABORTED", "it was rolled back", func(u user) proto.Message {
			tx := u.begin()
			u.ok(&shalev1.RollbackRequest{Txn: tx, Primary: []byte("k")}, &shalev1.RollbackResponse{})
			return &shalev1.CommitRequest{Txn: tx, Mutations: []*shalev1.Mutation{put("k", "v")}}
		}, asks("k")},
		{"already_exists", "ALREADY_EXISTS", "an INSERT on a present key", func(u user) proto.Message {
			u.commit(nil, put("k", "v"))
			return &shalev1.CommitRequest{Mutations: []*shalev1.Mutation{mutation(ins, "k", "w")}}
		}, names("k")},
		{"failed_precondition", "CHECK_FAILED", "CHECK_EXISTS", commitOf(mutation(check, "k", "")), names("k")},
		{"failed_precondition", "CHECK_FAILED", "CHECK_ABSENT", func(u user) proto.Message {
			u.commit(nil, put("k", "v"))
			return &shalev1.CommitRequest{Mutations: []*shalev1.Mutation{mutation(shalev1.Op_OP_CHECK_ABSENT, "k", "")}}
		}, names("k")},
		{"failed_precondition", "CHECK_FAILED", "CHECK_VALUE", func(u user) proto.Message {
			u.commit(nil, put("k", "v"))
			return &shalev1.CommitRequest{Mutations: []*shalev1.Mutation{mutation(shalev1.Op_OP_CHECK_VALUE, "k", "w")}}
		}, names("k")},
		{"failed_precondition", "READ_ONLY", "a write in a read-only transaction", func(u user) proto.Message {
			res := &shalev1.BeginResponse{}
			u.ok(&shalev1.BeginRequest{ReadOnly: true}, res)
			return &shalev1.CommitRequest{Txn: res.Txn, Mutations: []*shalev1.Mutation{put("k", "v")}}
		}, nil},
		{"failed_precondition", "EXPIRED", "the records are gone", func(u user) proto.Message {
			tx := u.begin()
			u.st.shards[0].leader.Safepoint = timestamp.Timestamp(tx.Id + 1)
			return &shalev1.CommitRequest{Txn: tx, Mutations: []*shalev1.Mutation{put("k", "v")}}
		}, nil},
		{"out_of_range", "BELOW_SAFEPOINT", "too old", func(u user) proto.Message {
			tx := u.begin()
			u.st.shards[0].leader.Safepoint = timestamp.Timestamp(tx.Id + 1)
			return &shalev1.GetRequest{Txn: tx, Keys: [][]byte{[]byte("k")}}
		}, nil},
		// S21: a forged handle is no way to push the leaders' bar up for ever.
		{"out_of_range", "IN_FUTURE", "later than now", func(u user) proto.Message {
			far := wire.EncodeHandle(&wire.Handle{ID: timestamp.Max - 1, ReadTS: timestamp.Max - 1, ClusterID: clusterID})
			return &shalev1.GetRequest{Txn: far, Keys: [][]byte{[]byte("k")}}
		}, nil},
	}
}

func undecidedCases() []refusal {
	return []refusal{
		{"unavailable", "UNAVAILABLE", "no quorum", func(u user) proto.Message {
			answers(u.st.world, &routing.UnavailableError{Shard: 2, Why: "no quorum"})
			return &shalev1.GetRequest{Keys: [][]byte{[]byte("k")}}
		}, nil},
		{"unavailable", "NOT_LEADER", "no leader", func(u user) proto.Message {
			answers(u.st.world, &routing.NotLeaderError{Shard: 2})
			return &shalev1.CommitRequest{Mutations: []*shalev1.Mutation{put("k", "v")}}
		}, nil},
		{"unavailable", "UNAVAILABLE", "the shard map does not settle", func(u user) proto.Message {
			answers(u.st.world, &routing.UnknownShardError{Shard: 2})
			return &shalev1.ScanRequest{}
		}, nil},
		{"unavailable", "OUTCOME_PENDING", "a Commit's outcome is not yet known", func(u user) proto.Message {
			tx := u.begin()
			lost(u.st.world)
			return &shalev1.CommitRequest{Txn: tx, Mutations: []*shalev1.Mutation{put("k", "v")}}
		}, asks("k")},
		{"unknown", "OUTCOME_UNKNOWN", "an autocommit's reply was lost", func(u user) proto.Message {
			lost(u.st.world)
			return &shalev1.CommitRequest{Mutations: []*shalev1.Mutation{put("k", "v")}}
		}, asks("k")},
		{"resource_exhausted", "OVERLOADED", "admission control", func(u user) proto.Message {
			answers(u.st.world, &routing.OverloadedError{Shard: 2, Why: "the overlay is full"})
			return &shalev1.CommitRequest{Mutations: []*shalev1.Mutation{put("k", "v")}}
		}, nil},
		{"resource_exhausted", "ANSWER_TOO_LARGE", "a Get of more than 64 MiB", func(u user) proto.Message {
			u.commit(nil, put("k", strings.Repeat("v", mvcc.MaxValueSize)))
			req := &shalev1.GetRequest{}
			for range 17 {
				req.Keys = append(req.Keys, []byte("k"))
			}
			return req
		}, nil},
		{"canceled", "CANCELED", "given up", func(u user) proto.Message {
			answers(u.st.world, context.Canceled)
			return &shalev1.GetRequest{Keys: [][]byte{[]byte("k")}}
		}, nil},
		{"deadline_exceeded", "DEADLINE_EXCEEDED", "out of time", func(u user) proto.Message {
			answers(u.st.world, context.DeadlineExceeded)
			return &shalev1.GetRequest{Keys: [][]byte{[]byte("k")}}
		}, nil},
		{"data_loss", "CORRUPT", "a damaged row", func(u user) proto.Message {
			answers(u.st.world, &mvcc.CorruptError{File: "f", Offset: -1, What: "w", Remedy: "r"})
			return &shalev1.GetRequest{Keys: [][]byte{[]byte("k")}}
		}, nil},
		{"internal", "INTERNAL", "a defect: the call fails, the node stays", func(u user) proto.Message {
			u.st.before = func(context.Context, *routing.Call) (routing.Response, error) { panic("a defect") }
			return &shalev1.GetRequest{Keys: [][]byte{[]byte("k")}}
		}, nil},
	}
}

func mistakenCases() []refusal {
	long, far := strings.Repeat("k", mvcc.MaxKeySize+1), uint64(math.MaxInt64)
	return []refusal{
		{"invalid_argument", "KEY_EMPTY", "an empty key", commitOf(put("", "v")), nil},
		{"invalid_argument", "KEY_EMPTY", "an empty key read", just(&shalev1.GetRequest{Keys: [][]byte{{}}}), nil},
		{"invalid_argument", "KEY_TOO_LARGE", "a long key", commitOf(put(long, "v")), nil},
		{"invalid_argument", "KEY_TOO_LARGE", "a long key read", just(&shalev1.GetRequest{Keys: [][]byte{[]byte(long)}}), nil},
		{"invalid_argument", "KEY_TOO_LARGE", "a long bound", just(&shalev1.ScanRequest{End: []byte(long + "k")}), nil},
		{"invalid_argument", "VALUE_TOO_LARGE", "a large value", commitOf(put("k", strings.Repeat("v", mvcc.MaxValueSize+1))), names("k")},
		{"invalid_argument", "KEY_TWICE", "a key written twice", commitOf(put("k", "v"), put("k", "w")), names("k")},
		{"invalid_argument", "OP_UNKNOWN", "no operation", commitOf(mutation(0, "k", "v")), nil},
		{"invalid_argument", "OP_UNKNOWN", "an unknown operation", commitOf(mutation(99, "k", "v")), nil},
		{"invalid_argument", "ISOLATION_UNKNOWN", "an unknown isolation", just(&shalev1.BeginRequest{Isolation: 99}), nil},
		{"invalid_argument", "TXN_MALFORMED", "a handle without its state", just(&shalev1.GetRequest{Txn: &shalev1.Txn{Id: 5}}), nil},
		{"invalid_argument", "TXN_MALFORMED", "a handle of another cluster", func(u user) proto.Message {
			return &shalev1.ScanRequest{Txn: wire.EncodeHandle(&wire.Handle{ID: 5, ReadTS: 5, ClusterID: "cluster-b"})}
		}, nil},
		{"invalid_argument", "TXN_MALFORMED", "a handle that was changed", func(u user) proto.Message {
			tx := u.begin()
			tx.ReadTimestamp++
			return &shalev1.CommitRequest{Txn: tx, Mutations: []*shalev1.Mutation{put("k", "v")}}
		}, nil},
		{"invalid_argument", "TXN_MALFORMED", "the abort of an id to come", just(
			&shalev1.RollbackRequest{Txn: &shalev1.Txn{Id: far - 1}, Primary: []byte("k")}), nil},
		{"invalid_argument", "TXN_MISSING", "no handle", just(&shalev1.HeartbeatRequest{}), nil},
		{"invalid_argument", "PRIMARY_MISSING", "no primary", func(u user) proto.Message {
			return &shalev1.OutcomeRequest{Txn: u.begin()}
		}, nil},
		{"invalid_argument", "CONTENT_MISMATCH", "other content under the same id", func(u user) proto.Message {
			tx := u.begin()
			u.commit(tx, put("k", "v"))
			return &shalev1.CommitRequest{Txn: tx, Mutations: []*shalev1.Mutation{put("k", "w")}}
		}, names("k")},
		{"permission_denied", "KEY_SYSTEM", "a system key written", commitOf(put("\x00k", "v")), names("\x00k")},
		{"permission_denied", "KEY_SYSTEM", "a system key read", just(&shalev1.GetRequest{Keys: [][]byte{[]byte("a"), {0}}}), nil},
		{"permission_denied", "KEY_SYSTEM", "system keys scanned", just(&shalev1.ScanRequest{Start: []byte{0}}), nil},
		{"permission_denied", "KEY_SYSTEM", "a system key asked about", just(
			&shalev1.OutcomeRequest{Txn: &shalev1.Txn{Id: 5}, Primary: []byte{0, 1}}), nil},
	}
}

// The contract's error table, a row each, over JSON as curl sends it and over gRPC: what is
// said, and that nothing of what was refused is there afterwards.
// (unauthenticated has no row: nobody has an identity yet. The caller's own deadline has
// tests of its own.)
func TestErrorTable(t *testing.T) {
	var cases []refusal
	for _, more := range [][]refusal{decidedCases(), undecidedCases(), mistakenCases(), optionCases(), readsCases(), claimCases(), atomicCases()} {
		cases = append(cases, more...)
	}
	for _, w := range ways() {
		for _, c := range cases {
			t.Run(w.name+"/"+c.code+"/"+c.name, func(t *testing.T) {
				u := user{t, newSite(t, newWorld(t), nil), w}
				req := c.bring(u)
				u.st.settle()
				before, applied := u.st.visible(t), u.st.applied
				got := w.call(t, u.st, req, emptyAnswer(req))
				require.NotNil(t, got, "it was answered")
				if c.code != "unavailable" && c.code != "unknown" {
					u.st.settle()
					require.Equal(t, before, u.st.visible(t), "nothing of it is applied")
				}
				if c.code == "invalid_argument" || c.code == "permission_denied" || c.code == "out_of_range" {
					require.Equal(t, applied, u.st.applied, "nor is anything recorded")
				}
				require.Equal(t, c.code, got.code, got.message)
				require.True(t, strings.HasPrefix(got.message, c.reason+": "), got.message)
				require.Equal(t, c.reason, got.detail.GetReason())
				require.NotEmpty(t, got.detail.GetHint())
				if c.detail != nil {
					c.detail(t, got.detail)
				}
			})
		}
	}
}

// Over gRPC alone: in JSON these are 90 MiB that say the same.
func TestLargeTransactionIsRefused(t *testing.T) {
	req := &shalev1.CommitRequest{}
	for i := range 17 {
		req.Mutations = append(req.Mutations, put(string(rune('a'+i)), strings.Repeat("v", mvcc.MaxValueSize)))
	}
	got := overGRPC(t, newSite(t, newWorld(t), nil), req, &shalev1.CommitResponse{})
	require.Equal(t, "invalid_argument", got.code)
	require.Equal(t, "TRANSACTION_TOO_LARGE", got.detail.GetReason())
}

func emptyAnswer(req proto.Message) proto.Message {
	switch req.(type) {
	case *shalev1.BeginRequest:
		return &shalev1.BeginResponse{}
	case *shalev1.GetRequest:
		return &shalev1.GetResponse{}
	case *shalev1.ScanRequest:
		return &shalev1.ScanResponse{}
	case *shalev1.CommitRequest:
		return &shalev1.CommitResponse{}
	case *shalev1.RollbackRequest:
		return &shalev1.RollbackResponse{}
	case *shalev1.HeartbeatRequest:
		return &shalev1.HeartbeatResponse{}
	}
	return &shalev1.OutcomeResponse{}
}
