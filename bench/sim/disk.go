package sim

import (
	"slices"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard"
)

// disk is a node's one log: the writes of all its replicas wait for one sync.
type disk struct {
	p       *process
	queue   []logJob // the first `under` of them are being synced
	under   int
	slowly  time.Duration // the longest ordinary sync
	stalled time.Duration // syncs begun before it take until then
}

type logJob struct {
	m *member
	w shard.LogWrite
}

// groupLog is what is durable of one group's part.
type groupLog struct {
	hard    *raftpb.HardState
	entries []*raftpb.Entry
	cut     mvcc.Index
	cutTerm uint64
}

// firstLog is where every group begins.
func firstLog() groupLog {
	return groupLog{cut: shard.InitialIndex, cutTerm: shard.InitialTerm, hard: &raftpb.HardState{
		Term: proto.Uint64(shard.InitialTerm), Vote: proto.Uint64(0), Commit: proto.Uint64(uint64(shard.InitialIndex))}}
}

func (g *groupLog) write(w shard.LogWrite) {
	if w.HardState != nil {
		g.hard = proto.CloneOf(w.HardState)
	}
	if len(w.Entries) == 0 {
		return
	}
	first := mvcc.Index(w.Entries[0].GetIndex())
	n := max(0, min(len(g.entries), int(first)-int(g.cut)-1))
	g.entries = append(slices.Clone(g.entries[:n]), w.Entries...)
}

func (g *groupLog) cutTo(index mvcc.Index, term uint64) {
	if index <= g.cut {
		return
	}
	g.entries = slices.Clone(g.entries[min(len(g.entries), int(index-g.cut)):])
	g.cut, g.cutTerm = index, term
}

// align makes the log begin where the store ends, in case a crash came between the install of
// a raft snapshot and the log's part of it. What was flushed was committed (S18).
func (g *groupLog) align(image *mvcc.Image) {
	hard := proto.CloneOf(g.hard)
	hard.Commit = proto.Uint64(max(hard.GetCommit(), uint64(image.Index)))
	if hard.GetTerm() < image.Term {
		hard.Term, hard.Vote = proto.Uint64(image.Term), proto.Uint64(0)
	}
	g.hard = hard
	if last := g.cut + mvcc.Index(len(g.entries)); image.Index > last {
		g.entries, g.cut, g.cutTerm = nil, image.Index, image.Term
	}
}

func (d *disk) append(m *member, w shard.LogWrite) {
	d.queue = append(d.queue, logJob{m, w})
	if d.p.w.opt.Mutant == UnsyncedAcknowledged && w.Snapshot == nil {
		d.p.w.after(0, d.p, note{kind: "sync"}, func() { m.step(shard.Logged{Write: w}) })
	}
	d.sync()
}

// sync begins a sync of all that waits, unless one is under way.
func (d *disk) sync() {
	if d.under > 0 || len(d.queue) == 0 {
		return
	}
	d.under = len(d.queue)
	w := d.p.w
	took := w.between(50*time.Microsecond, d.slowly)
	if !w.calm {
		took = max(took, d.stalled-w.now)
	}
	w.after(took, d.p, note{kind: "sync", a: uint64(d.under)}, func() {
		jobs := slices.Clone(d.queue[:d.under])
		d.queue = slices.Clone(d.queue[d.under:])
		d.under = 0
		life := d.p.life
		for _, j := range jobs {
			if d.done(j); d.p.life != life {
				return
			}
		}
		d.sync()
	})
}

func (d *disk) done(j logJob) {
	if j.w.Snapshot != nil {
		j.m.install(j.w)
		return
	}
	j.m.log.write(j.w)
	if d.p.w.opt.Mutant != UnsyncedAcknowledged {
		j.m.step(shard.Logged{Write: j.w})
	}
}

// settle makes what the member still has in the queue durable: it is about to be replaced.
func (d *disk) settle(m *member) {
	kept := d.queue[:0:0]
	under := d.under
	for i, j := range d.queue {
		if j.m != m {
			kept = append(kept, j)
			continue
		}
		if j.w.Snapshot == nil {
			m.log.write(j.w)
		}
		if i < under {
			d.under--
		}
	}
	d.queue = kept
}

// crash keeps the synced, and of the rest a part from the front that luck decides on. A
// process that is killed without a power failure loses none of what it had written.
func (d *disk) crash(power bool) {
	n := d.under
	if power && n > 0 {
		n = d.p.w.rng.IntN(n + 1)
	}
	if d.p.w.opt.Mutant == UnsyncedAcknowledged {
		n = 0
	}
	for _, j := range d.queue[:n] {
		if j.w.Snapshot != nil {
			break
		}
		j.m.log.write(j.w)
	}
	d.queue, d.under, d.stalled = nil, 0, 0
}
