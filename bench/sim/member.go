package sim

import (
	"errors"
	"maps"
	"slices"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/memory"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/raftlog"
	"github.com/shaledb/shale/shard/routing"
)

// member is one replica on one node, with its store and its part of the node's log.
type member struct {
	p     *process
	shard routing.ShardID
	id    routing.ReplicaID

	r     *shard.Replica    // nil: down, or without a store and not met yet
	store *memory.Store     // nil: there is none yet
	own   bool              // the store was made by this replica's own log
	log   *raftlog.Replayed // as it was found when the process came up
	cut   mvcc.Index        // of the log
	bad   error             // why it is in quarantine

	between  []*memory.Store // states since the last durable flush that a loss of power may leave
	compared rows            // the last time that replicas were compared
	pooled   mvcc.View       // opened before, of pooledOf
	pooledOf *memory.Store
	rotten   map[mvcc.Key]bool // keys of rows that do not match their checksums

	out        shard.Effects
	marked     bool
	wake       time.Duration
	pending    map[shard.RequestID]answer
	nodes      map[routing.ReplicaID]routing.NodeID
	jobs       []job // of the keeper of the store, in order
	installing bool
	hard       *raftpb.HardState // the newest that went to the log
	right      shard.Start       // what a split told the right part
	met        time.Duration     // when a leader's message came for a replica that is not here
}

// answer takes a reply to whoever asked.
type answer func(routing.Response, error)

func newMember(p *process, s routing.ShardID, id routing.ReplicaID) *member {
	m := &member{p: p, shard: s, id: id, pending: map[shard.RequestID]answer{},
		nodes: map[routing.ReplicaID]routing.NodeID{}}
	p.members = append(p.members, m)
	return m
}

// begin makes the first store of a replica, and hands back what its log begins with.
func (m *member) begin(d routing.Descriptor, system []mvcc.SystemRow) raftlog.Write {
	m.store, m.own = memory.New(memory.Config{}), true
	m.must(m.store.Flush(&mvcc.Batch{Index: shard.InitialIndex, Term: shard.InitialTerm,
		Meta: shard.Bootstrap(d), System: system}, true))
	return beginGroup(m.shard, firstHard())
}

func (m *member) must(err error) {
	if err != nil {
		m.p.w.fail("shard %d at node %d: %v", m.shard, m.p.id, err)
	}
}

func (m *member) makeReplica(image *mvcc.Image) {
	r, err := shard.New(m.start(image))
	if err != nil {
		m.must(err)
		return
	}
	m.r, m.wake = r, 0
	m.learnNodes()
	m.mark()
}

func (m *member) learnNodes() {
	for _, rep := range m.r.Descriptor().Replicas {
		m.nodes[rep.ID] = rep.Node
	}
}

// crash forgets what was in memory. Power: and what the store had not made durable.
func (m *member) crash(power bool) {
	m.cutOff()
	m.r, m.out, m.marked, m.jobs, m.installing, m.met = nil, shard.Effects{}, false, nil, false, 0
	m.pending = map[shard.RequestID]answer{}
	if power && m.store != nil {
		m.losePower()
	}
}

// losePower leaves one of the states since the last durable flush.
func (m *member) losePower() {
	w := m.p.w
	if n := w.rng.IntN(len(m.between) + 1); n < len(m.between) {
		m.store = m.between[n]
	} else {
		m.store = m.store.AfterPowerLoss()
	}
	m.between = nil
	w.happened(CommitsLost)
}

// request steps a client's request; reply is called at most once in this life.
func (m *member) request(hd routing.Header, req routing.Request, reply answer) {
	w := m.p.w
	w.requests++
	m.pending[w.requests] = reply
	m.step(shard.Request{ID: w.requests, Header: hd, Req: req, Deadline: m.p.mono() + hd.Timeout})
}

func (m *member) step(ev shard.Event) {
	if m.r == nil {
		return
	}
	m.r.Step(m.p.instant(), ev, &m.out)
	m.mark()
}

// mark plans the end of the turn: what happens until then shares it.
func (m *member) mark() {
	if m.marked {
		return
	}
	m.marked = true
	most := 50 * time.Microsecond
	if m.p.w.chance(0.05) { // the loop was busy with other shards
		most = 3 * time.Millisecond
	}
	m.p.w.after(m.p.w.between(0, most), m.p, note{kind: "turn", shard: m.shard}, m.turn)
}

func (m *member) turn() {
	if m.r == nil {
		return
	}
	m.marked = false
	m.r.Turn(m.p.instant(), &m.out)
	out := m.out
	m.out = shard.Effects{}
	m.carryOut(&out)
	m.wakeAt(out.Wake)
}

