package host

import (
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/raftlog"
	"github.com/shaledb/shale/shard/routing"
)

// unknownPatience is how long messages for a replica that this node does not have are
// dropped: in most cases its shard is about to be split off here. After that it is made
// empty, so that its leader can fill it with a raft snapshot.
const unknownPatience = 5 * time.Second

// unknownMax bounds the shards waited for at once.
const unknownMax = 1024

// unknown is a shard whose messages come although it has no replica here.
type unknown struct{ since time.Duration }

// meetUnknown drops the messages, or makes a replica without a file. Loop only.
func (h *Host) meetUnknown(from routing.NodeID, group routing.ShardID, to routing.ReplicaID, msgs []*raftpb.Message) {
	if to == 0 || exists(h.shardDir(group)) {
		return
	}
	u, ok := h.unknown[group]
	if !ok {
		if len(h.unknown) < unknownMax {
			h.unknown[group] = &unknown{since: h.mono()}
		}
		return
	}
	if h.mono()-u.since < unknownPatience || !fromLeader(msgs) {
		return
	}
	log, ok := h.orphans[group]
	if !ok {
		log = &raftlog.Replayed{HardState: &raftpb.HardState{Term: proto.Uint64(0), Vote: proto.Uint64(0),
			Commit: proto.Uint64(0)}}
	}
	s, err := h.newSlot(shard.Start{Shard: group, Replica: to}, nil, nil, log)
	if err != nil {
		h.cfg.Log.Warn("no empty replica could be made", "shard", group, "err", err)
		return
	}
	s.lastHardState = log.HardState
	h.cfg.Log.Info("an empty replica waits for a raft snapshot", "shard", group, "replica", to)
	h.adopt(s)
	h.deliver(from, group, to, msgs)
}

// fromLeader says whether a leader is behind the messages: candidates alone are no reason to
// make a replica.
func fromLeader(msgs []*raftpb.Message) bool {
	for _, m := range msgs {
		switch m.GetType() {
		case raftpb.MsgApp, raftpb.MsgHeartbeat, raftpb.MsgSnap:
			return true
		}
	}
	return false
}
