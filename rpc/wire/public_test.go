package wire

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/timestamp"
)

// reason is what an invalid request is told, "" where it is fine.
func reason(err error) string {
	if err == nil {
		return ""
	}
	return Detail(Public(err)).GetReason()
}

func TestHandleGoesThereAndBack(t *testing.T) {
	for _, h := range []Handle{
		{ID: 5, ReadTS: 5, ClusterID: "c"},
		{ID: 5, ReadTS: 9, ClusterID: strings.Repeat("c", 255), ReadOnly: true},
		{ID: timestamp.Max - 1, ReadTS: 1, ClusterID: "c", Serializable: true, Read: true},
	} {
		got, err := DecodeHandle(over(t, EncodeHandle(&h), &shalev1.Txn{}), h.ClusterID, false)
		require.NoError(t, err)
		require.Equal(t, &h, got)
	}
	got, err := DecodeHandle(nil, "c", false)
	require.NoError(t, err)
	require.Nil(t, got)
	bare, err := DecodeHandle(&shalev1.Txn{Id: 5}, "c", true)
	require.NoError(t, err)
	require.True(t, bare.Bare)
}

// Every single flipped bit of a handle is found, whichever field it lies in.
func TestTamperedHandleIsRefused(t *testing.T) {
	fresh := func() *shalev1.Txn {
		return EncodeHandle(&Handle{ID: 5 << 18, ReadTS: 7 << 18, ClusterID: "cluster", ReadOnly: true})
	}
	refused := func(m *shalev1.Txn, what string, at int) {
		_, err := DecodeHandle(m, "cluster", false)
		require.Equal(t, "TXN_MALFORMED", reason(err), "%s %d", what, at)
	}
	for bit := range 64 {
		m := fresh()
		m.Id ^= 1 << bit
		refused(m, "id", bit)
		m = fresh()
		m.ReadTimestamp ^= 1 << bit
		refused(m, "read timestamp", bit)
	}
	for i := range 8 * len(fresh().State) {
		m := fresh()
		m.State[i/8] ^= 1 << (i % 8)
		refused(m, "state bit", i)
	}
	for n := range fresh().State {
		m := fresh()
		m.State = m.State[:n]
		refused(m, "cut at", n)
	}
	_, err := DecodeHandle(fresh(), "other", false)
	require.Equal(t, "TXN_MALFORMED", reason(err))
	require.ErrorContains(t, err, `it is of cluster "cluster"`)
	_, err = DecodeHandle(&shalev1.Txn{Id: 5}, "cluster", false)
	require.Equal(t, "TXN_MALFORMED", reason(err), "the id alone is for Outcome and Rollback")
	_, err = DecodeHandle(&shalev1.Txn{}, "cluster", true)
	require.Equal(t, "TXN_MALFORMED", reason(err), "no id")
}

func mutations(ops ...any) []*shalev1.Mutation {
	var out []*shalev1.Mutation
	for i := 0; i < len(ops); i += 2 {
		out = append(out, &shalev1.Mutation{Op: ops[i].(shalev1.Op), Key: []byte(ops[i+1].(string)), Value: []byte("v")})
	}
	return out
}

