package host

import (
	"time"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/sqlite"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/raftlog"
	"github.com/shaledb/shale/shard/routing"
)

// slot is a replica in its place on this node. All but keeper is the loop's own.
type slot struct {
	id      routing.ShardID
	me      routing.ReplicaID
	replica *shard.Replica // nil: quarantined from the start
	bad     error          // why it serves nothing; nil: healthy
	keeper  *keeper

	out     shard.Effects
	dirty   bool
	wake    time.Duration
	pending map[shard.RequestID]waiting
	nodes   map[routing.ReplicaID]routing.NodeID // where its peers are
	drawing bool
	// flushing is since when a flush is under way; zero: none is.
	flushing time.Duration

	// installing: a raft snapshot's file is being put in place; log writes wait in held and
	// flushes of the old state are dropped.
	installing bool
	held       []shard.LogWrite
	// lastHardState is the newest that went to the log.
	lastHardState *raftpb.HardState
}

// newSlot makes the replica of what was found on disk; start names it. Store is nil for a
// replica that has no file yet and waits for a raft snapshot.
func (h *Host) newSlot(start shard.Start, store *sqlite.Store, image *mvcc.Image,
	log *raftlog.Replayed) (*slot, error) {
	s := h.emptySlot(start.Shard, start.Replica)
	s.keeper.store = store
	start.Node, start.Now, start.Config = h.cfg.Node, h.instant(), h.cfg.Replica
	start.Image, start.HardState, start.Entries = image, log.HardState, log.Entries
	start.CutIndex, start.CutTerm = log.CutIndex, log.CutTerm
	r, err := shard.New(start)
	if err != nil {
		return nil, err
	}
	s.replica = r
	s.learnNodes()
	return s, nil
}

func (h *Host) emptySlot(id routing.ShardID, me routing.ReplicaID) *slot {
	s := &slot{id: id, me: me,
		pending: map[shard.RequestID]waiting{},
		nodes:   map[routing.ReplicaID]routing.NodeID{}}
	s.keeper = newKeeper(h, s)
	return s
}

func (s *slot) learnNodes() {
	for _, r := range s.replica.Descriptor().Replicas {
		s.nodes[r.ID] = r.Node
	}
}

// quarantine stops the replica for good and answers everybody who waits for it.
func (h *Host) quarantine(s *slot, err error) {
	if s.bad != nil {
		return
	}
	h.metrics.Quarantines.Add(1)
	h.cfg.Log.Error("a replica met what it cannot explain and is in quarantine",
		"shard", s.id, "replica", s.me, "err", err)
	s.bad = err
	s.out = shard.Effects{}
	for id, w := range s.pending {
		delete(s.pending, id)
		w.done(nil, &routing.UnavailableError{Shard: s.id, Maybe: true, Why: quarantined(err)})
	}
}

func quarantined(err error) string { return "this replica is in quarantine: " + err.Error() }

// deliver steps Raft messages from a peer. Loop only.
func (h *Host) deliver(from routing.NodeID, group routing.ShardID, to routing.ReplicaID, msgs []*raftpb.Message) {
	s, ok := h.slots[group]
	if !ok {
		h.meetUnknown(from, group, to, msgs)
		return
	}
	if s.bad != nil || s.me != to {
		return
	}
	now := h.instant()
	for _, m := range msgs {
		s.nodes[routing.ReplicaID(m.GetFrom())] = from
		s.replica.Step(now, shard.Message{Raft: m}, &s.out)
	}
	h.mark(s)
}

// mark notes that the replica has to take its turn.
func (h *Host) mark(s *slot) {
	if !s.dirty {
		s.dirty = true
		h.dirty = append(h.dirty, s)
	}
}
