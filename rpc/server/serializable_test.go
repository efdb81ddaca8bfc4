package server

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
)

func (u user) serializable() *shalev1.Txn {
	return u.with(&shalev1.BeginRequest{Isolation: serializable})
}

// having is a Commit that says what was read.
func having(req *shalev1.CommitRequest, keys ...string) *shalev1.CommitRequest {
	req.Reads = &shalev1.Reads{Keys: keysOf(keys...)}
	return req
}

func havingSpan(req *shalev1.CommitRequest, start, end string) *shalev1.CommitRequest {
	req.Reads = &shalev1.Reads{Spans: []*shalev1.Span{{Start: []byte(start), End: []byte(end)}}}
	return req
}

// readsCases are what a Commit's reads are refused for.
func readsCases() []refusal {
	snapshot := func(u user) *shalev1.Txn { return u.get(u.begin(), "k").Txn }
	return []refusal{
		{"invalid_argument", "READS_UNUSED", "reads of a snapshot transaction", func(u user) proto.Message {
			return having(commitRequest(snapshot(u), put("k", "v")), "k")
		}, nil},
		{"invalid_argument", "READS_UNUSED", "spans of a snapshot transaction that writes nothing", func(u user) proto.Message {
			return havingSpan(commitRequest(snapshot(u)), "a", "z")
		}, nil},
		{"invalid_argument", "READS_UNUSED", "reads of an autocommit", just(having(commitRequest(nil, put("k", "v")), "k")), nil},
		{"invalid_argument", "READS_UNUSED", "reads of an empty autocommit", just(having(commitRequest(nil), "k")), nil},
		{"invalid_argument", "READS_MISSING", "a serializable transaction that has got", func(u user) proto.Message {
			return commitRequest(u.get(u.serializable(), "k").Txn, put("k", "v"))
		}, nil},
		{"invalid_argument", "READS_MISSING", "a serializable transaction that has scanned", func(u user) proto.Message {
			res := &shalev1.ScanResponse{}
			u.ok(&shalev1.ScanRequest{Txn: u.serializable()}, res)
			return commitRequest(res.Txn, put("k", "v"))
		}, nil},
		{"invalid_argument", "READS_MISSING", "a serializable transaction with empty reads", func(u user) proto.Message {
			return having(commitRequest(u.get(u.serializable(), "k").Txn, put("k", "v")))
		}, nil},
		{"invalid_argument", "READS_MISSING", "a serializable transaction that has only read", func(u user) proto.Message {
			return commitRequest(u.get(u.serializable(), "k").Txn)
		}, nil},
		{"invalid_argument", "KEY_EMPTY", "an empty key among the reads", func(u user) proto.Message {
			return having(commitRequest(u.serializable(), put("k", "v")), "a", "")
		}, nil},
		{"permission_denied", "KEY_SYSTEM", "a system key among the reads", func(u user) proto.Message {
			return having(commitRequest(u.serializable(), put("k", "v")), "a", "\x00")
		}, nil},
		{"invalid_argument", "CONTENT_MISMATCH", "other reads under the same id", func(u user) proto.Message {
			tx := u.get(u.serializable(), "a").Txn
			u.ok(having(commitRequest(tx, put("k", "v")), "a"), &shalev1.CommitResponse{})
			return having(commitRequest(tx, put("k", "v")), "b")
		}, names("k")},
		{"aborted", "WRITE_CONFLICT", "a key read was written meanwhile", func(u user) proto.Message {
			tx := u.get(u.serializable(), "a").Txn
			u.commit(nil, put("a", "newer"))
			return having(commitRequest(tx, put("k", "v")), "a")
		}, names("a")},
		{"aborted", "WRITE_CONFLICT", "a phantom in a span read", func(u user) proto.Message {
			tx := u.get(u.serializable(), "a").Txn
			u.commit(nil, put("b", "newer"))
			return havingSpan(commitRequest(tx, put("k", "v")), "a", "c")
		}, names("b")},
	}
}

