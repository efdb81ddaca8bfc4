package shardtest

import (
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/shard"
)

// cmdCampaign: campaign node=N has all others hear a pre-vote from it for the next term, as if
// its election clock had run out.
func (s *script) cmdCampaign() string {
	from := s.node(s.number("node", 0))
	st := from.R.Status(s.c.instant())
	for _, m := range s.c.members {
		if m == from || m.R == nil || m.Shard != from.Shard || s.c.severed(from.Node, m.Node) {
			continue
		}
		m.step(shard.Message{Raft: &raftpb.Message{Type: raftpb.MsgPreVote.Enum(), From: proto.Uint64(uint64(from.ID)),
			To: proto.Uint64(uint64(m.ID)), Term: proto.Uint64(st.Term + 1), Index: proto.Uint64(1 << 40), LogTerm: proto.Uint64(st.Term)}})
		for m.turn() { // a vote leaves when it is on disk
		}
	}
	votes := 0
	for _, p := range s.c.net {
		if p.m.GetType() == raftpb.MsgPreVoteResp && !p.m.GetReject() && p.to == from.Node {
			votes++
		}
	}
	s.c.Settle()
	if votes == 0 {
		return "nobody would vote"
	}
	return "somebody would vote"
}
