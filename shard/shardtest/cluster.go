package shardtest

import (
	"fmt"
	"testing"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/memory"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// Cluster is replicas of any number of shards on some nodes, in one goroutine.
type Cluster struct {
	t      testing.TB
	Config shard.Config

	mono    time.Duration
	wall    time.Time
	members []*Member
	net     []packet
	cuts    map[[2]routing.NodeID]bool // from, to
	held    []packet                   // taken off the net by a filter
	filter  func(p packet) bool
	files   map[fileName]*memory.Store

	// Strangers: a message to a replica that a node does not have makes an empty one there.
	Strangers bool
	behind    map[routing.NodeID]time.Duration // wall clocks that are wrong

	oracle   timestamp.Timestamp
	draws    []*Member
	holdDraw bool

	lastID   shard.RequestID
	answers  map[shard.RequestID]answer
	Resolved []mvcc.Lock
	Waits    []wait
	Lookups  int
	Reads    int
}

type packet struct {
	from, to routing.NodeID
	group    routing.ShardID
	m        *raftpb.Message
	late     bool // was under way before any cut
}

// wait is one that a leader has told of.
type wait struct {
	mvcc.Wait
	shard routing.ShardID
}

type fileName struct {
	shard routing.ShardID
	node  routing.NodeID
	index uint64
}

type answer struct {
	res routing.Response
	err error
}

// New makes a cluster of one shard that holds all user keys, with a replica on each of n
// nodes. Nobody leads yet.
func New(t testing.TB, n int, cfg shard.Config) *Cluster {
	c := &Cluster{t: t, Config: cfg, wall: time.UnixMilli(1_000_000), cuts: map[[2]routing.NodeID]bool{},
		files: map[fileName]*memory.Store{}, answers: map[shard.RequestID]answer{}, oracle: 100}
	c.found(2, n, mvcc.Span{Start: mvcc.FirstUserKey}, nil)
	return c
}

// AddSystemGroup founds the system group on the nodes of the first shard.
func (c *Cluster) AddSystemGroup() {
	first := c.members[0].R.Descriptor()
	var nodes []directory.Node
	for _, m := range c.members {
		nodes = append(nodes, directory.Node{ID: m.Node, StoreID: fmt.Sprintf("store %d", m.Node), Address: "a:1"})
	}
	rows := directory.Bootstrap("cluster", nodes, []routing.Descriptor{first})
	c.found(routing.SystemShard, len(nodes), mvcc.Span{End: mvcc.FirstUserKey}, rows)
}

// found makes the first replicas of a shard on nodes 1 to n.
func (c *Cluster) found(id routing.ShardID, n int, span mvcc.Span, system []mvcc.SystemRow) {
	d := routing.Descriptor{ID: id, Span: span, Epoch: routing.Epoch{Bounds: 1, Members: 1}}
	for i := range n {
		d.Replicas = append(d.Replicas, routing.Replica{ID: routing.ReplicaID(i + 1), Node: routing.NodeID(i + 1), Role: routing.Voter})
	}
	for _, rep := range d.Replicas {
		m := &Member{c: c, Node: rep.Node, Shard: d.ID, ID: rep.ID, store: memory.New(memory.Config{}), log: firstDisk()}
		b := &mvcc.Batch{Index: shard.InitialIndex, Term: shard.InitialTerm, Meta: shard.Bootstrap(d), System: system}
		if err := m.store.Flush(b, true); err != nil {
			c.fail(err)
		}
		c.add(m)
		if err := m.start(); err != nil {
			c.fail(err)
		}
	}
}

func (c *Cluster) fail(err error) {
	c.t.Helper()
	c.t.Fatal(err)
}

func (c *Cluster) add(m *Member) { c.members = append(c.members, m) }

func (c *Cluster) instant() shard.Instant {
	return shard.Instant{Mono: c.mono, Wall: c.wall.Add(c.mono)}
}

// instantOn is the time as a node sees it.
func (c *Cluster) instantOn(n routing.NodeID) shard.Instant {
	now := c.instant()
	now.Wall = now.Wall.Add(-c.behind[n])
	return now
}

func (c *Cluster) member(n routing.NodeID, s routing.ShardID) *Member {
	for _, m := range c.members {
		if m.Node == n && m.Shard == s {
			return m
		}
	}
	return nil
}

func (c *Cluster) replica(s routing.ShardID, id routing.ReplicaID) *Member {
	for _, m := range c.members {
		if m.Shard == s && m.ID == id {
			return m
		}
	}
	return nil
}

func (c *Cluster) severed(from, to routing.NodeID) bool { return c.cuts[[2]routing.NodeID{from, to}] }

func (c *Cluster) post(m *Member, msg *raftpb.Message) {
	to := c.replica(m.Shard, routing.ReplicaID(msg.GetTo()))
	if to == nil {
		if to = c.stranger(m, routing.ReplicaID(msg.GetTo())); to == nil {
			return
		}
	}
	p := packet{from: m.Node, to: to.Node, group: m.Shard, m: proto.CloneOf(msg)}
	if c.filter != nil && c.filter(p) {
		c.held = append(c.held, p)
		return
	}
	c.net = append(c.net, p)
}

// stranger makes an empty replica where a member of the sender's group is not known yet. It
// waits for a raft snapshot.
func (c *Cluster) stranger(from *Member, id routing.ReplicaID) *Member {
	if !c.Strangers {
		return nil
	}
	for _, rep := range from.R.Descriptor().Replicas {
		if rep.ID != id {
			continue
		}
		m := &Member{c: c, Node: rep.Node, Shard: from.Shard, ID: id}
		c.add(m)
		if err := m.start(); err != nil {
			c.fail(err)
		}
		return m
	}
	return nil
}

// deliver hands over everything on the net and says whether anything was.
func (c *Cluster) deliver() bool {
	net := c.net
	c.net = nil
	for _, p := range net {
		if c.severed(p.from, p.to) && !p.late {
			continue
		}
		if m := c.member(p.to, p.group); m != nil {
			m.step(shard.Message{Raft: p.m})
		}
	}
	return len(net) > 0
}

// Settle lets everything happen that needs no passing of time.
func (c *Cluster) Settle() {
	for range 10_000 {
		busy := c.deliver()
		for _, m := range c.members {
			busy = m.turn() || busy
		}
		if !c.holdDraw {
			draws := c.draws
			c.draws = nil
			for _, m := range draws {
				c.oracle += 10
				m.step(shard.Drawn{TS: c.oracle})
				busy = true
			}
		}
		if !busy {
			return
		}
	}
	c.t.Fatal("the cluster does not come to rest")
}

// Pass lets time pass, a tick at a time.
func (c *Cluster) Pass(d time.Duration) {
	const step = 10 * time.Millisecond
	for end := c.mono + d; c.mono < end; {
		c.mono += step
		for _, m := range c.members {
			if !m.paused {
				m.step(shard.Tick{})
			}
		}
		c.Settle()
	}
}

// Leader is the member that leads the shard in the highest term; nil: none.
func (c *Cluster) Leader(s routing.ShardID) *Member {
	var best *Member
	var term uint64
	for _, m := range c.members {
		if m.Shard != s || m.R == nil {
			continue
		}
		if st := m.R.Status(c.instant()); st.Leading && st.Term > term {
			best, term = m, st.Term
		}
	}
	return best
}

// Elect lets time pass until somebody leads and serves.
func (c *Cluster) Elect(s routing.ShardID) *Member {
	for range 60 {
		c.Pass(100 * time.Millisecond)
		if m := c.Leader(s); m != nil && m.R.Status(c.instant()).Quarantine == "" {
			return m
		}
	}
	c.t.Fatalf("nobody leads shard %d", s)
	return nil
}

// Send hands a request to a member; its answer is looked at with Answer.
func (c *Cluster) Send(m *Member, req routing.Request) shard.RequestID {
	return c.SendFor(m, req, 5*time.Second)
}

// SendFor is Send of a request that may wait so long.
func (c *Cluster) SendFor(m *Member, req routing.Request, patience time.Duration) shard.RequestID {
	c.lastID++
	m.step(shard.Request{ID: c.lastID, Header: routing.Header{Shard: m.Shard}, Req: req, Deadline: c.mono + patience})
	return c.lastID
}

// Ask sends a request and settles; nil and no error where it waits.
func (c *Cluster) Ask(m *Member, req routing.Request) (routing.Response, error) {
	id := c.Send(m, req)
	c.Settle()
	a := c.answers[id]
	return a.res, a.err
}

// Answered says whether a request has its answer.
func (c *Cluster) Answered(id shard.RequestID) (routing.Response, error, bool) {
	a, ok := c.answers[id]
	return a.res, a.err, ok
}

func (c *Cluster) replied(id shard.RequestID, res routing.Response, err error) {
	if _, twice := c.answers[id]; twice {
		c.t.Fatalf("request %d was answered twice", id)
	}
	c.answers[id] = answer{res, err}
}

// Timestamp is a fresh one.
func (c *Cluster) Timestamp() timestamp.Timestamp {
	c.oracle += 10
	return c.oracle
}

// String lists who is there, for failures.
func (c *Cluster) String() string {
	out := ""
	for _, m := range c.members {
		out += fmt.Sprintf("node %d shard %d up %v bad %v\n", m.Node, m.Shard, m.R != nil, m.Bad)
	}
	return out
}
