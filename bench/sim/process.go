package sim

import (
	"time"

	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/txn"
)

// process is a node, or a client's: it lives until it is killed, and comes back with what
// its disk kept.
type process struct {
	w    *world
	id   int // nodes from 1 on, clients from 101
	name string
	boot func(p *process) // what it does whenever it comes up

	life        int // counts its lives; an event of an earlier one does not happen
	up          bool
	pausedUntil time.Duration
	tasks       []*coroutine
	gateway     *gateway
	coordinator *txn.Coordinator

	// The clock.
	began time.Duration // when it showed base
	base  time.Duration
	rate  int64         // of its monotonic clock, in thousandths
	skew  time.Duration // of its wall clock

	// A node's.
	members []*member
	disk    disk
	files   map[fileName]*received
	deaf    bool // it will be, once it hands a leadership over
	changed bool // the directory should hear something
}

// epoch is the wall clock at the beginning of every run.
const epoch = 1_700_000_000_000 // ms

// driftMax is how far a clock's rate is off, in thousandths: well inside what leases allow.
const driftMax = 20

func newProcess(w *world, id int, name string) *process {
	p := &process{w: w, id: id, name: name, files: map[fileName]*received{}}
	p.rate = 1000 + w.rng.Int64N(2*driftMax+1) - driftMax
	p.skew = w.between(-200*time.Millisecond, 200*time.Millisecond)
	p.disk.p, p.disk.folder = p, newFolder()
	return p
}

func (p *process) node() routing.NodeID { return routing.NodeID(p.id) }

// mono is the process's monotonic clock: it runs unevenly, but never stops or goes back.
func (p *process) mono() time.Duration {
	return p.base + (p.w.now-p.began)*time.Duration(p.rate)/1000
}

// run makes the monotonic clock run at another rate from now on.
func (p *process) run(rate int64) {
	p.base, p.began = p.mono(), p.w.now
	p.rate = rate
}

// moment is when the monotonic clock will show t.
func (p *process) moment(t time.Duration) time.Duration {
	return p.began + (t-p.base)*1000/time.Duration(p.rate) + 1
}

func (p *process) instant() shard.Instant {
	return shard.Instant{Mono: p.mono(), Wall: time.UnixMilli(epoch).Add(p.w.now + p.skew)}
}

// start brings the process up with what is on its disk.
func (p *process) start() {
	w := p.w
	p.up, p.began, p.base, p.pausedUntil = true, w.now, 0, 0
	p.gateway = newGateway(p)
	p.coordinator = txn.NewCoordinator(w.windows(p), w.txnConfig())
	if p.id <= nodeCount && !p.comeUp() {
		return
	}
	if p.boot != nil {
		p.boot(p)
	}
}

// kill ends the process between two events. Power: what no fsync covered goes as well.
func (p *process) kill(power bool) {
	if !p.up {
		return
	}
	p.up = false
	p.life++
	p.endTasks()
	p.disk.crash(power)
	p.files = map[fileName]*received{}
	for _, m := range p.members {
		m.crash(power)
	}
}

// member is the replica of a shard on this node, or nil.
func (p *process) member(s routing.ShardID) *member {
	for _, m := range p.members {
		if m.shard == s {
			return m
		}
	}
	return nil
}
