package shard

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidwall/btree"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/routing"
)

// Start is what a replica is made of when its process starts or it comes into being.
type Start struct {
	Node    routing.NodeID
	Replica routing.ReplicaID
	Shard   routing.ShardID
	// Image is the store's. Nil: there is no store; the replica waits for a raft snapshot.
	Image *mvcc.Image

	// From the raft log: Entries follow CutIndex, whose entry was of CutTerm.
	HardState *raftpb.HardState
	Entries   []*raftpb.Entry
	CutIndex  mvcc.Index
	CutTerm   uint64

	Now    Instant
	Config Config

	// Campaign and Proposer are a right replica's, from its Split. Both zero otherwise.
	Campaign bool
	Proposer routing.ReplicaID
}

// Replica is one replica of one shard: a state machine that is stepped by one goroutine.
type Replica struct {
	cfg   Config
	node  routing.NodeID
	me    routing.ReplicaID
	shard routing.ShardID

	now      Instant
	out      *Effects
	raft     *raft.RawNode
	storage  *storage
	tickAt   time.Duration // of the next tick
	guard    time.Duration // neither campaign nor vote before it (S11)
	proposer routing.ReplicaID
	campaign bool
	bad      error // in quarantine

	// What is applied.
	desc        routing.Descriptor
	splitOff    []routing.Descriptor // right parts of the splits applied lately
	applied     mvcc.Index
	appliedTerm uint64
	locks       lockTable
	filling     *generation
	flushing    []*generation // oldest first
	base        mvcc.Index
	storeNumber int
	flush       flushing
	withheld    []*raftpb.Message // answers to Raft that wait for room in the overlay

	// What the group is known to be.
	term    uint64
	leading bool
	leader  routing.ReplicaID
	hard    *raftpb.HardState // not yet in a log write

	leader0 leaderState
	lease   lease
	clock   clockwork
	cache   *cache

	tasks   map[RequestID]*task
	spare   *task // see newTask
	queues  map[mvcc.Key]*lockQueue
	woken   []*task
	ready   []*task // have got their last latch
	timers  timers
	latches latches

	batch    []*proposed
	inflight []*inflightEntry
	lastID   uint64

	sending map[routing.ReplicaID]mvcc.Index // raft snapshots under way: announced index

	directory *directory.State // the system group's
	wantsDraw bool             // the system group draws from its own oracle

	installing bool
	state      *State // taken in this step, until something is applied
}

// leaderState is what a leader has beside the applied state; it ends with the term.
type leaderState struct {
	recent     *recent
	hot        *hot
	ownApplied bool // an entry of this term is applied
	fresh      bool // a timestamp drawn in this term is in maxRead
	parked     []*task

	drawing     bool    // a Draw is under way
	drawCovers  bool    // it was asked for in this term
	drawAgain   bool    // it was asked for before somebody needed it
	undrawn     []*task // wait for it
	undrawnNext []*task // wait for the next one
	transfers   []*task
	sweepAt     time.Duration
	resolving   map[mvcc.Key]time.Duration // when its sweep was asked for last
	system      *systemLeader
}

// New makes a replica of what was found on disk. An error says what is wrong with it and
// what to do.
func New(s Start) (*Replica, error) {
	r := &Replica{cfg: s.Config.withDefaults(), node: s.Node, me: s.Replica, shard: s.Shard,
		now: s.Now, tickAt: s.Now.Mono, proposer: s.Proposer, campaign: s.Campaign,
		tasks: map[RequestID]*task{}, queues: map[mvcc.Key]*lockQueue{},
		latches: latches{queues: map[mvcc.Key][]*task{}}, sending: map[routing.ReplicaID]mvcc.Index{}}
	r.tickAt += r.cfg.Tick
	r.guard = s.Now.Mono + r.cfg.electionTimeout()
	r.cache = newCache(r.cfg.CacheBytes)
	r.filling = newGeneration(1)
	r.desc.ID = s.Shard
	if s.Image != nil {
		if err := r.load(s.Image); err != nil {
			return nil, err
		}
	}
	if err := r.openLog(s); err != nil {
		return nil, err
	}
	node, err := raft.NewRawNode(r.raftConfig())
	if err != nil {
		return nil, fmt.Errorf("shard %d: %w", s.Shard, err)
	}
	r.raft = node
	r.term = r.storage.hard.GetTerm()
	return r, nil
}