func TestMutations(t *testing.T) {
	put, del, ins := shalev1.Op_OP_PUT, shalev1.Op_OP_DELETE, shalev1.Op_OP_INSERT
	v := []byte("v")
	for _, c := range []struct {
		name string
		in   []*shalev1.Mutation
		want []mvcc.Mutation
	}{
		{"each", mutations(put, "a", del, "b", ins, "c", shalev1.Op_OP_CHECK_EXISTS, "d", shalev1.Op_OP_CHECK_ABSENT, "e",
			shalev1.Op_OP_CHECK_VALUE, "f"), []mvcc.Mutation{
			{Op: mvcc.MutationPut, Key: "a", Value: v}, {Op: mvcc.MutationDelete, Key: "b"},
			{Op: mvcc.MutationInsert, Key: "c", Value: v}, {Op: mvcc.MutationCheckExists, Key: "d"},
			{Op: mvcc.MutationCheckAbsent, Key: "e"}, {Op: mvcc.MutationCheckValue, Key: "f", Value: v}}},
		// The primary is the first mutation's key: the PUT stands where the DELETE stood.
		{"delete, then insert", mutations(del, "a", put, "b", ins, "a"),
			[]mvcc.Mutation{{Op: mvcc.MutationPut, Key: "a", Value: v}, {Op: mvcc.MutationPut, Key: "b", Value: v}}},
		{"insert, then delete", mutations(ins, "a", del, "a"),
			[]mvcc.Mutation{{Op: mvcc.MutationInsert, Key: "a", Value: v}, {Op: mvcc.MutationDelete, Key: "a"}}},
		{"no value is the empty one", []*shalev1.Mutation{{Op: put, Key: []byte("a")}},
			[]mvcc.Mutation{{Op: mvcc.MutationPut, Key: "a", Value: []byte{}}}},
	} {
		got, err := DecodeMutations(c.in)
		require.NoError(t, err, c.name)
		require.Equal(t, c.want, got, c.name)
	}
	twice, err := DecodeMutations(mutations(del, "a", ins, "a", ins, "a"))
	require.NoError(t, err)
	require.Equal(t, mvcc.ReasonKeyTwice, reason(mvcc.ValidateMutations(twice)))
	for _, op := range []shalev1.Op{shalev1.Op_OP_ADD, shalev1.Op_OP_MIN, shalev1.Op_OP_MAX, shalev1.Op_OP_APPEND} {
		_, err := DecodeMutations(mutations(op, "a"))
		require.Equal(t, "UNIMPLEMENTED", reason(err))
	}
	for _, op := range []shalev1.Op{0, 99, -1} {
		_, err := DecodeMutations(mutations(op, "a"))
		require.Equal(t, mvcc.ReasonOpUnknown, reason(err))
	}
}

func TestKeysAndSpans(t *testing.T) {
	s, err := DecodeSpan(nil, nil)
	require.NoError(t, err)
	require.Equal(t, mvcc.Span{Start: mvcc.FirstUserKey}, s)
	longest := strings.Repeat("k", mvcc.MaxKeySize) + "\x00"
	s, err = DecodeSpan([]byte(longest), []byte("z"))
	require.NoError(t, err, "every key has a successor")
	require.Equal(t, mvcc.Span{Start: mvcc.Key(longest), End: "z"}, s)
	for want, bound := range map[string]string{mvcc.ReasonKeyTooLarge: longest + "\x00", mvcc.ReasonKeySystem: "\x00a"} {
		_, err = DecodeSpan([]byte(bound), nil)
		require.Equal(t, want, reason(err))
		_, err = DecodeSpan(nil, []byte(bound))
		require.Equal(t, want, reason(err))
	}
	for want, key := range map[string]string{mvcc.ReasonKeyTooLarge: longest, mvcc.ReasonKeySystem: "\x00", mvcc.ReasonKeyEmpty: ""} {
		_, err = DecodeKeys([][]byte{[]byte("a"), []byte(key)})
		require.Equal(t, want, reason(err))
	}
}

func TestEntriesAndStates(t *testing.T) {
	e := EncodeEntry("k", &mvcc.Version{Key: "k", CommitTS: 4, Op: mvcc.OpPut, Value: []byte("v")})
	require.True(t, e.Found)
	require.EqualValues(t, 4, e.CommitTimestamp)
	for _, v := range []*mvcc.Version{nil, {}, {Key: "k", CommitTS: 4, Op: mvcc.OpDelete}} {
		e = EncodeEntry("k", v)
		require.Equal(t, "k", string(e.Key))
		require.False(t, e.Found)
		require.Zero(t, e.CommitTimestamp)
	}
	for _, c := range []struct {
		st    mvcc.TxnStatus
		state shalev1.State
		ts    uint64
	}{
		{mvcc.TxnStatus{Decision: mvcc.Committed, CommitTS: 4}, shalev1.State_STATE_COMMITTED, 4},
		{mvcc.TxnStatus{Decision: mvcc.Committed, CommitTS: 4, Expired: true}, shalev1.State_STATE_COMMITTED, 4},
		{mvcc.TxnStatus{Decision: mvcc.Aborted}, shalev1.State_STATE_ABORTED, 0},
		{mvcc.TxnStatus{Decision: mvcc.Fenced}, shalev1.State_STATE_ABORTED, 0},
		{mvcc.TxnStatus{Expired: true}, shalev1.State_STATE_EXPIRED, 0},
		{mvcc.TxnStatus{Locked: true, Expires: 9}, shalev1.State_STATE_PENDING, 0},
		{mvcc.TxnStatus{}, shalev1.State_STATE_PENDING, 0},
	} {
		state, ts := EncodeState(&c.st)
		require.Equal(t, c.state, state)
		require.Equal(t, c.ts, ts)
	}
}
