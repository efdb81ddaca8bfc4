package memory_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/memory"
	"github.com/shaledb/shale/mvcc/mvcctest"
)

func TestStore(t *testing.T) {
	mvcctest.CheckStore(t, func(testing.TB) mvcc.Store { return memory.New(memory.Config{}) },
		func(_ testing.TB, s mvcc.Store) mvcc.Store { return s })
}

// TestPowerLoss: what was flushed durably stays, what came later is lost, in order.
func TestPowerLoss(t *testing.T) {
	s := memory.New(memory.Config{})
	flush := func(i mvcc.Index, durable bool) {
		require.NoError(t, s.Flush(&mvcc.Batch{Index: i, Term: 1,
			Locks: []mvcc.Lock{{Key: "a", StartTS: 1, Kind: mvcc.LockPut, Expires: 1}}}, durable))
	}
	flush(1, false)
	flush(2, true)
	flush(3, false)
	for range 2 { // losing power twice loses nothing more
		left, err := s.AfterPowerLoss().AfterPowerLoss().Load()
		require.NoError(t, err)
		require.Equal(t, mvcc.Index(2), left.Index)
	}
	image, err := s.Load()
	require.NoError(t, err)
	require.Equal(t, mvcc.Index(3), image.Index)
}

// TestFailedFlush: the store is unusable afterwards; a second try must not seem to succeed.
func TestFailedFlush(t *testing.T) {
	broken := errors.New("no space")
	s := memory.New(memory.Config{FailFlush: func(b *mvcc.Batch) error {
		if b.Index == 2 {
			return broken
		}
		return nil
	}})
	require.NoError(t, s.Flush(&mvcc.Batch{Index: 1}, true))
	require.ErrorIs(t, s.Flush(&mvcc.Batch{Index: 2}, true), broken)
	require.ErrorIs(t, s.Flush(&mvcc.Batch{Index: 3}, true), broken)
	_, err := s.View()
	require.ErrorIs(t, err, broken)
	left, err := s.AfterPowerLoss().Load()
	require.NoError(t, err)
	require.Equal(t, mvcc.Index(1), left.Index)
}
