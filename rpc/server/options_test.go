package server

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/timestamp"
	"github.com/shaledb/shale/txn"
)

const serializable = shalev1.Isolation_ISOLATION_SERIALIZABLE

// with begins a transaction with options.
func (u user) with(req *shalev1.BeginRequest) *shalev1.Txn {
	u.t.Helper()
	res := &shalev1.BeginResponse{}
	u.ok(req, res)
	return res.Txn
}

func (u user) pessimistic() *shalev1.Txn { return u.with(&shalev1.BeginRequest{Pessimistic: true}) }

// ago is the oracle's time so long before now.
func (u user) ago(d time.Duration) uint64 { return uint64(u.st.now.Add(-d)) }

func keysOf(keys ...string) (out [][]byte) {
	for _, k := range keys {
		out = append(out, []byte(k))
	}
	return out
}

// optionCases are what Begin refuses.
func optionCases() []refusal {
	begin := func(change func(u user, req *shalev1.BeginRequest)) func(user) proto.Message {
		return func(u user) proto.Message {
			u.commit(nil, put("k", "v"))
			req := &shalev1.BeginRequest{}
			change(u, req)
			return req
		}
	}
	readOnly := func(change func(u user, req *shalev1.BeginRequest)) func(user) proto.Message {
		return func(u user) proto.Message {
			tx := u.with(begin(change)(u).(*shalev1.BeginRequest))
			return &shalev1.CommitRequest{Txn: tx, Mutations: []*shalev1.Mutation{put("k", "w")}}
		}
	}
	return []refusal{
		{"out_of_range", "IN_FUTURE", "asOf later than now",
			begin(func(u user, req *shalev1.BeginRequest) { req.AsOf = u.ago(-time.Minute) }), nil},
		{"out_of_range", "IN_FUTURE", "asOf that is no timestamp",
			begin(func(_ user, req *shalev1.BeginRequest) { req.AsOf = math.MaxUint64 }), nil},
		{"out_of_range", "BELOW_SAFEPOINT", "asOf below the retention",
			begin(func(u user, req *shalev1.BeginRequest) { req.AsOf = u.ago(txn.Retention + time.Minute) }), nil},
		{"out_of_range", "BELOW_SAFEPOINT", "asOf below any",
			begin(func(_ user, req *shalev1.BeginRequest) { req.AsOf = 1 }), nil},
		{"invalid_argument", "READ_TIME_TWICE", "asOf and maxStalenessMs",
			begin(func(u user, req *shalev1.BeginRequest) { req.AsOf, req.MaxStalenessMs = u.ago(0), 5 }), nil},
		{"invalid_argument", "READ_ONLY_PESSIMISTIC", "pessimistic and asOf",
			begin(func(u user, req *shalev1.BeginRequest) { req.AsOf, req.Pessimistic = u.ago(0), true }), nil},
		{"invalid_argument", "READ_ONLY_PESSIMISTIC", "pessimistic and maxStalenessMs",
			begin(func(_ user, req *shalev1.BeginRequest) { req.MaxStalenessMs, req.Pessimistic = 5, true }), nil},
		{"invalid_argument", "READ_ONLY_PESSIMISTIC", "pessimistic and readOnly",
			begin(func(_ user, req *shalev1.BeginRequest) { req.ReadOnly, req.Pessimistic = true, true }), nil},
		{"failed_precondition", "READ_ONLY", "a write as of the past",
			readOnly(func(u user, req *shalev1.BeginRequest) { req.AsOf = u.ago(0) }), nil},
		{"failed_precondition", "READ_ONLY", "a write at a bounded staleness",
			readOnly(func(_ user, req *shalev1.BeginRequest) { req.MaxStalenessMs = 5000 }), nil},
		{"failed_precondition", "READ_ONLY", "a serializable write as of the past",
			readOnly(func(u user, req *shalev1.BeginRequest) { req.AsOf, req.Isolation = u.ago(0), serializable }), nil},
		{"invalid_argument", "TXN_MALFORMED", "a handle of the release before", func(u user) proto.Message {
			return &shalev1.CommitRequest{Txn: ofVersion1(u.begin().Id), Mutations: []*shalev1.Mutation{put("k", "w")}}
		}, func(t *testing.T, d *shalev1.ErrorDetail) {
			require.Contains(t, d.GetHint(), "a node of another release made it")
		}},
	}
}

// ofVersion1 is a handle as the release before made it.
func ofVersion1(id uint64) *shalev1.Txn {
	state := append([]byte{1, 0, byte(len(clusterID))}, clusterID...)
	head := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, id), id)
	sum := crc32.Checksum(append(head, state...), crc32.MakeTable(crc32.Castagnoli))
	return &shalev1.Txn{Id: id, ReadTimestamp: id, State: binary.BigEndian.AppendUint32(state, sum)}
}

