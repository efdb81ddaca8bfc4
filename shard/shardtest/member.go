package shardtest

import (
	"errors"
	"slices"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/memory"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/routing"
)

// Member is one replica on one node, with its store and its part of the node's log.
type Member struct {
	c     *Cluster
	Node  routing.NodeID
	Shard routing.ShardID
	ID    routing.ReplicaID

	R     *shard.Replica // nil: down
	Bad   error
	store *memory.Store
	log   disk
	out   shard.Effects

	paused bool          // the process stands still; what reaches it waits
	inbox  []shard.Event // for a paused one

	holdSync, holdFlush bool
	holdReads           bool
	reads               []func()         // not carried out
	holdBounds          bool             // splits end before the left's new bounds are written
	stuck               bool             // one did
	writes              []shard.LogWrite // not synced
	flushes             []func()         // not carried out
	proposerStart       shard.Start
	CutAt               mvcc.Index
	Snapshots           int // raft snapshots sent
}

// disk is what of a log survives.
type disk struct {
	hard    *raftpb.HardState
	entries []*raftpb.Entry
	cut     mvcc.Index
	cutTerm uint64
}

func (d *disk) write(w shard.LogWrite) {
	if w.HardState != nil {
		d.hard = proto.CloneOf(w.HardState)
	}
	if len(w.Entries) == 0 {
		return
	}
	first := mvcc.Index(w.Entries[0].GetIndex())
	n := max(0, min(len(d.entries), int(first-d.cut)-1))
	d.entries = append(slices.Clone(d.entries[:n]), w.Entries...)
}

func (d *disk) cutTo(index mvcc.Index, term uint64) {
	if index <= d.cut {
		return
	}
	n := min(len(d.entries), int(index-d.cut))
	d.entries = slices.Clone(d.entries[n:])
	d.cut, d.cutTerm = index, term
}

// start makes the replica of what lies on disk.
func (m *Member) start() error {
	s := m.proposerStart
	m.proposerStart = shard.Start{}
	s.Node, s.Replica, s.Shard = m.Node, m.ID, m.Shard
	s.HardState, s.Entries, s.CutIndex, s.CutTerm = m.log.hard, slices.Clone(m.log.entries), m.log.cut, m.log.cutTerm
	s.Now, s.Config = m.c.instantOn(m.Node), m.c.Config
	if m.store != nil {
		image, err := m.store.Load()
		if err != nil {
			return err
		}
		s.Image = image
	}
	r, err := shard.New(s)
	if err != nil {
		return err
	}
	m.R, m.Bad = r, nil
	return nil
}

// crash loses what was not synced. Power: the store also falls back to its last durable
// flush.
func (m *Member) crash(power bool) {
	m.R, m.writes, m.flushes, m.out = nil, nil, nil, shard.Effects{}
	m.paused, m.inbox, m.stuck, m.reads = false, nil, false, nil
	if power && m.store != nil {
		m.store = m.store.AfterPowerLoss()
	}
}

func (m *Member) step(ev shard.Event) {
	if m.R == nil {
		return
	}
	if m.paused {
		m.inbox = append(m.inbox, ev)
		return
	}
	m.R.Step(m.c.instantOn(m.Node), ev, &m.out)
}

// resume lets a paused process go on: everything that waited reaches it now, late.
func (m *Member) resume() {
	m.paused = false
	inbox := m.inbox
	m.inbox = nil
	for _, ev := range inbox {
		m.step(ev)
	}
}

// turn ends a turn and carries out what the replica asks for. It says whether anything
// happened.
func (m *Member) turn() bool {
	if m.R == nil || m.paused {
		return false
	}
	m.R.Turn(m.c.instantOn(m.Node), &m.out)
	out := m.out
	m.out = shard.Effects{}
	if out.Quarantined != nil {
		m.Bad = out.Quarantined
	}
	for _, msg := range out.Send {
		m.c.post(m, msg)
	}
	m.writes = append(m.writes, out.Append...)
	for _, rep := range out.Reply {
		m.c.replied(rep.ID, rep.Res, rep.Err)
	}
	if out.Cut > 0 {
		m.CutAt = out.Cut
		m.log.cutTo(out.Cut, out.CutTerm)
	}
	for i := range out.Flush {
		f := out.Flush[i]
		m.flushes = append(m.flushes, func() { m.flush(f) })
	}
	for _, sp := range out.Split {
		m.flushes = append(m.flushes, func() { m.split(sp) })
	}
	for _, l := range out.Lookup {
		m.reads = append(m.reads, func() { m.lookUp(l) })
	}
	for _, r := range out.Read {
		m.reads = append(m.reads, func() { m.read(r) })
	}
	for _, msg := range out.Snapshot {
		m.sendSnapshot(msg)
	}
	m.c.Resolved = append(m.c.Resolved, out.Resolve...)
	for _, w := range out.Waits {
		m.c.Waits = append(m.c.Waits, wait{w, m.Shard})
	}
	if out.Draw {
		m.c.draws = append(m.c.draws, m)
	}
	busy := len(out.Send)+len(out.Append)+len(out.Reply)+len(out.Flush)+len(out.Lookup)+len(out.Read)+len(out.Split)+len(out.Snapshot) > 0
	m.carryReads()
	return m.sync() || m.carryFlushes() || busy || out.Draw
}

// carryReads lets the readers do what they were asked, unless they are held.
func (m *Member) carryReads() {
	if m.holdReads {
		return
	}
	reads := m.reads
	m.reads = nil
	for _, f := range reads {
		f()
	}
}

