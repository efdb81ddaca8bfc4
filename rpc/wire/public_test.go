package wire

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
)

// reason is what an invalid request is told, "" where it is fine.
func reason(err error) string {
	if err == nil {
		return ""
	}
	return Detail(Public(err)).GetReason()
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
			shalev1.Op_OP_CHECK_VALUE, "f", shalev1.Op_OP_ADD, "g", shalev1.Op_OP_MIN, "h", shalev1.Op_OP_MAX, "i",
			shalev1.Op_OP_APPEND, "j"), []mvcc.Mutation{
			{Op: mvcc.MutationPut, Key: "a", Value: v}, {Op: mvcc.MutationDelete, Key: "b"},
			{Op: mvcc.MutationInsert, Key: "c", Value: v}, {Op: mvcc.MutationCheckExists, Key: "d"},
			{Op: mvcc.MutationCheckAbsent, Key: "e"}, {Op: mvcc.MutationCheckValue, Key: "f", Value: v},
			{Op: mvcc.MutationAdd, Key: "g", Value: v}, {Op: mvcc.MutationMin, Key: "h", Value: v},
			{Op: mvcc.MutationMax, Key: "i", Value: v}, {Op: mvcc.MutationAppend, Key: "j", Value: v}}},
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
	for op := range shalev1.Op_name { // each of them, and one that a coordinator keeps for itself is none
		got, err := DecodeMutations(mutations(shalev1.Op(op), "a"))
		require.Equal(t, op != 0, err == nil, op)
		require.False(t, err == nil && got[0].Op == mvcc.MutationClaim)
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
