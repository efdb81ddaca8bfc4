package sim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/memory"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/raftlog"
	"github.com/shaledb/shale/shard/routing"
)

// fileName is which raft snapshot a received file belongs to.
type fileName struct {
	shard routing.ShardID
	index uint64
}

type received struct{ store *memory.Store }

// carryOutStore hands on what concerns the store. What is meant for one that is about to be
// replaced is dropped.
func (m *member) carryOutStore(out *shard.Effects) {
	for i := range out.Read {
		m.later(func() { m.read(&out.Read[i]) })
	}
	for i := range out.Lookup {
		m.later(func() { m.lookUp(&out.Lookup[i]) })
	}
	if m.installing {
		return
	}
	for i := range out.Flush {
		f := out.Flush[i]
		m.keep(func() { m.flush(&f, true) })
	}
	for _, sp := range out.Split {
		m.keep(func() { m.flush(sp.Before, false) })
		m.keep(func() { m.makeRight(sp) })
		m.keepLong(func() {
			m.flush(sp.After, false)
			m.step(shard.SplitMade{Split: sp})
		})
	}
	for _, msg := range out.Snapshot {
		m.keep(func() { m.sendSnapshot(msg) })
	}
}

// later is the reader pool: it takes a while, and then looks at the store as it is.
func (m *member) later(f func()) {
	r := m.r
	m.p.w.after(m.p.w.between(0, 2*time.Millisecond), m.p, note{kind: "look", shard: m.shard}, func() {
		if m.r == r {
			f()
		}
	})
}

// job is one thing for the store's one writer, and how long it takes.
type job struct {
	took time.Duration
	run  func()
}

// keep queues a job.
func (m *member) keep(run func()) {
	m.queue(job{m.p.w.between(50*time.Microsecond, 10*time.Millisecond), run})
}

// keepLong queues one that now and then takes its time.
func (m *member) keepLong(run func()) {
	took := m.p.w.between(50*time.Microsecond, 10*time.Millisecond)
	if !m.p.w.calm && m.p.w.chance(0.3) {
		took = m.p.w.between(0, time.Second)
	}
	m.queue(job{took, run})
}

func (m *member) queue(j job) {
	m.jobs = append(m.jobs, j)
	if len(m.jobs) == 1 {
		m.planJob()
	}
}

func (m *member) planJob() {
	m.p.w.after(m.jobs[0].took, m.p, note{kind: "keep", shard: m.shard}, func() {
		if len(m.jobs) == 0 {
			return
		}
		m.jobs[0].run()
		if len(m.jobs) > 0 {
			m.jobs = m.jobs[1:]
		}
		if len(m.jobs) > 0 {
			m.planJob()
		}
	})
}

func (m *member) flush(f *shard.Flush, tell bool) {
	w := m.p.w
	if !w.calm && w.chance(w.set.flushFails) {
		w.happened(FlushFailed)
		m.quarantine(fmt.Errorf("flush up to index %d: %w", f.Batch.Index, errIO))
		return
	}
	m.must(m.store.Flush(f.Batch, f.Durable))
	switch {
	case f.Durable:
		m.between = nil
	case w.chance(0.2) && len(m.between) < 3:
		m.between = append(m.between, m.store.Clone())
	}
	if tell {
		m.step(shard.Flushed{Generation: f.Generation, Index: f.Batch.Index, Durable: f.Durable})
	}
}

func (m *member) view() (mvcc.View, bool) {
	if m.store == nil {
		return nil, false
	}
	if m.pooled != nil && m.pooledOf == m.store && m.p.w.chance(0.5) {
		return m.pooled, true // opened earlier: whether it fits is for the reader to see
	}
	v, err := m.store.View()
	m.must(err)
	if m.rotten != nil {
		v = rotten{v, m.rotten}
	}
	m.pooled, m.pooledOf = v, m.store
	return v, err == nil
}

func (m *member) lookUp(l *shard.Lookup) {
	v, ok := m.view()
	if !ok || !l.State.Fits(v.Index()) {
		m.pooled = nil
		m.step(shard.Looked{ID: l.ID, Err: errors.New("the view does not fit")})
		return
	}
	defer v.Close()
	facts, err := l.Answer(v)
	m.step(shard.Looked{ID: l.ID, Facts: facts, Err: err})
}

// read answers from the state and a view; where they do not fit the request goes in again.
func (m *member) read(r *shard.Read) {
	v, ok := m.view()
	if !ok || !r.State.Fits(v.Index()) {
		m.pooled = nil
		m.step(r.Request)
		return
	}
	defer v.Close()
	res, err := r.Answer(v)
	if corrupt(err) {
		m.reply(r.Request.ID, nil, &routing.UnavailableError{Shard: m.shard, Why: err.Error()})
		m.quarantine(err)
		return
	}
	m.reply(r.Request.ID, res, err)
}