// sync makes the log writes durable, unless they are held.
func (m *Member) sync() bool {
	if m.holdSync || m.paused || len(m.writes) == 0 || m.R == nil {
		return false
	}
	writes := m.writes
	m.writes = nil
	for _, w := range writes {
		if w.Snapshot != nil {
			m.install(w)
			continue
		}
		m.log.write(w)
		m.step(shard.Logged{Write: w})
	}
	return true
}

func (m *Member) carryFlushes() bool {
	if m.holdFlush || m.stuck || len(m.flushes) == 0 || m.R == nil {
		return false
	}
	for len(m.flushes) > 0 && !m.stuck {
		f := m.flushes[0]
		m.flushes = m.flushes[1:]
		f()
	}
	return true
}

func (m *Member) flush(f shard.Flush) {
	if err := m.store.Flush(f.Batch, f.Durable); err != nil {
		m.Bad = err
		return
	}
	m.step(shard.Flushed{Generation: f.Generation, Index: f.Batch.Index, Durable: f.Durable})
}

func (m *Member) view() mvcc.View {
	v, err := m.store.View()
	if err != nil {
		m.c.fail(err)
	}
	return v
}

func (m *Member) lookUp(l shard.Lookup) {
	v := m.view()
	defer v.Close()
	m.c.Lookups++
	if !l.State.Fits(v.Index()) {
		m.step(shard.Looked{ID: l.ID, Err: errors.New("the view does not fit")})
		return
	}
	facts, err := l.Answer(v)
	m.step(shard.Looked{ID: l.ID, Facts: facts, Err: err})
}

func (m *Member) read(r shard.Read) {
	v := m.view()
	defer v.Close()
	m.c.Reads++
	if !r.State.Fits(v.Index()) {
		m.step(r.Request)
		return
	}
	res, err := r.Answer(v)
	m.c.replied(r.Request.ID, res, err)
}

// copyStore is the store as it is now.
func (m *Member) copyStore() (*memory.Store, *mvcc.Image) {
	image, err := m.store.Load()
	if err != nil {
		m.c.fail(err)
	}
	whole := m.store.Clone()
	return whole, image
}

// split is the host's duty of a split.
func (m *Member) split(sp *shard.Split) {
	if err := m.store.Flush(sp.Before.Batch, false); err != nil {
		m.Bad = err
		return
	}
	if err := m.makeRight(sp); err != nil {
		m.Bad = err
		return
	}
	if m.holdBounds {
		m.stuck = true
		return
	}
	if err := m.store.Flush(sp.After.Batch, true); err != nil {
		m.Bad = err
		return
	}
	m.step(shard.SplitMade{Split: sp})
}

// makeRight makes the right replica, unless one stands here that has a store: that one may
// have acknowledged writes of its own (S16). One without a store keeps its term and vote.
func (m *Member) makeRight(sp *shard.Split) error {
	me, _ := sp.Right.On(m.Node)
	right := m.c.member(m.Node, sp.Right.ID)
	if right == nil {
		right = &Member{c: m.c, Node: m.Node, Shard: sp.Right.ID, ID: me.ID}
		m.c.add(right)
	}
	if right.store != nil {
		return nil
	}
	right.crash(false)
	right.store = m.store.MakeSpan(sp.Right.Span, sp.Image, shard.InitialIndex, shard.InitialTerm)
	hard := right.log.hard
	right.log = firstDisk()
	if hard.GetTerm() > right.log.hard.GetTerm() {
		right.log.hard.Term, right.log.hard.Vote = hard.Term, hard.Vote
	}
	right.proposerStart = shard.Start{Campaign: sp.Campaign, Proposer: sp.Proposer}
	return right.start()
}

func firstDisk() disk {
	return disk{cut: shard.InitialIndex, cutTerm: shard.InitialTerm, hard: &raftpb.HardState{
		Term: proto.Uint64(shard.InitialTerm), Vote: proto.Uint64(0), Commit: proto.Uint64(uint64(shard.InitialIndex))}}
}

// sendSnapshot copies the store and sends the copy along with the message.
func (m *Member) sendSnapshot(msg *raftpb.Message) {
	copied, image := m.copyStore()
	msg = proto.CloneOf(msg)
	meta := msg.GetSnapshot().GetMetadata()
	meta.Index, meta.Term = proto.Uint64(uint64(image.Index)), proto.Uint64(image.Term)
	to := m.c.replica(m.Shard, routing.ReplicaID(msg.GetTo()))
	var err error
	if to == nil || to.R == nil || m.c.severed(m.Node, to.Node) {
		err = errors.New("the peer cannot be reached")
	} else {
		m.Snapshots++
		to.c.files[fileName{m.Shard, to.Node, uint64(image.Index)}] = copied
		m.c.post(m, msg)
	}
	m.step(shard.SnapshotSent{To: routing.ReplicaID(msg.GetTo()), Index: image.Index, Err: err})
}

// install puts a received store in the place of the old one.
func (m *Member) install(w shard.LogWrite) {
	meta := w.Snapshot.GetMetadata()
	file, ok := m.c.files[fileName{m.Shard, m.Node, meta.GetIndex()}]
	if !ok {
		m.Bad = errors.New("a raft snapshot without its file")
		return
	}
	m.store = file.Clone() // a message that comes twice brings the same file
	m.flushes = nil        // they were the old store's
	image, err := m.store.Load()
	if err != nil {
		m.c.fail(err)
	}
	m.log.cut, m.log.cutTerm, m.log.entries = image.Index, image.Term, nil
	m.log.write(shard.LogWrite{HardState: w.HardState, Entries: w.Entries}) // both may come along
	m.step(shard.Installed{Write: w, Image: image})
}
