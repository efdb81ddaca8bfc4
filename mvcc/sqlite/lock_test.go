package sqlite

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
)

// TestLockSums: what a lock says of its asynchronous commit decides whether that is committed.
// A row that says something else than was written is damage, whatever it says (P27).
func TestLockSums(t *testing.T) {
	lock := mvcc.Lock{Key: "a", StartTS: 10, Primary: "a", Kind: mvcc.LockDelete, MinCommitTS: 11, Expires: 90,
		Digest: mvcc.Digest{1}, Async: true, Secondaries: []mvcc.Key{"b", "\x00\xff"}}
	for _, change := range []string{
		"async = 0", "async = 2", "async = NULL", "secondaries = NULL", "secondaries = x''",
		"secondaries = x'0162'", "secondaries = x'0162ff'", "secondaries = x'0162ffffffffffffffffff7f'",
		"secondaries = secondaries || x'00'", "kind = 1", "min_commit_ts = 12", "digest = NULL",
	} {
		s := open(t)
		require.NoError(t, s.Flush(&mvcc.Batch{Index: 1, Term: 1, Locks: []mvcc.Lock{lock}}, false))
		image, err := s.Load()
		require.NoError(t, err)
		require.Equal(t, []mvcc.Lock{lock}, image.Locks)
		if s.writer.exec("UPDATE raw_locks SET "+change) != nil {
			require.Equal(t, "async = NULL", change, "the schema forbids no other")
			continue
		}
		_, err = s.Load()
		var corrupt *mvcc.CorruptError
		require.ErrorAs(t, err, &corrupt, change)
		require.Contains(t, corrupt.Row, "raw_locks")
	}
}