// AS OF reads what was there, and names itself by when it reads.
func TestAsOf(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		first := u.commit(nil, put("a", "1"), put("z", "1"))
		u.commit(nil, put("a", "2"), mutation(del, "z", ""), put("q", "2"))
		tx := u.with(&shalev1.BeginRequest{AsOf: first})
		require.Equal(t, first, tx.Id)
		require.Equal(t, first, tx.ReadTimestamp)
		require.Equal(t, []string{"a=1", "q", "z=1"}, show(u.get(tx, "a", "q", "z").Entries))
		all, _ := u.pages(&shalev1.ScanRequest{Txn: tx})
		require.Equal(t, []string{"a=1", "z=1"}, show(all))
		require.Equal(t, first, u.commit(tx), "the read timestamp: nothing was written")
		before := u.with(&shalev1.BeginRequest{AsOf: first - 1, Isolation: serializable})
		require.Equal(t, []string{"a"}, show(u.get(before, "a").Entries))
		require.Equal(t, first-1, u.commit(before), "one snapshot, and no write: there is nothing to validate")
	})
}

// Whoever reads as of a timestamp that is another transaction's id has nothing to do with that
// transaction: it rolls nothing of it back.
func TestAsOfAnothersId(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		other := u.begin()
		tx := u.with(&shalev1.BeginRequest{AsOf: other.Id})
		require.Equal(t, other.Id, tx.Id)
		rolled, outcome := &shalev1.RollbackResponse{}, &shalev1.OutcomeResponse{}
		u.ok(&shalev1.RollbackRequest{Txn: tx, Primary: []byte("k")}, rolled)
		require.Equal(t, shalev1.State_STATE_PENDING, rolled.State)
		u.commit(other, put("k", "v"))
		u.ok(&shalev1.OutcomeRequest{Txn: tx, Primary: []byte("k")}, outcome)
		require.Equal(t, shalev1.State_STATE_PENDING, outcome.State)
	})
}

// A bounded staleness spares the oracle, and is one.
func TestMaxStaleness(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		at := u.commit(nil, put("a", "1"))
		u.begin() // the gateway knows of a timestamp above
		drawn := u.st.now
		tx := u.with(&shalev1.BeginRequest{MaxStalenessMs: 60_000})
		require.Equal(t, drawn, u.st.now, "nobody asked the oracle")
		require.GreaterOrEqual(t, tx.ReadTimestamp, at)
		require.Equal(t, []string{"a=1"}, show(u.get(tx, "a").Entries))

		u.st.tasks.clock.Add(int64(2 * time.Second)) // what it knows is older than a second by now
		tx = u.with(&shalev1.BeginRequest{MaxStalenessMs: 1000})
		require.Equal(t, u.st.now, timestamp.Timestamp(tx.ReadTimestamp), "a fresh one")
		require.Greater(t, u.st.now, drawn)
		fresh := u.st.now
		u.with(&shalev1.BeginRequest{MaxStalenessMs: math.MaxUint64}) // as stale as it may be
		require.Equal(t, fresh, u.st.now)
	})
}

// The names in JSON are the contract's.
func TestNamesInJSON(t *testing.T) {
	u := user{t, newSite(t, newWorld(t), nil), ways()[0]}
	var begun shalev1.BeginResponse
	require.Nil(t, u.st.post(t, "Begin", []byte(`{"isolation":"ISOLATION_SERIALIZABLE","pessimistic":true}`), &begun))
	h, err := wire.DecodeHandle(begun.Txn, clusterID, false)
	require.NoError(t, err)
	require.True(t, h.Serializable && h.Pessimistic)
	require.NotZero(t, begun.Txn.HeartbeatMs)
	tx := `{"id":"` + h.ID.String() + `","readTimestamp":"` + h.ReadTS.String() + `","state":"` + base64Of(begun.Txn.State) + `"}`
	var got shalev1.GetResponse
	require.Nil(t, u.st.post(t, "Get", []byte(`{"txn":`+tx+`,"keys":["aw=="],"forUpdate":true}`), &got))
	h, err = wire.DecodeHandle(got.Txn, clusterID, false)
	require.NoError(t, err)
	require.Equal(t, mvcc.Key("k"), h.Primary)
	tx = `{"id":"` + h.ID.String() + `","readTimestamp":"` + h.ReadTS.String() + `","state":"` + base64Of(got.Txn.State) + `"}`
	require.Nil(t, u.st.post(t, "Heartbeat", []byte(`{"txn":`+tx+`}`), &shalev1.HeartbeatResponse{}))
	require.Nil(t, u.st.post(t, "Commit", []byte(`{"txn":`+tx+`,"mutations":[{"op":"OP_ADD","key":"aw==","value":"MQ=="}],`+
		`"reads":{"keys":["aw=="],"spans":[{"start":"eA==","end":"eQ=="}]}}`), &shalev1.CommitResponse{}))
	require.Nil(t, u.st.post(t, "Begin", []byte(`{"asOf":"`+h.ID.String()+`"}`), &begun))
	require.Equal(t, uint64(h.ID), begun.Txn.ReadTimestamp)
	require.Nil(t, u.st.post(t, "Begin", []byte(`{"maxStalenessMs":"1000","readOnly":true}`), &begun))
	said := u.st.post(t, "Begin", []byte(`{"asOf":"1"}`), nil)
	require.True(t, strings.HasPrefix(said.message, "BELOW_SAFEPOINT: "))
}