// raftConfig is Raft as this package relies on it (P36): PreVote and CheckQuorum are off
// unless set, and without them neither the lease nor a healed partition is safe.
func (r *Replica) raftConfig() *raft.Config {
	return &raft.Config{
		ID: uint64(r.me), ElectionTick: r.cfg.ElectionTicks, HeartbeatTick: r.cfg.HeartbeatTicks,
		Storage: r.storage, Applied: uint64(r.applied), AsyncStorageWrites: true,
		MaxSizePerMsg: 1 << 20, MaxCommittedSizePerReady: 8 << 20, MaxUncommittedEntriesSize: 64 << 20,
		MaxInflightMsgs: 256, MaxInflightBytes: 16 << 20,
		CheckQuorum: true, PreVote: true, ReadOnlyOption: raft.ReadOnlySafe,
		Logger: r.cfg.Logger, DisableProposalForwarding: true, StepDownOnRemoval: true}
}

// load takes the image of a store in.
func (r *Replica) load(image *mvcc.Image) error {
	d, err := ReadDescriptor(r.shard, image.Meta)
	if err != nil {
		return fmt.Errorf("shard %d: %w", r.shard, err)
	}
	committed, err := readCommitted(image.Meta)
	if err != nil {
		return fmt.Errorf("shard %d: %w", r.shard, err)
	}
	r.desc = d
	r.clock.committed = max(r.clock.committed, committed)
	r.splitOff = readSplitOff(image.Meta)
	r.locks.standing = btree.Map[mvcc.Key, mvcc.Lock]{}
	for _, l := range image.Locks {
		if d.Span.Contains(l.Key) {
			r.locks.standing.Set(l.Key, l)
		}
	}
	r.applied, r.appliedTerm, r.base = image.Index, image.Term, image.Index
	r.flush.durable = image.Index
	return r.loadSystem(image.System)
}

// openLog checks that the log and the store belong together, and makes the raft storage.
func (r *Replica) openLog(s Start) error {
	hard := s.HardState
	if hard == nil {
		if r.applied > InitialIndex || len(s.Entries) > 0 {
			return fmt.Errorf("shard %d: the store stands at index %d but the raft log knows nothing of the "+
				"group: the log was lost, and with it votes and acknowledged writes; remove this replica and "+
				"let a new one be made under a new id", r.shard, r.applied)
		}
		hard = &raftpb.HardState{Commit: proto.Uint64(uint64(r.applied)), Term: proto.Uint64(r.appliedTerm)}
	}
	if s.CutIndex == 0 && len(s.Entries) == 0 {
		s.CutIndex, s.CutTerm = r.applied, r.appliedTerm
	}
	r.storage = &storage{cut: s.CutIndex, cutTerm: s.CutTerm, conf: confState(r.desc),
		flushed: r.applied, flushedTerm: r.appliedTerm}
	r.storage.append(s.Entries)
	last := r.storage.last()
	commit := max(mvcc.Index(hard.GetCommit()), r.applied) // S18: what was flushed was committed
	switch {
	case s.CutIndex > r.applied:
		return fmt.Errorf("shard %d: the store ends at index %d but the raft log begins after %d: writes between "+
			"them are missing; restore the file or rebuild the replica", r.shard, r.applied, s.CutIndex)
	case last < commit:
		return fmt.Errorf("shard %d: the raft log ends at index %d but %d was committed: the log lost "+
			"acknowledged entries; remove this replica and let a new one be made under a new id",
			r.shard, last, commit)
	}
	lastTerm, _ := r.storage.Term(uint64(last))
	if hard.GetTerm() < lastTerm {
		return fmt.Errorf("shard %d: the raft log holds an entry of term %d but its state is of term %d: a vote "+
			"was lost; remove this replica and let a new one be made under a new id", r.shard, lastTerm, hard.GetTerm())
	}
	r.storage.hard = &raftpb.HardState{Term: proto.Uint64(hard.GetTerm()), Vote: proto.Uint64(hard.GetVote()),
		Commit: proto.Uint64(uint64(commit))}
	r.flush.cutAt = s.Now.Mono
	r.flush.at = s.Now.Mono
	return nil
}

