package sim

import (
	"errors"
	"slices"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/raftlog"
	"github.com/shaledb/shale/shard/routing"
)

// disk is a node's: its folder, and the one log in it. The writes of all its replicas wait for
// one sync. The log itself writes and syncs at once; that this takes time is made up here: it
// does so when the time is over, or, where the process ends before, up to a part.
type disk struct {
	p       *process
	folder  *folder
	log     *raftlog.Log // nil: the process is down
	queue   []logJob     // the first `under` of them are being synced
	under   int
	slowly  time.Duration // the longest ordinary sync
	stalled time.Duration // syncs begun before it take until then
	doomed  bool          // its power fails during the next sync
}

type logJob struct {
	m *member
	w shard.LogWrite
}

// firstHard is how every group begins, once it has a store.
func firstHard() *raftpb.HardState {
	return &raftpb.HardState{Term: proto.Uint64(shard.InitialTerm), Vote: proto.Uint64(0),
		Commit: proto.Uint64(uint64(shard.InitialIndex))}
}

// noHard is the state of a replica that has promised nothing yet.
func noHard() *raftpb.HardState {
	return &raftpb.HardState{Term: proto.Uint64(0), Vote: proto.Uint64(0), Commit: proto.Uint64(0)}
}

// beginGroup is the first write of a group that begins with a store.
func beginGroup(s routing.ShardID, hard *raftpb.HardState) raftlog.Write {
	at := raftlog.Position{Index: shard.InitialIndex, Term: shard.InitialTerm}
	return raftlog.Write{Group: s, HardState: hard, Reset: &at}
}

// open reads the log. Where it is not whole the node does not come up.
func (d *disk) open(create bool) (map[routing.ShardID]*raftlog.Replayed, error) {
	d.folder.restart()
	cfg := raftlog.Config{FS: d.folder, SegmentSize: d.p.w.set.segment, Create: create}
	if w := d.p.w; !create && !w.calm && w.chance(0.02) {
		d.folder.stop = 1 + w.rng.IntN(12)
	}
	log, groups, err := raftlog.Open(d.p.name, cfg)
	d.log, d.folder.stop = log, 0
	return groups, err
}

func (d *disk) append(m *member, w shard.LogWrite) {
	d.queue = append(d.queue, logJob{m, w})
	if d.p.w.opt.Mutant == UnsyncedAcknowledged && w.Snapshot == nil {
		d.p.w.after(0, d.p, note{kind: "sync"}, func() { m.step(shard.Logged{Write: w}) })
	}
	d.sync()
}

// sync begins a sync of all that waits, unless one is under way. A raft snapshot goes by
// itself: its file comes first.
func (d *disk) sync() {
	if d.under > 0 || len(d.queue) == 0 {
		return
	}
	d.under = 1
	for d.queue[0].w.Snapshot == nil && d.under < len(d.queue) && d.queue[d.under].w.Snapshot == nil {
		d.under++
	}
	w := d.p.w
	took := w.between(50*time.Microsecond, d.slowly)
	if !w.calm {
		took = max(took, d.stalled-w.now)
	}
	w.after(took, d.p, note{kind: "sync", n: uint64(d.under)}, d.synced)
	if d.doomed && !w.calm {
		w.after(w.between(0, took), d.p, note{kind: "kill", node: d.p.id}, func() { w.killNode(d.p, w.chance(0.8)) })
	}
	d.doomed = false
}

func (d *disk) synced() {
	life, jobs := d.p.life, d.queue[:d.under]
	if jobs[0].w.Snapshot != nil {
		jobs[0].m.install(jobs[0].w)
	} else if !d.write(writesOf(jobs)) {
		return
	}
	if d.p.life != life {
		return
	}
	d.queue, d.under = slices.Clone(d.queue[len(jobs):]), 0
	for _, j := range jobs {
		if j.w.Snapshot == nil && d.p.w.opt.Mutant != UnsyncedAcknowledged {
			j.m.step(shard.Logged{Write: j.w})
		}
	}
	d.sync()
}

func writesOf(jobs []logJob) []raftlog.Write {
	writes := make([]raftlog.Write, len(jobs))
	for i, j := range jobs {
		writes[i] = raftlog.Write{Group: j.m.shard, HardState: j.w.HardState, Entries: j.w.Entries}
	}
	return writes
}

// write writes to the log now. A log that fails ends the process: nothing is tried again (P28).
func (d *disk) write(writes []raftlog.Write) bool {
	w := d.p.w
	if !w.calm && w.chance(w.set.syncFails) {
		d.folder.failing = true
		w.happened(SyncFailed)
	}
	err := d.log.Append(writes)
	d.folder.failing = false
	if err == nil {
		return true
	}
	var poisoned *raftlog.PoisonedError
	if !errors.As(err, &poisoned) {
		w.fail("node %d: the log refuses: %v", d.p.id, err)
		return false
	}
	w.remark(d.p, "ends: %v", err)
	d.p.kill(false)
	w.restart(d.p, w.between(10*time.Millisecond, time.Second))
	return false
}

func (d *disk) cut(s routing.ShardID, to mvcc.Index, term uint64) {
	d.log.Cut(s, raftlog.Position{Index: to, Term: term})
}

// settle makes what the member still has in the queue durable: it is about to be replaced.
func (d *disk) settle(m *member) bool {
	kept := d.queue[:0:0]
	var writes []raftlog.Write
	under := d.under
	for i, j := range d.queue {
		if j.m != m {
			kept = append(kept, j)
			continue
		}
		writes = append(writes, writesOf(d.queue[i:i+1])...)
		if i < under {
			d.under--
		}
	}
	d.queue = kept
	return d.write(writes)
}

// crash ends the log's use. What is being written is there in part; with the power goes what
// was not synced.
func (d *disk) crash(power bool) {
	w := d.p.w
	if d.under > 0 && d.log != nil && d.queue[0].w.Snapshot == nil {
		if d.folder.stop = w.rng.IntN(5); d.folder.stop == 4 {
			d.folder.stop = 4 + w.rng.IntN(12) // a new segment takes as many
		}
		whole := d.folder.stop > 0 && w.opt.Mutant != UnsyncedAcknowledged &&
			d.log.Append(writesOf(d.queue[:d.under])) == nil
		if !whole && power {
			w.happened(LogEndLost)
		}
	}
	d.folder.restart()
	if power && d.folder.losePower(w.rng) {
		w.happened(WriteTorn)
	}
	d.log, d.queue, d.under, d.stalled = nil, nil, 0, 0
}
