package shard

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3"
)

// TestRaftAsWeRelyOnIt: P36. The library's zero values are not safe for what is built here.
func TestRaftAsWeRelyOnIt(t *testing.T) {
	h := newBenchHost(t)
	c := h.r.raftConfig()
	require.True(t, c.PreVote, "a healed partition would depose the leader")
	require.True(t, c.CheckQuorum, "followers would vote under a lease")
	require.Equal(t, raft.ReadOnlySafe, c.ReadOnlyOption, "the lease is ours, not Raft's clock's")
	require.True(t, c.AsyncStorageWrites, "a step would have to wait for the log")
	require.True(t, c.DisableProposalForwarding, "what was evaluated here would be proposed elsewhere")
	require.Greater(t, c.ElectionTick, c.HeartbeatTick)
	require.Less(t, h.r.cfg.leaseDuration(), h.r.cfg.electionTimeout()-h.r.cfg.Tick)
	_, cs, err := (&storage{conf: confState(h.r.desc)}).InitialState()
	require.NoError(t, err)
	require.NotNil(t, cs)
	require.NotNil(t, confState(Replica{}.desc), "also where nothing is known of the members")
}