// Write skew: each reads what the other writes. Under snapshot isolation both commit, which is
// what it allows; serializable, one does not. In one shard, over two, and with spans; and the
// same Commit answers the same however often it is sent.
func TestWriteSkew(t *testing.T) {
	reads := map[string]func(req *shalev1.CommitRequest) *shalev1.CommitRequest{
		"keys": func(req *shalev1.CommitRequest) *shalev1.CommitRequest { return having(req, "a", "b", "z") },
		"span": func(req *shalev1.CommitRequest) *shalev1.CommitRequest { return havingSpan(req, "", "") },
		"both": func(req *shalev1.CommitRequest) *shalev1.CommitRequest {
			req.Reads = &shalev1.Reads{Keys: keysOf("a", "b"), Spans: []*shalev1.Span{{Start: []byte("x")}}}
			return req
		},
	}
	for name, say := range reads {
		for _, other := range []string{"b", "z"} { // of the same shard, of the other
			eachWay(t, func(t *testing.T, u user) {
				u.commit(nil, put("a", "1"), put("b", "1"), put("z", "1"))
				u.st.settle() // reads say so that are not made: they would have met its locks
				first, second := u.get(u.serializable(), "a", other).Txn, u.get(u.serializable(), "a", other).Txn
				ok := say(commitRequest(first, put("a", "0")))
				res, again := &shalev1.CommitResponse{}, &shalev1.CommitResponse{}
				u.ok(ok, res)
				for range 2 {
					got := u.refused(say(commitRequest(second, put(other, "0"))))
					require.Equal(t, "aborted", got.code, "%s %s", name, other)
				}
				u.ok(ok, again)
				require.Equal(t, res.CommitTimestamp, again.CommitTimestamp)
				require.Equal(t, []string{"a=0", other + "=1"}, show(u.get(nil, "a", other).Entries))
				u.st.settle()
				require.Empty(t, u.st.locks())
			})
		}
	}
	eachWay(t, func(t *testing.T, u user) {
		u.commit(nil, put("a", "1"), put("b", "1"))
		first, second := u.get(u.begin(), "a", "b").Txn, u.get(u.begin(), "a", "b").Txn
		u.commit(first, put("a", "0"))
		u.commit(second, put("b", "0"))
	})
}

// What was read and not changed commits; so does who has read nothing, or said at the beginning
// that it only reads, or claims what it reads.
func TestSerializableCommits(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		u.commit(nil, put("a", "1"), put("z", "1"))
		tx := u.get(u.serializable(), "a", "z").Txn
		u.commit(nil, put("b", "elsewhere"))
		res := &shalev1.CommitResponse{}
		u.ok(having(commitRequest(tx, put("a", "2"), put("c", "2")), "a", "z"), res)
		require.Equal(t, []string{"a=2", "c=2"}, show(u.get(nil, "a", "c").Entries))
		u.commit(u.serializable(), put("a", "3"))
		only := u.get(u.with(&shalev1.BeginRequest{Isolation: serializable, ReadOnly: true}), "a").Txn
		require.Equal(t, only.ReadTimestamp, u.commit(only))
		reader := u.get(u.serializable(), "a").Txn
		u.commit(nil, put("a", "4"))
		u.ok(having(commitRequest(reader), "a"), res)
		require.Equal(t, reader.ReadTimestamp, res.CommitTimestamp, "one snapshot is serializable as it is")
		claims := u.forUpdate(u.with(&shalev1.BeginRequest{Isolation: serializable, Pessimistic: true}), "z", "a").Txn
		u.commit(claims, put("a", "5"))
		require.Equal(t, []string{"a=5"}, show(u.get(nil, "a").Entries))
	})
}

// Spans are given as Scan takes them: an empty start is the first key.
func TestReadSpansAreAsScansTakeThem(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		tx := u.get(u.serializable(), "k").Txn
		u.commit(nil, put(string(mvcc.FirstUserKey), "the very first"))
		require.Equal(t, "aborted", u.refused(havingSpan(commitRequest(tx, put("k", "v")), "", "b")).code)
		tx = u.get(u.serializable(), "k").Txn
		u.commit(nil, put("m", "in the other shard"), put("z", ""))
		require.Equal(t, "aborted", u.refused(havingSpan(commitRequest(tx, put("k", "v")), "l", "n")).code)
		tx = u.get(u.serializable(), "k").Txn
		u.commit(nil, put("n", "past the end"))
		u.ok(havingSpan(commitRequest(tx, put("k", "v")), "l", "n"), &shalev1.CommitResponse{})
	})
}
