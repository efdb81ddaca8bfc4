package shardtest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/cryptotest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/routing"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "run TestRandom with this seed alone")
	seedsFlag = flag.Uint64("seeds", 12, "how many seeds TestRandom runs")
)

// TestRandom lets chance decide what is delivered, lost, doubled, synced, flushed, cut off,
// crashed, moved and split, while clients put, get and append to single keys, by atomic
// operations and under claims. What they saw must be
// linearizable, replicas must hold the same at the same index, and nothing may quarantine.
//
//	go test ./shard/shardtest -run TestRandom -v -args -seed=N     the same run again
func TestRandom(t *testing.T) {
	seeds := make([]uint64, 0, *seedsFlag)
	for s := uint64(1); s <= *seedsFlag; s++ {
		seeds = append(seeds, s)
	}
	if *seedFlag != 0 {
		seeds = []uint64{*seedFlag}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed%d", seed), func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("again: go test ./shard/shardtest -run TestRandom -v -args -seed=%d", seed)
				}
			}()
			w := newWorld(t, seed)
			w.run(30_000)
			w.settleDown()
			w.history.check(t)
			t.Logf("seed %d: %s", seed, w.figures())
		})
	}
}

// world is one random run.
type world struct {
	t       *testing.T
	rng     *rand.Rand
	c       *Cluster
	step    int64
	calm    bool // nothing breaks any more
	clients []*client
	history history
	stores  storeBook
	counts  map[string]int
	crashed map[*Member]int // how often; a request to an earlier life is lost
}

func newWorld(t *testing.T, seed uint64) *world {
	cryptotest.SetGlobalRandom(t, seed)
	w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 1)), counts: map[string]int{}, crashed: map[*Member]int{},
		stores: newStoreBook(t)}
	w.c = New(t, 3, shard.Config{FlushEvery: 30 * time.Millisecond, FlushRows: 6, CutEvery: 200 * time.Millisecond,
		CacheBytes: 2000, RecentRows: 8})
	w.c.Strangers = true
	w.c.holdDraw = true // one at a time, when chance has it so
	w.c.Elect(2)
	for i := range 5 {
		w.clients = append(w.clients, &client{w: w, id: i})
	}
	return w
}

func (w *world) chance(percent int) bool { return w.rng.IntN(100) < percent }

func (w *world) note(what string) { w.counts[what]++ }

func (w *world) figures() string {
	var out []string
	for _, k := range []string{"delivered", "dropped", "doubled", "crashes", "power losses", "cuts", "pauses", "transfers",
		"splits asked", "raft snapshots", "acknowledged", "gets", "claims", "aborts", "unknown"} {
		out = append(out, fmt.Sprintf("%d %s", w.counts[k], k))
	}
	return strings.Join(out, ", ")
}

func (w *world) run(steps int) {
	for range steps {
		w.step++
		switch n := w.rng.IntN(1000); {
		case n < 300:
			for range 1 + w.rng.IntN(6) {
				w.deliverOne()
			}
		case n < 680:
			w.turnOne()
		case n < 740:
			w.pass()
		case n < 780:
			w.drawOne()
		case n < 970:
			w.clients[w.rng.IntN(len(w.clients))].act()
		case n < 974:
			w.holdSomething()
		case n < 975:
			w.cutSomething()
		case n < 976:
			w.crashOne()
		case n < 977:
			w.pauseOne()
		case n < 992:
			w.restartOne()
		case n < 995:
			w.transferOne()
		case n < 997:
			w.splitOne()
		}
		w.look()
	}
}

// look ends the run at the first replica that stops.
func (w *world) look() {
	for _, m := range w.c.members {
		if m.Bad != nil {
			w.t.Fatalf("step %d: node %d, shard %d: %v", w.step, m.Node, m.Shard, m.Bad)
		}
	}
}

func (w *world) deliverOne() {
	if len(w.c.net) == 0 {
		return
	}
	i := 0
	if !w.calm && w.chance(20) {
		i = w.rng.IntN(len(w.c.net)) // out of order
	}
	p := w.c.net[i]
	w.c.net = append(w.c.net[:i:i], w.c.net[i+1:]...)
	if w.c.severed(p.from, p.to) || !w.calm && w.chance(3) {
		w.note("dropped")
		return
	}
	if !w.calm && w.chance(3) {
		w.note("doubled")
		again := p
		again.m = proto.CloneOf(p.m)
		w.c.net = append(w.c.net, again)
	}
	w.note("delivered")
	if m := w.c.member(p.to, p.group); m != nil {
		m.step(shard.Message{Raft: p.m})
	}
}

func (w *world) turnOne() {
	m := w.c.members[w.rng.IntN(len(w.c.members))]
	before := m.Snapshots
	m.turn()
	w.counts["raft snapshots"] += m.Snapshots - before
	w.stores.note(m)
}

