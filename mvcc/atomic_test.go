package mvcc_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
)

// TestApplyAtomic holds the operations to the last number and byte that goes, and the first
// that does not.
func TestApplyAtomic(t *testing.T) {
	const largest, least = "9223372036854775807", "-9223372036854775808"
	full := string(bytes.Repeat([]byte("x"), mvcc.MaxValueSize))
	cases := []struct {
		op      mvcc.MutationOp
		base    string // "absent": the key is not there
		operand string
		want    string // empty: refused
	}{
		{mvcc.MutationAdd, "absent", "5", "5"},
		{mvcc.MutationAdd, "-7", "5", "-2"},
		{mvcc.MutationAdd, "+007", "0", "7"},
		{mvcc.MutationAdd, largest, "0", largest},
		{mvcc.MutationAdd, largest, "1", ""},
		{mvcc.MutationAdd, "1", largest, ""},
		{mvcc.MutationAdd, least, "-1", ""},
		{mvcc.MutationAdd, "-1", least, ""},
		{mvcc.MutationAdd, least, largest, "-1"},
		{mvcc.MutationAdd, "1x", "1", ""},
		{mvcc.MutationAdd, "", "1", ""},
		{mvcc.MutationAdd, "1", "one", ""},
		{mvcc.MutationAdd, "9223372036854775808", "-1", ""},
		{mvcc.MutationMin, "absent", "5", "0"},
		{mvcc.MutationMin, "absent", "-5", "-5"},
		{mvcc.MutationMin, least, largest, least},
		{mvcc.MutationMax, "absent", "-5", "0"},
		{mvcc.MutationMax, least, largest, largest},
		{mvcc.MutationMax, "x", "1", ""},
		{mvcc.MutationAppend, "absent", "tail", "tail"},
		{mvcc.MutationAppend, "head", "", "head"},
		{mvcc.MutationAppend, full[1:], "y", full[1:] + "y"},
		{mvcc.MutationAppend, full, "y", ""},
		{mvcc.MutationPut, "1", "1", ""},
	}
	for _, c := range cases {
		base := []byte(c.base)
		present := c.base != "absent"
		if !present {
			base = nil
		}
		got, err := mvcc.ApplyAtomic("k", c.op, base, present, []byte(c.operand))
		if c.want == "" {
			var refused *mvcc.AtomicError
			require.ErrorAs(t, err, &refused, "%s %.20s %.20s", c.op, c.base, c.operand)
			require.Equal(t, mvcc.Key("k"), refused.Key)
			require.Less(t, len(err.Error()), 200, "a large value is not printed whole")
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.want, string(got), "%s %.20s %.20s", c.op, c.base, c.operand)
	}
	base := make([]byte, 1, 10) // an immutable value of a version: nobody writes behind its end
	base[0] = 'a'
	_, err := mvcc.ApplyAtomic("k", mvcc.MutationAppend, base, true, []byte("b"))
	require.NoError(t, err)
	require.Zero(t, base[:2][1])
}
