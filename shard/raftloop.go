package shard

import (
	"cmp"
	"slices"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// forcedCampaign is the context of the votes that a MsgTimeoutNow asks for. (The library's
// own constant is not exported.)
const forcedCampaign = "CampaignTransfer"

// tick moves Raft's clock up to now before anything else is looked at: ticks that were
// counted after the message behind which they queued would shorten a promise (S11).
func (r *Replica) tick() {
	// After a long stop of the machine there is nothing to be learnt from every missed tick.
	if most := 3 * r.cfg.electionTimeout(); r.now.Mono-r.tickAt > most {
		r.tickAt = r.now.Mono - most
	}
	ticked := false
	for r.tickAt <= r.now.Mono {
		r.raft.Tick()
		r.tickAt += r.cfg.Tick
		ticked = true
	}
	if ticked {
		r.campaignAtOnce()
		r.expireLate()
		r.renewLease()
		r.sweep()
		r.tickSystem()
	}
	r.fire()
}

// campaignAtOnce makes the right part of a split led without waiting for an election
// timeout, by the proposer that led the left when it applied the split.
func (r *Replica) campaignAtOnce() {
	if !r.campaign {
		return
	}
	if r.leader != 0 || r.now.Mono >= r.guard {
		r.campaign = false
		return
	}
	_ = r.raft.Campaign()
}

// message takes a peer's message in.
func (r *Replica) message(m *raftpb.Message) {
	if r.refusesVote(m) {
		return
	}
	// An error says that the message is of no use here; it may be lost as well.
	_ = r.raft.Step(m)
}

// refusesVote: a process that has just started may have promised a leader, before, not to
// vote for anybody for one election timeout. It keeps the promise without knowing it (S11).
// The same silence covers a right replica while the left's old leaders may still have a
// lease over its keys; the proposer of the split is excepted (S12).
func (r *Replica) refusesVote(m *raftpb.Message) bool {
	if r.now.Mono >= r.guard {
		return false
	}
	if t := m.GetType(); t != raftpb.MsgVote && t != raftpb.MsgPreVote {
		return false
	}
	forced := string(m.GetContext()) == forcedCampaign
	return !forced && (r.proposer == 0 || r.proposer != routing.ReplicaID(m.GetFrom()))
}

// runRaft proposes what was evaluated and carries out what Raft asks for, until neither has
// anything more.
func (r *Replica) runRaft() {
	for r.bad == nil {
		if r.raft.HasReady() {
			r.carryOut(r.raft.Ready())
			r.goOn()
			continue
		}
		r.renewLease()
		if !r.proposeBatch() && !r.raft.HasReady() {
			return
		}
	}
}

func (r *Replica) carryOut(rd raft.Ready) {
	if !raft.IsEmptyHardState(rd.HardState) {
		r.hard = proto.CloneOf(rd.HardState)
	}
	r.noteRole(rd)
	if len(rd.ReadStates) > 0 {
		r.confirm(rd.ReadStates)
	}
	for _, m := range rd.Messages {
		switch m.GetTo() {
		case raft.LocalAppendThread:
			r.storageAppend(m)
		case raft.LocalApplyThread:
			r.storageApply(m)
		default:
			r.send(m)
		}
	}
}

// noteRole follows Raft's idea of who leads.
func (r *Replica) noteRole(rd raft.Ready) {
	term := r.term
	if !raft.IsEmptyHardState(rd.HardState) {
		term = rd.HardState.GetTerm()
	}
	leading, leader := r.leading, r.leader
	if rd.SoftState != nil {
		leading = rd.SoftState.RaftState == raft.StateLeader
		leader = routing.ReplicaID(rd.SoftState.Lead)
	}
	if r.leading && (!leading || term != r.term) {
		r.stepDown(leader)
	}
	changed := leader != r.leader
	r.term, r.leader = term, leader
	if leading && !r.leading {
		r.leading = true
		r.takeOffice()
	}
	if changed {
		r.out.Changed = true
	}
}

// send hands a message to the peer. A raft snapshot goes its own way.
func (r *Replica) send(m *raftpb.Message) {
	switch m.GetType() {
	case raftpb.MsgSnap:
		r.sending[routing.ReplicaID(m.GetTo())] = r.storage.flushed
		r.out.Snapshot = append(r.out.Snapshot, m)
		return
	case raftpb.MsgTimeoutNow:
		r.endLease()
	}
	r.out.Send = append(r.out.Send, m)
}

// storageAppend hands entries to the shared log. A commit index alone is not worth a write:
// it goes along with the next, and a restart finds it again.
func (r *Replica) storageAppend(m *raftpb.Message) {
	w := LogWrite{Entries: m.GetEntries(), Responses: m.GetResponses()}
	if snap := m.GetSnapshot(); !raft.IsEmptySnap(snap) {
		w.Snapshot = snap
		meta := snap.GetMetadata()
		r.storage.reset(mvcc.Index(meta.GetIndex()), meta.GetTerm(), meta.GetConfState())
		r.installing = true
	}
	if r.hard != nil {
		before := r.storage.hard
		r.storage.hard = r.hard
		if len(w.Entries) == 0 && w.Snapshot == nil && len(w.Responses) == 0 &&
			before.GetTerm() == r.hard.GetTerm() && before.GetVote() == r.hard.GetVote() {
			return
		}
		w.HardState, r.hard = r.hard, nil
	}
	r.storage.append(w.Entries)
	r.flush.logBytes = r.storage.bytes
	r.out.Append = append(r.out.Append, w)
}

// logged hears that a write is durable: what depended on it may be told.
func (r *Replica) logged(w LogWrite) {
	for _, m := range w.Responses {
		if m.GetTo() == uint64(r.me) {
			_ = r.raft.Step(m)
		} else {
			r.send(m)
		}
	}
}

// storageApply applies committed entries, all of which this node's own log has (S18). Raft
// hears of it at once, except while the overlay has no room: then it pauses this group.
func (r *Replica) storageApply(m *raftpb.Message) {
	for _, e := range m.GetEntries() {
		r.apply(e)
		if r.bad != nil {
			return
		}
	}
	r.withheld = append(r.withheld, m.GetResponses()...)
	r.releaseWithheld()
	r.grantLease()
}

func (r *Replica) releaseWithheld() {
	if r.overlayBytes() > r.cfg.OverlayBytes {
		return
	}
	held := r.withheld
	r.withheld = nil
	for _, m := range held {
		_ = r.raft.Step(m)
	}
}

// takeOffice begins a term as leader. It serves after an entry of its own term is applied
// and a timestamp drawn after the election is in maxRead (P4).
func (r *Replica) takeOffice() {
	r.leader0 = leaderState{drawing: r.leader0.drawing && !r.wantsDraw, resolving: map[mvcc.Key]time.Duration{}, sweepAt: r.now.Mono + r.cfg.SweepEvery,
		hot: newHot(r.now.Mono)}
	r.wantsDraw = false
	r.dropLease(r.term)
	r.draw()
	r.out.Changed = true
}

// stepDown ends a term as leader. What was proposed may be done or not: nobody here can
// tell any more. Pending locks go, and with them every request that might have looked at
// them: nothing that was checked before holds (S13).
func (r *Replica) stepDown(leader routing.ReplicaID) {
	r.leading = false
	r.leader = leader
	hint := r.leaderNode()
	for _, t := range r.leader0.transfers {
		if leader != 0 && !t.done {
			r.finish(t, &routing.TransferResult{Leader: hint}, nil)
		}
	}
	r.abandon(func(t *task) error {
		if t.proposed {
			return &routing.UnavailableError{Shard: r.shard, Maybe: true,
				Why: "leadership was lost while the request was under way"}
		}
		return &routing.NotLeaderError{Shard: r.shard, Leader: hint}
	})
	r.leader0 = leaderState{drawing: r.leader0.drawing}
	r.dropLease(0)
	r.out.Changed = true
}

// abandon answers every request under way and forgets what a leader has in memory.
func (r *Replica) abandon(answer func(*task) error) {
	for _, p := range r.batch {
		if p.t != nil { // the oracle's ceilings have nobody who waits
			p.t.proposed = false // it never left
		}
	}
	tasks := make([]*task, 0, len(r.tasks))
	for _, t := range r.tasks {
		tasks = append(tasks, t)
	}
	slices.SortFunc(tasks, func(a, b *task) int { return cmp.Compare(a.req.ID, b.req.ID) })
	r.latches = latches{queues: map[mvcc.Key][]*task{}}
	r.queues = map[mvcc.Key]*lockQueue{}
	for _, t := range tasks {
		t.latched = false
		r.reply(t, nil, answer(t))
	}
	r.tasks = map[RequestID]*task{}
	r.woken, r.ready, r.batch, r.inflight = nil, nil, nil, nil
	r.locks.pending.Clear()
	r.leader0.parked, r.leader0.undrawn, r.leader0.undrawnNext = nil, nil, nil
}