func (w *world) pass() {
	w.c.mono += time.Duration(1+w.rng.IntN(100)) * time.Millisecond
	for _, m := range w.c.members {
		if !m.paused && w.chance(90) {
			m.step(shard.Tick{})
		}
	}
}

func (w *world) drawOne() {
	if len(w.c.draws) == 0 {
		return
	}
	m := w.c.draws[0]
	w.c.draws = w.c.draws[1:]
	if w.calm || w.chance(90) {
		w.c.oracle += 1 + ts(w.rng.IntN(4))
		m.step(shard.Drawn{TS: w.c.oracle})
		return
	}
	m.step(shard.Drawn{Err: &routing.UnavailableError{Why: "the oracle is away"}})
}

// pauseOne stops a node's process as it is, or lets the one that stands still go on: into a
// world in which somebody else may lead.
func (w *world) pauseOne() {
	n := routing.NodeID(1 + w.rng.IntN(3))
	w.note("pauses")
	for _, m := range w.c.members {
		switch {
		case m.paused:
			m.resume()
		case m.Node == n:
			m.paused = true
		}
	}
}

func (w *world) holdSomething() {
	m := w.c.members[w.rng.IntN(len(w.c.members))]
	switch w.rng.IntN(5) {
	case 0:
		m.holdSync = !m.holdSync
	case 1:
		m.holdFlush = !m.holdFlush
	case 2:
		m.holdReads = !m.holdReads
	default:
		for _, m := range w.c.members {
			m.holdSync, m.holdFlush, m.holdReads = false, false, false
		}
	}
}

func (w *world) cutSomething() {
	clear(w.c.cuts)
	if w.chance(50) {
		return
	}
	w.note("cuts")
	from := routing.NodeID(1 + w.rng.IntN(3))
	for to := routing.NodeID(1); to <= 3; to++ {
		if to != from && w.chance(70) {
			w.c.cuts[[2]routing.NodeID{from, to}] = true
			if w.chance(70) { // else one way only
				w.c.cuts[[2]routing.NodeID{to, from}] = true
			}
		}
	}
}

// crashOne ends a node's process; a majority of stores that lost power would still be whole:
// logs are synced, so that may happen to all.
func (w *world) crashOne() {
	n := routing.NodeID(1 + w.rng.IntN(3))
	power := w.chance(40)
	w.note("crashes")
	if power {
		w.note("power losses")
	}
	for _, m := range w.c.members {
		if m.Node == n && m.R != nil {
			m.crash(power)
			m.holdBounds = false
			w.crashed[m]++
		}
	}
}

func (w *world) restartOne() {
	n := routing.NodeID(1 + w.rng.IntN(3))
	for _, m := range w.c.members {
		if m.Node == n && m.R == nil {
			m.holdSync, m.holdFlush = false, false
			require.NoError(w.t, m.start(), "step %d: node %d, shard %d", w.step, m.Node, m.Shard)
		}
	}
}

func (w *world) transferOne() {
	s := w.c.members[w.rng.IntN(len(w.c.members))].Shard
	if m := w.c.Leader(s); m != nil {
		w.note("transfers")
		w.c.Send(m, &routing.TransferArgs{To: routing.NodeID(1 + w.rng.IntN(3))})
	}
}

// splitOne asks for one of two splits, again and again: each happens once. Now and then a
// node loses power when the right part stands and the left does not know it yet (S16).
func (w *world) splitOne() {
	m := w.c.Leader(2)
	if m == nil {
		return
	}
	w.note("splits asked")
	right, at := routing.ShardID(3), mvcc.Key("d")
	if w.chance(50) {
		right, at = 4, "b"
	}
	a := &routing.SplitArgs{Key: at, Right: right}
	for i := range m.R.Descriptor().Replicas {
		a.Replicas = append(a.Replicas, routing.ReplicaID(int(right)*10+i+1))
	}
	w.c.Send(m, a)
	if w.chance(30) {
		w.c.member(routing.NodeID(1+w.rng.IntN(3)), 2).holdBounds = true
	}
}

// settleDown ends all that breaks and lets everything come to its end.
func (w *world) settleDown() {
	clear(w.c.cuts)
	for _, m := range w.c.members {
		m.resume()
		if m.holdBounds && m.R != nil { // its split never ends by itself
			m.crash(true)
			w.crashed[m]++
		}
		m.holdBounds, m.holdSync, m.holdFlush, m.holdReads = false, false, false, false
	}
	for range 3 {
		for _, m := range w.c.members {
			if m.R == nil {
				require.NoError(w.t, m.start())
			}
		}
	}
	w.calm = true
	w.c.holdDraw = false
	for range 400 {
		w.step++
		w.c.Pass(10 * time.Millisecond)
		w.look()
		for _, m := range w.c.members {
			w.stores.note(m)
		}
		for _, cl := range w.clients {
			cl.act()
		}
	}
	for _, cl := range w.clients {
		cl.retire()
	}
	w.c.Pass(2 * time.Second)
	w.stores.equal(w.c)
}
