package txn

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

func TestShardCache(t *testing.T) {
	d := func(id routing.ShardID, start, end mvcc.Key, bounds routing.BoundsEpoch) routing.Descriptor {
		return routing.Descriptor{ID: id, Span: mvcc.Span{Start: start, End: end}, Epoch: routing.Epoch{Bounds: bounds, Members: 1}}
	}
	whole := d(2, "a", "", 1)
	left, right := d(2, "a", "m", 2), d(3, "m", "", 2)
	asked := 0
	s := NewShardCache(func(context.Context, mvcc.Key) ([]routing.Descriptor, error) {
		asked++
		return []routing.Descriptor{right, whole}, nil // the directory has not heard of the left yet
	})
	find := func(k mvcc.Key) routing.ShardID {
		got, err := s.Find(t.Context(), k)
		require.NoError(t, err)
		return got.ID
	}
	require.Equal(t, routing.ShardID(3), find("z"), "the newest of two that cover a key")
	require.Equal(t, 1, asked)
	s.Learn(left)
	require.Equal(t, routing.ShardID(2), find("b"))
	require.Equal(t, 1, asked)
	s.Learn(whole)
	require.Equal(t, routing.ShardID(3), find("z"), "an older descriptor is ignored")
	s.Forget(whole)
	require.Equal(t, routing.ShardID(2), find("b"), "and what is newer is not forgotten for it")
	require.Equal(t, 1, asked)
	s.Forget(left)
	s.Learn(d(2, "a", "f", 3))
	require.Equal(t, routing.ShardID(2), find("e"))
	_, err := s.Find(t.Context(), "g") // between two shards: asked, and still not known
	require.Equal(t, 2, asked)
	var unavailable *routing.UnavailableError
	require.ErrorAs(t, err, &unavailable)
}
