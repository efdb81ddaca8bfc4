package sim

import (
	"errors"
	"fmt"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/raftlog"
)

// comeUp reads the node's log and makes its replicas, or says that the node stays down: it died
// meanwhile, or its log is damaged and it must not come back as if it had promised nothing.
func (p *process) comeUp() bool {
	w, f := p.w, p.disk.folder
	flipped, whole := f.flipped, (*folder)(nil)
	if flipped != nil {
		whole = f.mended()
	}
	groups, err := p.disk.open(false)
	switch {
	case err == nil:
	case errors.Is(err, errEnded):
		w.happened(RecoveryCut)
		p.up = false
		p.disk.crash(w.chance(0.5))
		w.restart(p, w.between(10*time.Millisecond, time.Second))
		return false
	case f.flipped != nil && corrupt(err):
		w.counts.Refused++
		p.up = false
		w.remark(p, "stays down: %v", err)
		w.after(w.between(100*time.Millisecond, 3*time.Second), nil, note{kind: "mend", node: p.id}, func() {
			if f.flipped != nil { // somebody brings the file back as it was
				f.flipped.turn()
				f.flipped = nil
			}
			w.restart(p, 0)
		})
		return false
	default:
		w.fail("node %d: its log cannot be read: %v", p.id, err)
		return false
	}
	if flipped != nil {
		f.flipped = nil
		p.checkFlip(flipped, whole, groups)
	}
	for _, m := range p.members {
		m.recover(groups[m.shard])
	}
	return true
}

// recover makes the replica of what lies on disk. One without a store waits until it is met.
func (m *member) recover(log *raftlog.Replayed) {
	m.bad = nil
	switch {
	case log == nil && m.store != nil:
		m.p.w.fail("node %d: the log knows nothing of shard %d, whose store is here", m.p.id, m.shard)
		return
	case log == nil:
		log = &raftlog.Replayed{HardState: noHard()}
	case log.HardState == nil:
		log.HardState = noHard()
	}
	if m.store == nil { // it was about to be made, or waits for a raft snapshot: its vote is kept
		log = &raftlog.Replayed{HardState: &raftpb.HardState{Term: proto.Uint64(log.HardState.GetTerm()),
			Vote: proto.Uint64(log.HardState.GetVote()), Commit: proto.Uint64(0)}}
	}
	m.log, m.hard, m.cut = log, log.HardState, log.CutIndex
	if m.store == nil {
		return
	}
	image, err := m.store.Load()
	m.must(err)
	if err := m.align(image); err != nil {
		m.p.w.fail("node %d, shard %d: %v", m.p.id, m.shard, err)
		return
	}
	m.makeReplica(image)
}

// align makes the log begin where the store ends, in case that came from elsewhere: by a raft
// snapshot, when a crash came before the log's part of it, or by an operator's hand. Of a store
// that is this node's own the log has everything (S17), and everything above it (S14).
func (m *member) align(image *mvcc.Image) error {
	hard, last := m.log.HardState, m.log.CutIndex+mvcc.Index(len(m.log.Entries))
	if m.log.CutIndex > image.Index {
		return fmt.Errorf("the store ends at %d, but the log begins after %d (S14)", image.Index, m.log.CutIndex)
	}
	// What the log has at the store's index may be an entry that was never committed.
	fits := image.Index <= last && image.Term <= hard.GetTerm() && m.termAt(image.Index) == image.Term
	if !fits && m.own {
		return fmt.Errorf("the log ends at %d of term %d before the store, which stands at %d of term %d", last,
			hard.GetTerm(), image.Index, image.Term)
	}
	hard = proto.CloneOf(hard)
	hard.Commit = proto.Uint64(max(hard.GetCommit(), uint64(image.Index))) // what was flushed was committed (S18)
	if hard.GetTerm() < image.Term {
		hard.Term, hard.Vote = proto.Uint64(image.Term), proto.Uint64(0)
	}
	m.log.HardState, m.hard, m.own = hard, hard, true
	if fits {
		return nil
	}
	at := raftlog.Position{Index: image.Index, Term: image.Term}
	m.log.Entries, m.log.CutIndex, m.log.CutTerm, m.cut = nil, at.Index, at.Term, at.Index
	return m.p.disk.log.Append([]raftlog.Write{{Group: m.shard, HardState: hard, Reset: &at}})
}

// termAt is the term of an entry of the log that was found.
func (m *member) termAt(index mvcc.Index) uint64 {
	if index == m.log.CutIndex {
		return m.log.CutTerm
	}
	return m.log.Entries[index-m.log.CutIndex-1].GetTerm()
}

// quarantine takes the replica, and it alone, out of service: whoever waits for it hears so.
// That has to have a reason.
func (m *member) quarantine(err error) {
	if m.bad != nil || m.r == nil {
		return
	}
	if m.rotten == nil && !errors.Is(err, errIO) {
		m.p.w.fail("node %d is in quarantine: %v", m.p.id, err)
		return
	}
	w := m.p.w
	w.counts.Refused++
	w.remark(m.p, "shard %d is in quarantine: %v", m.shard, err)
	m.crash(false)
	m.bad = err
	p := m.p
	w.after(w.between(50*time.Millisecond, 2*time.Second), nil, note{kind: "mend", node: p.id}, func() { w.mendStore(m) })
}

// mendStore is the operator's work on a replica that is in quarantine: the node begins anew,
// and where rows are damaged, with a copy of another node's store, both nodes stopped.
func (w *world) mendStore(m *member) {
	if m.bad == nil || !m.p.up {
		if m.bad != nil {
			w.after(100*time.Millisecond, nil, note{kind: "mend", node: m.p.id}, func() { w.mendStore(m) })
		}
		return
	}
	w.remark(m.p, "is stopped, to mend shard %d", m.shard)
	m.p.kill(false)
	if m.rotten != nil && !w.copyStore(m) {
		w.remark(m.p, "nothing to mend shard %d with yet", m.shard)
		m.bad = nil // it comes up, and falls again over the same row
	}
	w.restart(m.p, w.between(10*time.Millisecond, 200*time.Millisecond))
}

func (w *world) copyStore(m *member) bool {
	for _, from := range w.members() {
		if from.shard != m.shard || from == m || from.store == nil || from.rotten != nil {
			continue
		}
		image, err := from.store.Load()
		m.must(err)
		if image.Index < m.cut {
			continue
		}
		from.p.kill(false)
		w.restart(from.p, w.between(10*time.Millisecond, 200*time.Millisecond))
		m.store, m.between, m.rotten, m.own = from.store.Clone(), nil, nil, false
		return true
	}
	return false
}

// start of a replica with its log's part.
func (m *member) start(image *mvcc.Image) shard.Start {
	s := m.right
	m.right = shard.Start{}
	s.Node, s.Replica, s.Shard, s.Image = m.p.node(), m.id, m.shard, image
	s.HardState, s.Entries = m.log.HardState, m.log.Entries
	s.CutIndex, s.CutTerm = m.log.CutIndex, m.log.CutTerm
	s.Now, s.Config = m.p.instant(), m.p.w.replicaConfig()
	return s
}
