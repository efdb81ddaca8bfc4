package shard

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// The record of a two-phase commit that began below a new leader's floor is not kept; its
// version at the primary is no proof of the digest, and the store must be asked (S7).
func TestRecentKnowsWhatItDoesNotKnow(t *testing.T) {
	const floor, commitTS = 200, 300
	for _, start := range []timestamp.Timestamp{100, 250} {
		r := newRecent(floor, 8)
		digest := mvcc.Digest{7}
		r.addCommit(mvcc.Version{Key: "k", CommitTS: commitTS, StartTS: start, Op: mvcc.OpPut})
		r.addRecord(mvcc.Record{Key: "k", StartTS: start, Decision: mvcc.Committed, CommitTS: commitTS, Digest: digest})
		own, ok, proven := r.own("k", start)
		require.Equal(t, start > floor, proven)
		if proven {
			require.True(t, ok)
			require.Equal(t, digest, own.Digest)
		}
	}
	one := newRecent(floor, 8)
	one.addCommit(mvcc.Version{Key: "k", CommitTS: commitTS, StartTS: 100, Op: mvcc.OpPut, Digest: mvcc.Digest{7}})
	own, ok, proven := one.own("k", 100)
	require.True(t, ok && proven, "a one-phase commit's version is its record")
	require.Equal(t, mvcc.Digest{7}, own.Digest)
}