func (m *member) wakeAt(mono time.Duration) {
	if mono == m.wake || m.r == nil {
		return
	}
	m.wake = mono
	r := m.r
	m.p.w.after(m.p.moment(mono)-m.p.w.now, m.p, note{kind: "tick", shard: m.shard}, func() {
		if m.wake == mono && m.r == r {
			m.wake = 0
			m.step(shard.Tick{})
		}
	})
}

// carryOut does what the replica asked for in its turn. Messages go first: a leader's
// entries travel while its own sync is under way.
func (m *member) carryOut(out *shard.Effects) {
	if out.Quarantined != nil {
		m.quarantine(out.Quarantined)
		return
	}
	for _, msg := range out.Send {
		m.post(msg)
		if msg.GetType() == raftpb.MsgTimeoutNow {
			m.p.w.handedOver(m.p)
		}
	}
	for _, w := range out.Append {
		if w.HardState != nil {
			m.hard = w.HardState
		}
		m.installing = m.installing || w.Snapshot != nil
		m.p.disk.append(m, w)
	}
	if out.Cut > 0 && !m.installing {
		m.cut = out.Cut
		m.p.disk.cut(m.shard, out.Cut, out.CutTerm)
	}
	for _, rep := range out.Reply {
		m.reply(rep.ID, rep.Res, rep.Err)
	}
	m.carryOutStore(out)
	if out.Draw {
		m.draw()
	}
	if len(out.Resolve) > 0 {
		m.p.coordinator.Resolve(out.Resolve)
	}
	m.p.coordinator.Waits(out.Waits)
	if out.Changed {
		m.learnNodes()
		m.p.changed = true
	}
}

func (m *member) reply(id shard.RequestID, res routing.Response, err error) {
	if reply, ok := m.pending[id]; ok {
		delete(m.pending, id)
		reply(res, err)
	}
}

// cutOff tells everybody who waits for this member that the connection broke.
func (m *member) cutOff() {
	for _, id := range slices.Sorted(maps.Keys(m.pending)) {
		m.reply(id, nil, errConnection)
	}
}

var errConnection = errors.New("the connection broke")

// post sends a message of Raft to the peer's node.
func (m *member) post(msg *raftpb.Message) {
	to := m.p.w.node(m.nodes[routing.ReplicaID(msg.GetTo())])
	if to == nil {
		return
	}
	from, s := m.p.node(), m.shard
	what := note{kind: raftWord(msg.GetType()), shard: s, n: msg.GetTerm()}
	if m.p.w.trace.out != nil && what.kind != "beat" {
		m.p.w.spell(m.p, "sends %s to node%d, shard %d: %s", msg.GetType(), to.id, s, speltRaft(msg))
	}
	m.p.w.net.send(m.p, to, what, func() { to.deliver(from, s, proto.CloneOf(msg)) }, nil, nil)
}

func raftWord(t raftpb.MessageType) string {
	switch t {
	case raftpb.MsgHeartbeat, raftpb.MsgHeartbeatResp:
		return "beat"
	}
	return t.String()
}

// emptyPatience is how long messages for a replica that is not here are dropped: in most
// cases its shard is about to be split off here.
const emptyPatience = time.Second

// deliver steps a message of Raft. One for a replica that this node does not have makes, after
// a while, an empty one, which a raft snapshot can fill. Candidates count as much as leaders:
// where a split was applied by one replica, and raft snapshots took the left's others past it,
// nobody leads the right part until somebody votes.
func (p *process) deliver(from routing.NodeID, s routing.ShardID, msg *raftpb.Message) {
	m := p.member(s)
	if m == nil {
		m = newMember(p, s, routing.ReplicaID(msg.GetTo()))
		m.log = &raftlog.Replayed{HardState: noHard()}
		m.hard = m.log.HardState
	}
	if m.id != routing.ReplicaID(msg.GetTo()) {
		return
	}
	m.nodes[routing.ReplicaID(msg.GetFrom())] = from
	if m.r == nil && !m.meet(msg) {
		return
	}
	m.step(shard.Message{Raft: msg})
}

func (m *member) meet(msg *raftpb.Message) bool {
	if m.store != nil {
		return false
	}
	switch msg.GetType() {
	case raftpb.MsgApp, raftpb.MsgHeartbeat, raftpb.MsgSnap, raftpb.MsgPreVote, raftpb.MsgVote:
	default:
		return false
	}
	if m.met == 0 {
		m.met = m.p.w.now
	}
	if m.p.w.now-m.met < emptyPatience {
		return false
	}
	m.p.w.remark(m.p, "an empty replica of shard %d waits for a raft snapshot", m.shard)
	m.makeReplica(nil)
	return m.r != nil
}