// makeRight makes the right replica of a split, unless one with a store stands here (S16).
// One without makes way; its vote is kept.
func (m *member) makeRight(sp *shard.Split) {
	me, here := sp.Right.On(m.p.node())
	if !here {
		return
	}
	right := m.p.member(sp.Right.ID)
	stands := right != nil && (right.store != nil || right.installing)
	if stands && m.p.w.opt.Mutant != RightMadeAnew {
		return
	}
	hard := firstHard()
	if right == nil {
		right = newMember(m.p, sp.Right.ID, me.ID)
	} else {
		if !m.p.disk.settle(right) {
			return
		}
		if old := right.hard; old.GetTerm() > shard.InitialTerm {
			hard.Term, hard.Vote = proto.Uint64(old.GetTerm()), proto.Uint64(old.GetVote())
		}
		right.crash(false)
	}
	if !m.p.disk.write([]raftlog.Write{beginGroup(sp.Right.ID, hard)}) {
		return
	}
	if w := m.p.w; !w.calm && w.chance(0.05) { // the log knows of the group, and there is no store
		w.killNode(m.p, true)
		return
	}
	right.store = m.store.MakeSpan(sp.Right.Span, sp.Image, shard.InitialIndex, shard.InitialTerm)
	right.own, right.between, right.rotten = true, nil, m.rottenIn(sp.Right.Span)
	right.right = shard.Start{Campaign: sp.Campaign, Proposer: sp.Proposer}
	m.p.w.remark(m.p, "%s is made", sp.Right)
	right.recover(&raftlog.Replayed{HardState: hard, CutIndex: shard.InitialIndex, CutTerm: shard.InitialTerm})
	m.p.changed = true
	if w := m.p.w; !w.calm && w.chance(0.2) { // the left's new bounds may not be durable by then
		p := m.p
		w.after(w.between(0, time.Second), p, note{kind: "kill", node: p.id}, func() { w.killNode(p, true) })
	}
}

// rottenIn is the damage that a copy of the rows of a span takes along.
func (m *member) rottenIn(span mvcc.Span) map[mvcc.Key]bool {
	var out map[mvcc.Key]bool
	for k := range m.rotten {
		if span.Contains(k) {
			if out == nil {
				out = map[mvcc.Key]bool{}
			}
			out[k] = true
		}
	}
	return out
}

// sendSnapshot copies the store and sends the copy along with the message.
func (m *member) sendSnapshot(msg *raftpb.Message) {
	image, err := m.store.Load()
	m.must(err)
	file := m.store.Clone()
	msg = proto.CloneOf(msg)
	meta := msg.GetSnapshot().GetMetadata()
	meta.Index, meta.Term = proto.Uint64(uint64(image.Index)), proto.Uint64(image.Term)
	w, s, from, r := m.p.w, m.shard, m.p.node(), m.r
	to := w.node(m.nodes[routing.ReplicaID(msg.GetTo())])
	sent := func(err error) {
		if m.r == r {
			m.step(shard.SnapshotSent{To: routing.ReplicaID(msg.GetTo()), Index: image.Index, Err: err})
		}
	}
	if to == nil {
		sent(errConnection)
		return
	}
	if m.rotten != nil { // who receives it looks, and refuses it: the operator sees that
		m.quarantine(rotten{}.damage("copied"))
		return
	}
	arrived := false
	arrive := func() {
		if arrived {
			return
		}
		arrived = true
		to.files[fileName{s, uint64(image.Index)}] = &received{file}
		to.deliver(from, s, proto.CloneOf(msg))
		w.after(w.net.delay(), m.p, note{kind: "snapshot sent", shard: s}, func() { sent(nil) })
	}
	w.after(w.between(0, 50*time.Millisecond), m.p, note{kind: "snapshot", shard: s, n: uint64(image.Index)}, func() {
		if w.net.cuts[link{m.p.id, to.id}] || !to.up {
			sent(errConnection)
			return
		}
		w.after(w.net.delay(), to, note{kind: "snapshot", shard: s, n: uint64(image.Index)}, arrive)
		w.after(time.Second, m.p, note{kind: "snapshot late", shard: s}, func() {
			if !arrived {
				arrived = true
				sent(errConnection)
			}
		})
	})
}

// install puts a received store in the place of the old one, after what was to be done with
// that one.
func (m *member) install(w shard.LogWrite) {
	for life := m.p.life; len(m.jobs) > 0; {
		jobs := m.jobs
		m.jobs = nil
		for _, j := range jobs {
			if j.run(); m.p.life != life || m.bad != nil {
				return
			}
		}
	}
	name := fileName{m.shard, w.Snapshot.GetMetadata().GetIndex()}
	file := m.p.files[name]
	if file == nil {
		m.must(errors.New("a raft snapshot without its file"))
		return
	}
	m.store, m.own, m.between, m.rotten = file.store.Clone(), false, nil, nil
	image, err := m.store.Load()
	m.must(err)
	if w := m.p.w; !w.calm && w.chance(0.1) {
		w.killNode(m.p, true) // the file is in place, and the log does not know of it
		return
	}
	at := raftlog.Position{Index: image.Index, Term: image.Term}
	if !m.p.disk.write([]raftlog.Write{{Group: m.shard, HardState: w.HardState, Entries: w.Entries, Reset: &at}}) {
		return
	}
	m.installing, m.own, m.cut = false, true, image.Index
	m.p.w.counts.Snapshots++
	m.p.w.remark(m.p, "shard %d stands on a raft snapshot at %d", m.shard, image.Index)
	m.step(shard.Installed{Write: w, Image: image})
}

// draw asks the oracle on behalf of the replica.
func (m *member) draw() {
	r := m.r
	m.p.spawn("draw", func(ctx context.Context) {
		ts, err := m.p.gateway.Next(ctx)
		if m.r == r {
			m.p.w.after(0, m.p, note{kind: "drawn", shard: m.shard}, func() {
				if m.r == r {
					m.step(shard.Drawn{TS: ts, Err: err})
				}
			})
		}
	})
}
