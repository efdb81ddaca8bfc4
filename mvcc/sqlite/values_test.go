package sqlite

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

func TestValuesAreBounded(t *testing.T) {
	c := NewValues(100 << 10)
	one, other := c.space(), c.space()
	require.NotEqual(t, one, other)
	v := bytes.Repeat([]byte{'v'}, 1000)
	for id := range mvcc.ValueID(1000) {
		c.put(valueName{one, id}, v)
		_, ok := c.get(valueName{one, 0})
		require.True(t, ok, "what is used stays, at %d", id)
		held := 0
		for _, generation := range []map[valueName][]byte{c.now, c.old} {
			held += len(generation) * (len(v) + valueOverhead)
		}
		require.LessOrEqual(t, held, 100<<10)
	}
	_, ok := c.get(valueName{one, 1})
	require.False(t, ok, "what is not used goes")
	_, ok = c.get(valueName{other, 0})
	require.False(t, ok, "another store has values of its own under the same ids")
	c.put(valueName{one, 5000}, make([]byte, 90<<10))
	_, ok = c.get(valueName{one, 5000})
	require.False(t, ok, "one value does not push out all others")
}

// A store answers the same with its large values in memory as without, and what it has flushed
// it has there before anybody reads.
func TestValuesInMemory(t *testing.T) {
	values := NewValues(1 << 20)
	path := t.TempDir() + "/shard.db"
	require.NoError(t, Create(path, nil, nil, 1, 1))
	s, err := Open(path, Config{Values: values})
	require.NoError(t, err)
	defer s.Close()
	large := bytes.Repeat([]byte{'x'}, 1000)
	b := &mvcc.Batch{Index: 2, Term: 1, Values: []mvcc.Value{{ID: 7, Data: large}},
		Versions: []mvcc.Version{{Key: "k", CommitTS: 10, StartTS: 9, Op: mvcc.OpPut, ValueID: 7}}}
	require.NoError(t, s.Flush(b, false))
	name := valueName{s.space, 7}
	_, ok := values.get(name)
	require.True(t, ok)
	for _, forgotten := range []bool{false, true} {
		if forgotten {
			clear(values.now)
		}
		v, err := s.View()
		require.NoError(t, err)
		got, ok, err := v.Get("k", timestamp.Max)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, large, got.Value)
		require.NoError(t, v.Close())
	}
	_, ok = values.get(name)
	require.True(t, ok, "a read brings it back")
}
