package host

import (
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/sqlite"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/raftlog"
	"github.com/shaledb/shale/shard/routing"
)

// split carries out a split on this node, in an order that any crash leaves repeatable:
// the left's file up to the split; the right's file from it; the right's log; only then,
// durably, the left's new bounds. A right replica that stands already is kept as it is: it
// may have acknowledged writes of its own (S16).
func (k *keeper) split(sp *shard.Split) {
	if err := k.splitFiles(sp); err != nil {
		k.fail(fmt.Errorf("split off shard %d: %w", sp.Right.ID, err))
		return
	}
	k.post(shard.SplitMade{Split: sp})
	k.trim(sp.Left.Span)
}

func (k *keeper) splitFiles(sp *shard.Split) error {
	if sp.Before != nil {
		if err := k.write(sp.Before); err != nil {
			return err
		}
	}
	if err := k.makeRight(sp); err != nil {
		return err
	}
	return k.write(sp.After)
}

// makeRight makes the right replica and sets it going, unless one stands on this node.
func (k *keeper) makeRight(sp *shard.Split) error {
	h, id := k.h, sp.Right.ID
	me, here := sp.Right.On(h.cfg.Node)
	if !here {
		return nil
	}
	stood := make(chan bool, 1)
	h.ask(func() { stood <- h.makeWay(id) })
	select {
	case there := <-stood:
		if there {
			return nil
		}
	case <-h.ctx.Done():
		return h.ctx.Err()
	}
	target := h.shardDir(id)
	if err := os.RemoveAll(target + suffixNew); err != nil {
		return err
	}
	if err := os.Mkdir(target+suffixNew, 0o700); err != nil {
		return err
	}
	err := k.store.MakeSpan(filepath.Join(target+suffixNew, dbName), sp.Right.Span, sp.Image,
		shard.InitialIndex, shard.InitialTerm)
	if err != nil {
		return err
	}
	hs := h.firstHardState(id)
	h.log.begin(id, firstPosition(), hs)
	if err := h.ctx.Err(); err != nil {
		return err
	}
	if err := h.writeOwn(target + suffixNew); err != nil {
		return err
	}
	if err := h.markNew(id); err != nil {
		return err
	}
	if err := h.swap(id); err != nil {
		return err
	}
	return h.startRight(shard.Start{Shard: id, Replica: me.ID, Campaign: sp.Campaign, Proposer: sp.Proposer}, hs)
}

func firstPosition() raftlog.Position {
	return raftlog.Position{Index: shard.InitialIndex, Term: shard.InitialTerm}
}

// firstHardState is that of a replica at its beginning. One that has voted before it had a
// file keeps its term and its vote.
func (h *Host) firstHardState(id routing.ShardID) *raftpb.HardState {
	hs := &raftpb.HardState{Term: proto.Uint64(shard.InitialTerm), Vote: proto.Uint64(0),
		Commit: proto.Uint64(uint64(shard.InitialIndex))}
	got := make(chan *raftpb.HardState, 1)
	h.ask(func() {
		if o, ok := h.orphans[id]; ok {
			got <- o.HardState
			return
		}
		got <- nil
	})
	select {
	case old := <-got:
		if old.GetTerm() > hs.GetTerm() {
			hs.Term, hs.Vote = proto.Uint64(old.GetTerm()), proto.Uint64(old.GetVote())
		}
	case <-h.ctx.Done():
	}
	return hs
}

// makeWay says whether a replica with a file stands. One without a file makes way for the
// one that is being made; what it voted is kept. Loop only.
func (h *Host) makeWay(id routing.ShardID) bool {
	s, ok := h.slots[id]
	if !ok {
		return exists(h.shardDir(id))
	}
	if s.installing || s.keeper.hasFile() {
		return true
	}
	h.orphans[id] = &raftlog.Replayed{HardState: s.lastHardState}
	delete(h.slots, id)
	h.publish()
	return false
}

// startRight opens the new file and takes the replica in.
func (h *Host) startRight(start shard.Start, hs *raftpb.HardState) error {
	store, image, err := h.openStore(h.dbFile(start.Shard))
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	h.ask(func() {
		log := &raftlog.Replayed{HardState: hs, CutIndex: shard.InitialIndex, CutTerm: shard.InitialTerm}
		s, err := h.newSlot(start, store, image, log)
		if err == nil {
			h.adopt(s)
		}
		failed <- err
	})
	select {
	case err = <-failed:
	case <-h.ctx.Done():
		err = h.ctx.Err()
	}
	if err != nil {
		store.Close()
	}
	return err
}

// adopt takes a replica in. Loop only.
func (h *Host) adopt(s *slot) {
	h.slots[s.id] = s
	delete(h.orphans, s.id)
	delete(h.unknown, s.id)
	h.publish()
	h.mark(s)
	h.ports.Changed(s.id)
}

// ask has f run by the loop.
func (h *Host) ask(f func()) { h.inbox.put(item{run: f}) }

// Create makes the file and the log of a new shard's replica on this node, at its
// beginning: the first replicas of a cluster. Only before Start.
func (h *Host) Create(d routing.Descriptor, system []mvcc.SystemRow) error {
	me, ok := d.On(h.cfg.Node)
	if !ok {
		return fmt.Errorf("%s has no replica on node %d", d, h.cfg.Node)
	}
	if exists(h.shardDir(d.ID)) {
		return fmt.Errorf("shard %d is on this node already", d.ID)
	}
	target := h.shardDir(d.ID) + suffixNew
	if err := os.RemoveAll(target); err != nil {
		return err
	}
	if err := os.Mkdir(target, 0o700); err != nil {
		return err
	}
	path := filepath.Join(target, dbName)
	if err := sqlite.Create(path, shard.Bootstrap(d), system, shard.InitialIndex, shard.InitialTerm); err != nil {
		return err
	}
	at := firstPosition()
	hs := &raftpb.HardState{Term: proto.Uint64(shard.InitialTerm), Vote: proto.Uint64(0),
		Commit: proto.Uint64(uint64(shard.InitialIndex))}
	if err := h.log.log.Append([]raftlog.Write{{Group: d.ID, HardState: hs, Reset: &at}}); err != nil {
		return err
	}
	if err := h.writeOwn(target); err != nil {
		return err
	}
	if err := h.markNew(d.ID); err != nil {
		return err
	}
	if err := h.swap(d.ID); err != nil {
		return err
	}
	store, image, err := h.openStore(h.dbFile(d.ID))
	if err != nil {
		return err
	}
	s, err := h.newSlot(shard.Start{Shard: d.ID, Replica: me.ID}, store, image, &raftlog.Replayed{
		HardState: hs, CutIndex: shard.InitialIndex, CutTerm: shard.InitialTerm})
	if err != nil {
		store.Close()
		return err
	}
	h.slots[d.ID] = s
	h.publish()
	return nil
}
