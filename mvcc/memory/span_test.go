package memory_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/memory"
	"github.com/shaledb/shale/timestamp"
)

// TestMakeSpan: the right part has its own rows alone, and a value that its own log brings
// later under an id that the left had given does not take the place of one that came along.
func TestMakeSpan(t *testing.T) {
	const id = 12 << 16
	first, second := bytes.Repeat([]byte("1"), 300), bytes.Repeat([]byte("2"), 300)
	s := memory.New(memory.Config{})
	require.NoError(t, s.Flush(&mvcc.Batch{Index: 12, Term: 6, Values: []mvcc.Value{{ID: id, Data: first}},
		Versions: []mvcc.Version{{Key: "a", CommitTS: 1, Op: mvcc.OpPut, Value: []byte("left")},
			{Key: "z", CommitTS: 1, Op: mvcc.OpPut, ValueID: id}}}, false))
	right := s.MakeSpan(mvcc.Span{Start: "m"}, nil, 10, 5)
	require.NoError(t, right.Flush(&mvcc.Batch{Index: 12, Term: 6, Values: []mvcc.Value{{ID: id, Data: second}},
		Versions: []mvcc.Version{{Key: "y", CommitTS: 2, Op: mvcc.OpPut, ValueID: id}}}, false))
	v, err := right.View()
	require.NoError(t, err)
	defer v.Close()
	for k, want := range map[mvcc.Key][]byte{"y": second, "z": first} {
		got, ok, err := v.Get(k, timestamp.Max)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, want, got.Value)
	}
	_, ok, err := v.Get("a", timestamp.Max)
	require.NoError(t, err)
	require.False(t, ok)
}
