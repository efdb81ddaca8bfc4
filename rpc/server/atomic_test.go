package server

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
)

const (
	add    = shalev1.Op_OP_ADD
	least  = shalev1.Op_OP_MIN
	most   = shalev1.Op_OP_MAX
	suffix = shalev1.Op_OP_APPEND
)

// atomicCases are what atomic operations are refused for.
func atomicCases() []refusal {
	on := func(stored string, ms ...*shalev1.Mutation) func(user) proto.Message {
		return func(u user) proto.Message {
			u.commit(nil, put("k", stored))
			return commitRequest(nil, ms...)
		}
	}
	out := []refusal{
		{"failed_precondition", "ATOMIC_FAILED", "a sum that is too large", on("9223372036854775807", mutation(add, "k", "1")), names("k")},
		{"failed_precondition", "ATOMIC_FAILED", "a sum that is too small", on("-9223372036854775808", mutation(add, "k", "-1")), names("k")},
		{"failed_precondition", "ATOMIC_FAILED", "a value that grows too large",
			on(strings.Repeat("v", mvcc.MaxValueSize), mutation(suffix, "k", "v")), names("k")},
		{"failed_precondition", "ATOMIC_FAILED", "beside writes that would go through",
			on("text", put("a", "1"), mutation(add, "k", "1"), put("z", "1")), names("k")},
		{"failed_precondition", "ATOMIC_FAILED", "in a transaction", func(u user) proto.Message {
			u.commit(nil, put("k", "text"))
			return commitRequest(u.begin(), mutation(add, "k", "1"), put("z", "1"))
		}, names("k")},
		{"failed_precondition", "READ_ONLY", "an ADD in a read-only transaction", func(u user) proto.Message {
			return commitRequest(u.with(&shalev1.BeginRequest{ReadOnly: true}), mutation(add, "k", "1"))
		}, nil},
		{"invalid_argument", "KEY_TWICE", "an ADD and a PUT of one key", on("1", mutation(add, "k", "1"), put("k", "1")), names("k")},
		{"invalid_argument", "VALUE_TOO_LARGE", "a large APPEND", on("", mutation(suffix, "k", strings.Repeat("v", mvcc.MaxValueSize+1))), names("k")},
	}
	for _, op := range []shalev1.Op{add, least, most} {
		for _, stored := range []string{"text", "", "1.5", "9223372036854775808", " 1"} {
			out = append(out, refusal{"failed_precondition", "ATOMIC_FAILED", fmt.Sprintf("%s on %q", op, stored),
				on(stored, mutation(op, "k", "1")), names("k")})
		}
		for _, operand := range []string{"", "one", "0x1", "1e3", "9223372036854775808", "1 "} {
			out = append(out, refusal{"invalid_argument", mvcc.ReasonOperand, fmt.Sprintf("%s of %q", op, operand),
				on("1", mutation(op, "k", operand)), names("k")})
		}
	}
	return out
}

func TestAtomicOperations(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		for _, c := range []struct {
			op                    shalev1.Op
			stored, operand, want string
		}{
			{add, "-", "5", "5"}, {add, "5", "-7", "-2"}, {add, "9223372036854775806", "1", "9223372036854775807"},
			{least, "-", "5", "0"}, {least, "-", "-5", "-5"}, {least, "3", "5", "3"}, {least, "10", "9", "9"},
			{most, "-", "5", "5"}, {most, "-", "-5", "0"}, {most, "3", "5", "5"}, {most, "10", "9", "10"},
			{suffix, "-", "x", "x"}, {suffix, "x", "yz", "xyz"}, {suffix, "x", "", "x"},
		} {
			for _, key := range []string{"k", "z"} { // alone, and as a second shard's part
				u.commit(nil, mutation(del, key, ""))
				if c.stored != "-" {
					u.commit(nil, put(key, c.stored))
				}
				ms := []*shalev1.Mutation{mutation(c.op, key, c.operand), put("beside", "")}
				tx := u.begin()
				at := u.commit(tx, ms...)
				require.Equal(t, at, u.commit(tx, ms...), "again, and not once more")
				require.Equal(t, []string{key + "=" + c.want}, show(u.get(nil, key).Entries), "%s of %s on %s", c.op, c.operand, c.stored)
			}
		}
	})
}

// An atomic operation takes what is newest: that something came since Begin is no conflict.
func TestAtomicOperationsDoNotConflict(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		u.commit(nil, put("k", "1"))
		tx := u.get(u.begin(), "k").Txn
		u.commit(nil, mutation(add, "k", "10"))
		u.commit(nil, mutation(add, "k", "100"), put("z", ""))
		u.commit(tx, mutation(add, "k", "1000"), mutation(add, "y", "1"))
		require.Equal(t, []string{"k=1111", "y=1"}, show(u.get(nil, "k", "y").Entries))
	})
}

// A refused atomic operation never commits later, also once the value allows it.
func TestRefusedAtomicOperationStaysRefused(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		u.commit(nil, put("k", "text"))
		tx, ms := u.begin(), []*shalev1.Mutation{mutation(add, "k", "1"), put("z", "1")}
		require.Equal(t, "ATOMIC_FAILED", u.refused(commitRequest(tx, ms...)).detail.Reason)
		u.commit(nil, put("k", "1"))
		require.Equal(t, "aborted", u.refused(commitRequest(tx, ms...)).code)
		require.Equal(t, "STATE_ABORTED 0", u.outcome(tx, "k"))
		require.Equal(t, []string{"k=1", "z"}, show(u.get(nil, "k", "z").Entries))
	})
}

// One counter, many clients: the sum is exact, and nobody is told to begin again.
func TestCounter(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		const clients, each = 16, 8
		var wg sync.WaitGroup
		refused := make(chan *said, clients*each)
		for range clients {
			wg.Go(func() {
				for range each {
					if e := u.way.call(t, u.st, commitRequest(nil, mutation(add, "k", "1")), &shalev1.CommitResponse{}); e != nil {
						refused <- e
					}
				}
			})
		}
		wg.Wait()
		require.Empty(t, refused)
		require.Equal(t, []string{fmt.Sprintf("k=%d", clients*each)}, show(u.get(nil, "k").Entries))
	})
}

// With CHECK_VALUE a compare-and-set is one Commit.
func TestCompareAndSet(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		is := func(v string) *shalev1.Mutation { return mutation(shalev1.Op_OP_CHECK_VALUE, "k", v) }
		u.commit(nil, put("k", "1"))
		u.commit(nil, is("1"), put("k", "2"))
		got := u.refused(commitRequest(nil, is("1"), put("k", "3")))
		require.Equal(t, "CHECK_FAILED k", got.detail.Reason+" "+string(got.detail.Key))
		u.commit(nil, is("2"), mutation(add, "k", "5"))
		require.Equal(t, []string{"k=7"}, show(u.get(nil, "k").Entries))
	})
}
