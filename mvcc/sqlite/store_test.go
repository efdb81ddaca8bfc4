package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/mvcctest"
	"github.com/shaledb/shale/timestamp"
)

func open(t testing.TB) *Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "shard.db")
	require.NoError(t, Create(path, nil, nil, 0, 0))
	s, err := Open(path, Config{})
	require.NoError(t, err)
	return s
}

func TestScripts(t *testing.T) {
	mvcctest.Run(t, "../testdata", func(t testing.TB) mvcctest.Engine {
		e, err := mvcctest.NewStoreEngine(open(t))
		require.NoError(t, err)
		return e
	})
}

func TestHistories(t *testing.T) {
	mvcctest.Histories(t, func(t testing.TB) mvcctest.Engine {
		e, err := mvcctest.NewStoreEngine(open(t))
		require.NoError(t, err)
		return e
	})
}

func TestStore(t *testing.T) {
	mvcctest.CheckStore(t, func(t testing.TB) mvcc.Store { return open(t) },
		func(t testing.TB, s mvcc.Store) mvcc.Store {
			path := s.(*Store).path
			require.NoError(t, s.Close())
			again, err := Open(path, Config{})
			require.NoError(t, err)
			return again
		})
}

// put is a version with a value beside its row where it is large.
func put(b *mvcc.Batch, k mvcc.Key, at timestamp.Timestamp, value []byte) {
	v := mvcc.Version{Key: k, CommitTS: at, StartTS: at - 1, Op: mvcc.OpPut}
	if len(value) > mvcc.InlineValueSize {
		v.ValueID = mvcc.ValueID(uint64(b.Index)<<16 | uint64(len(b.Values)))
		b.Values = append(b.Values, mvcc.Value{ID: v.ValueID, Data: value})
	} else {
		v.Value = value
	}
	b.Versions = append(b.Versions, v)
}