// Step takes one event in. It does no I/O and never blocks.
func (r *Replica) Step(now Instant, ev Event, out *Effects) {
	r.enter(now, out, func() {
		r.tick()
		r.handle(ev)
		r.goOn()
	})
}

// Turn ends a loop turn: what was proposed in it becomes an entry, Raft's answers are
// carried out, and a flush begins where one is due.
func (r *Replica) Turn(now Instant, out *Effects) {
	r.enter(now, out, func() {
		r.tick()
		r.runRaft()
		r.flushDue()
		r.out.Wake = r.nextWake()
	})
}

// enter runs one step. Raft says by a panic that it met what must not be; that is this
// replica's end, not the node's.
func (r *Replica) enter(now Instant, out *Effects, step func()) {
	if now.Mono < r.now.Mono {
		now.Mono = r.now.Mono
	}
	r.now, r.out = now, out
	defer func() {
		r.out = nil
		if p := recover(); p != nil {
			var failure raftFailure
			if err, ok := p.(error); !ok || !errors.As(err, &failure) {
				panic(p)
			}
			r.out = out
			r.quarantine(failure)
			r.out = nil
		}
	}()
	if r.bad == nil {
		step()
	}
}

// quarantine stops the replica for good: it answers nothing any more but its status.
func (r *Replica) quarantine(err error) {
	if r.bad != nil {
		return
	}
	r.bad = err
	r.out.Quarantined = fmt.Errorf("shard %d, index %d: %w", r.shard, r.applied, err)
	r.abandon(func(t *task) error {
		return &routing.UnavailableError{Shard: r.shard, Why: "the replica is in quarantine", Maybe: t.proposed}
	})
}

func (r *Replica) handle(ev Event) {
	switch ev := ev.(type) {
	case Request:
		r.request(ev)
	case Cancel:
		if t, ok := r.tasks[ev.ID]; ok {
			r.forget(t)
		}
	case Looked:
		r.looked(ev)
	case Message:
		r.message(ev.Raft)
	case Logged:
		r.logged(ev.Write)
	case Flushed:
		r.flushed(ev)
	case Installed:
		r.installed(ev)
	case SplitMade:
		r.splitMade(ev.Split)
	case Drawn:
		r.drawn(ev)
	case SnapshotSent:
		r.snapshotSent(ev)
	case Tick:
	}
}

// goOn runs whoever became able to go on in this step.
func (r *Replica) goOn() {
	for len(r.ready) > 0 || len(r.woken) > 0 {
		r.runWoken()
		ready := r.ready
		r.ready = nil
		for _, t := range ready {
			r.admit(t)
		}
	}
}

// nextWake is when the replica wants to be stepped at the latest.
func (r *Replica) nextWake() time.Duration {
	at := r.tickAt
	if len(r.timers) > 0 {
		at = min(at, r.timers[0].at)
	}
	if due, ok := r.flushAt(); ok {
		at = min(at, due)
	}
	return at
}

// Descriptor is the shard as this replica has applied it; Leader is its hint.
func (r *Replica) Descriptor() routing.Descriptor {
	d := r.desc
	d.Replicas = slices.Clone(d.Replicas)
	d.Leader = r.leaderNode()
	return d
}

func (r *Replica) leaderNode() routing.NodeID {
	for _, rep := range r.desc.Replicas {
		if rep.ID == r.leader {
			return rep.Node
		}
	}
	return 0
}
