package shard

import (
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/tracker"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// Status is what the replica knows about itself. Every replica answers it.
func (r *Replica) Status(now Instant) routing.StatusResult {
	s := routing.StatusResult{Descriptor: r.Descriptor(), Node: r.node, Term: r.term, Leading: r.leading,
		Applied: r.applied, Flushed: r.base, LogFirst: r.storage.cut + 1, Locks: r.locks.standing.Len(),
		LogLast: r.storage.last(), MaxRead: r.clock.maxRead, Waiting: len(r.tasks), OverlayRows: r.filling.count}
	for _, g := range r.flushing {
		s.OverlayRows += g.count
	}
	if r.bad != nil {
		s.Quarantine = r.bad.Error()
		return s
	}
	raftStatus := r.raft.BasicStatus()
	s.Role = roleName(raftStatus.RaftState, r.desc.Replicas, r.me)
	s.Lead, s.Vote, s.Commit = r.leaderNode(), routing.ReplicaID(raftStatus.GetVote()), mvcc.Index(raftStatus.GetCommit())
	if r.leading {
		s.Reads, s.Writes = r.leader0.hot.read, r.leader0.hot.written
		if !r.lease.ended {
			s.LeaseUntil = r.lease.until - now.Mono
		}
		r.raft.WithProgress(func(id uint64, _ raft.ProgressType, pr tracker.Progress) {
			s.Progress = append(s.Progress, routing.ReplicaProgress{Replica: routing.ReplicaID(id),
				Match: mvcc.Index(pr.Match), State: pr.State.String()})
		})
	}
	return s
}

// roleName is what the replica is in its group, for people.
func roleName(state raft.StateType, members []routing.Replica, me routing.ReplicaID) string {
	switch state {
	case raft.StateLeader:
		return "leader"
	case raft.StateCandidate, raft.StatePreCandidate:
		return "candidate"
	}
	for _, m := range members {
		if m.ID == me && m.Role == routing.Learner {
			return "learner"
		}
	}
	return "follower"
}
