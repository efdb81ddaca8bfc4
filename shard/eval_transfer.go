package shard

import (
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// serveTransfer moves leadership. The lease ends now: the MsgTimeoutNow may arrive at any
// later time (S11, P18). The answer comes when another leader is heard of.
func (r *Replica) serveTransfer(t *task, a *routing.TransferArgs) {
	if a.To == r.node {
		r.finish(t, &routing.TransferResult{Leader: r.node}, nil)
		return
	}
	to, ok := r.desc.On(a.To)
	if !ok || to.Role != routing.Voter {
		r.finish(t, nil, &mvcc.InvalidError{Reason: "NO_REPLICA", What: "the node has no voting replica of the shard",
			Hint: "pick one of the shard's nodes"})
		return
	}
	r.endLease()
	r.park(t)
	r.leader0.transfers = append(r.leader0.transfers, t)
	r.raft.TransferLeader(uint64(to.ID))
}
