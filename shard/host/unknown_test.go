package host

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/shard/routing"
)

// A node that took its left replica from a raft snapshot never sees the split that made the
// right one. Once messages for that have come long enough it is made empty, and waits for a
// raft snapshot of its own. A candidate alone is no reason.
func TestAnEmptyReplicaIsMade(t *testing.T) {
	w := newWorld(t, 1, nil)
	h := w.host(1)
	meet := func(patient bool, kind raftpb.MessageType) (made bool) {
		done := make(chan bool, 1)
		h.ask(func() {
			since := h.mono()
			if !patient {
				since -= unknownPatience
			}
			h.unknown[9] = &unknown{since: since}
			h.deliver(2, 9, 91, []*raftpb.Message{{Type: kind.Enum(), From: proto.Uint64(92), To: proto.Uint64(91), Term: proto.Uint64(7)}})
			done <- h.slots[routing.ShardID(9)] != nil
		})
		return <-done
	}
	require.False(t, meet(true, raftpb.MsgHeartbeat))
	require.False(t, meet(false, raftpb.MsgPreVote))
	require.True(t, meet(false, raftpb.MsgHeartbeat))
	require.Empty(t, h.metrics.Quarantines.Load())
}
