package mvcc_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
)

// TestLimits holds each limit to the byte: the largest that goes, the smallest that does not.
func TestLimits(t *testing.T) {
	key := func(n int) mvcc.Key { return mvcc.Key(strings.Repeat("k", n)) }
	put := func(k mvcc.Key, size int) mvcc.Mutation {
		return mvcc.Mutation{Op: mvcc.MutationPut, Key: k, Value: make([]byte, size)}
	}
	operand := func(op mvcc.MutationOp, k mvcc.Key, text string) mvcc.Mutation {
		return mvcc.Mutation{Op: op, Key: k, Value: []byte(text)}
	}
	full := func(over int) []mvcc.Mutation { // exactly the limit, and what is over
		var out []mvcc.Mutation
		size := 0
		for i := range 15 {
			out = append(out, put(mvcc.Key(rune('a'+i)), mvcc.MaxValueSize))
			size += 1 + mvcc.MaxValueSize
		}
		return append(out, put("z", mvcc.MaxTransactionSize-size-1+over))
	}
	cases := []struct {
		name      string
		mutations []mvcc.Mutation
		reason    string // empty: allowed
	}{
		{"nothing", nil, ""},
		{"empty key", []mvcc.Mutation{put("", 1)}, mvcc.ReasonKeyEmpty},
		{"longest key", []mvcc.Mutation{put(key(mvcc.MaxKeySize), 1)}, ""},
		{"key too long", []mvcc.Mutation{put(key(mvcc.MaxKeySize+1), 1)}, mvcc.ReasonKeyTooLarge},
		{"first user key", []mvcc.Mutation{put(mvcc.FirstUserKey, 1)}, ""},
		{"system key", []mvcc.Mutation{put("\x00a", 1)}, mvcc.ReasonKeySystem},
		{"largest value", []mvcc.Mutation{put("a", mvcc.MaxValueSize)}, ""},
		{"value too large", []mvcc.Mutation{put("a", mvcc.MaxValueSize+1)}, mvcc.ReasonValueTooLarge},
		{"largest transaction", full(0), ""},
		{"transaction too large", full(1), mvcc.ReasonTransactionTooLarge},
		{"written twice", []mvcc.Mutation{put("a", 1), {Op: mvcc.MutationDelete, Key: "a"}}, mvcc.ReasonKeyTwice},
		{"checked twice", []mvcc.Mutation{{Op: mvcc.MutationCheckExists, Key: "a"},
			{Op: mvcc.MutationCheckValue, Key: "a"}}, mvcc.ReasonKeyTwice},
		{"checked and written", []mvcc.Mutation{{Op: mvcc.MutationCheckExists, Key: "a"}, put("a", 1)}, ""},
		{"no operation", []mvcc.Mutation{{Key: "a"}}, mvcc.ReasonOpUnknown},
		{"unknown operation", []mvcc.Mutation{{Op: mvcc.MutationClaim + 1, Key: "a"}}, mvcc.ReasonOpUnknown},
		{"the coordinator's own", []mvcc.Mutation{{Op: mvcc.MutationClaim, Key: "a"}}, mvcc.ReasonOpUnknown},
		{"largest operands", []mvcc.Mutation{operand(mvcc.MutationAdd, "a", "-9223372036854775808"),
			operand(mvcc.MutationMin, "b", "9223372036854775807"), operand(mvcc.MutationMax, "c", "0")}, ""},
		{"operand too large", []mvcc.Mutation{operand(mvcc.MutationAdd, "a", "9223372036854775808")}, mvcc.ReasonOperand},
		{"no operand", []mvcc.Mutation{operand(mvcc.MutationMin, "a", "")}, mvcc.ReasonOperand},
		{"operand with space", []mvcc.Mutation{operand(mvcc.MutationMax, "a", "1 ")}, mvcc.ReasonOperand},
		{"append anything", []mvcc.Mutation{operand(mvcc.MutationAppend, "a", "\x00")}, ""},
		{"written and worked on", []mvcc.Mutation{put("a", 1), operand(mvcc.MutationAdd, "a", "1")}, mvcc.ReasonKeyTwice},
		{"checked and worked on", []mvcc.Mutation{{Op: mvcc.MutationCheckExists, Key: "a"},
			operand(mvcc.MutationAdd, "a", "1")}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := mvcc.ValidateMutations(c.mutations)
			if c.reason == "" {
				require.NoError(t, err)
				return
			}
			var invalid *mvcc.InvalidError
			require.ErrorAs(t, err, &invalid)
			require.Equal(t, c.reason, invalid.Reason)
			require.NotEmpty(t, invalid.Hint)
			require.Less(t, len(invalid.What), 300, "a long key is not printed whole")
		})
	}
}

func TestBounds(t *testing.T) {
	longest := mvcc.Key(strings.Repeat("k", mvcc.MaxKeySize))
	require.NoError(t, mvcc.ValidateBound(""))
	require.NoError(t, mvcc.ValidateBound(longest.Successor()), "every key has a successor")
	require.Error(t, mvcc.ValidateBound(longest.Successor().Successor()))
	require.Error(t, mvcc.ValidateBound("\x00"))
}

// TestDigest: whatever makes a Commit another one makes another digest, also where the
// bytes of all parts run together to the same.
func TestDigest(t *testing.T) {
	put := func(k mvcc.Key, v string) mvcc.Mutation {
		return mvcc.Mutation{Op: mvcc.MutationPut, Key: k, Value: []byte(v)}
	}
	contents := map[string]mvcc.Content{
		"nothing":       {},
		"one":           {Mutations: []mvcc.Mutation{put("a", "b")}},
		"shifted":       {Mutations: []mvcc.Mutation{put("ab", "")}},
		"other op":      {Mutations: []mvcc.Mutation{{Op: mvcc.MutationInsert, Key: "a", Value: []byte("b")}}},
		"two":           {Mutations: []mvcc.Mutation{put("a", "b"), put("c", "d")}},
		"other order":   {Mutations: []mvcc.Mutation{put("c", "d"), put("a", "b")}},
		"serializable":  {Mutations: []mvcc.Mutation{put("a", "b")}, Serializable: true},
		"with a read":   {Mutations: []mvcc.Mutation{put("a", "b")}, ReadKeys: []mvcc.Key{"c"}},
		"with a span":   {Mutations: []mvcc.Mutation{put("a", "b")}, ReadSpans: []mvcc.Span{{Start: "c"}}},
		"with its twin": {Mutations: []mvcc.Mutation{put("a", "b")}, ReadSpans: []mvcc.Span{{End: "c"}}},
	}
	seen := map[mvcc.Digest]string{{}: "the zero digest"}
	for name, c := range contents {
		d := c.Digest()
		require.Equal(t, d, c.Digest())
		require.NotContains(t, seen, d, "%s is as %s", name, seen[d])
		seen[d] = name
	}
}
