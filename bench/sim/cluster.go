package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/raftlog"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/txn"
)

const (
	nodeCount   = 4
	firstClient = 101 // of the processes' ids
	clientCount = 3
	workerCount = 4 // tasks of each client
)

// settings are what a seed chooses for the whole run.
type settings struct {
	replica shard.Config
	txn     txn.Config
	system  routing.Descriptor
	call    time.Duration // the patience of a call that does not bring its own

	hot        bool    // a few keys are wanted by many
	segment    int64   // the size of the logs' files
	syncFails  float64 // the chance of a sync
	flushFails float64
	rot        *process // the one node whose disk flips bits
}

// build makes the cluster and sets everything going.
func (w *world) build() {
	w.choose()
	for i := range nodeCount {
		p := newProcess(w, i+1, address(i+1))
		p.disk.slowly = w.between(200*time.Microsecond, 5*time.Millisecond)
		p.boot = func(p *process) { p.spawn("report", p.report) }
		w.nodes = append(w.nodes, p)
	}
	if w.chance(0.4) {
		w.set.rot = pick(w, w.nodes)
	}
	for i := range clientCount {
		p := newProcess(w, firstClient+i, fmt.Sprintf("client%d", i+1))
		p.boot = w.work
		w.clients = append(w.clients, p)
	}
	w.found()
	for _, p := range w.processes() {
		p.start()
	}
	w.after(w.between(time.Second, 2*time.Second), nil, note{kind: "trouble begins"}, w.trouble)
	w.after(time.Second, nil, note{kind: "compare"}, w.compareAgain)
	w.after(w.opt.Trouble, nil, note{kind: "trouble ends"}, w.rest)
}

// choose draws the settings: small bounds, so that what is rare happens.
func (w *world) choose() {
	w.set.replica = shard.Config{Tick: 40 * time.Millisecond, ElectionTicks: 5 + w.rng.IntN(4),
		FlushEvery: w.between(10*time.Millisecond, 100*time.Millisecond),
		CutBytes:   2048 << w.rng.IntN(6), CutEvery: w.between(300*time.Millisecond, 3*time.Second),
		RecentRows: 8 << w.rng.IntN(8), CacheBytes: 512 << w.rng.IntN(8),
		OverlayBytes: pick(w, []int{0, 0, 8 << 10, 2 << 10}), SweepEvery: w.between(200*time.Millisecond, time.Second)}
	w.set.txn = txn.Config{LockTTL: pick(w, []time.Duration{500 * time.Millisecond, 2 * time.Second, 5 * time.Second}),
		Patience: pick(w, []time.Duration{200 * time.Millisecond, time.Second, 5 * time.Second})}
	w.set.call = w.between(300*time.Millisecond, 3*time.Second)
	w.set.hot = w.chance(0.4)
	w.set.segment = 128 << 10 << w.rng.IntN(3)
	if w.chance(0.04) {
		w.set.segment = 6 << 20 // for entries as large as they come
	}
	w.set.syncFails = pick(w, []float64{0, 0, 0.001})
	w.set.flushFails = pick(w, []float64{0, 0, 0, 0.001})
}

func (w *world) replicaConfig() shard.Config     { return w.set.replica }
func (w *world) txnConfig() txn.Config           { return w.set.txn }
func (w *world) systemShard() routing.Descriptor { return w.set.system }

func (w *world) node(id routing.NodeID) *process {
	if id < 1 || int(id) > len(w.nodes) {
		return nil
	}
	return w.nodes[id-1]
}

// found puts the system group and four shards on the nodes' disks: two share the accounts, the
// third has the ledger and the registers, and the last is a quiet one.
func (w *world) found() {
	id := routing.ReplicaID(1)
	place := func(s routing.ShardID, span mvcc.Span, n int) routing.Descriptor {
		d := routing.Descriptor{ID: s, Span: span, Epoch: routing.Epoch{Bounds: 1, Members: 1}}
		nodes := w.rng.Perm(nodeCount)[:n]
		slices.Sort(nodes)
		for _, i := range nodes {
			d.Replicas = append(d.Replicas, routing.Replica{ID: id, Node: routing.NodeID(i + 1), Role: routing.Voter})
			id++
		}
		return d
	}
	copies := func() int { return pick(w, []int{2, 3, 3, 3}) }
	w.set.system = place(routing.SystemShard, mvcc.Span{End: mvcc.FirstUserKey}, 3)
	all := []routing.Descriptor{w.set.system,
		place(2, mvcc.Span{Start: mvcc.FirstUserKey, End: account(accountCount / 2)}, copies()),
		place(3, mvcc.Span{Start: account(accountCount / 2), End: "l"}, copies()),
		place(4, mvcc.Span{Start: "l", End: "z"}, copies()), place(5, mvcc.Span{Start: "z"}, 3)}
	var nodes []directory.Node
	for _, p := range w.nodes {
		nodes = append(nodes, directory.Node{ID: p.node(), StoreID: p.name, Address: p.name})
	}
	var begins [nodeCount][]raftlog.Write
	for _, d := range all {
		var system []mvcc.SystemRow
		if d.ID == routing.SystemShard {
			system = directory.Bootstrap("sim", nodes, all)
		}
		for _, rep := range d.Replicas {
			p := w.node(rep.Node)
			begins[p.id-1] = append(begins[p.id-1], newMember(p, d.ID, rep.ID).begin(d, system))
		}
	}
	for i, p := range w.nodes {
		_, err := p.disk.open(true)
		if err == nil {
			err = p.disk.log.Append(begins[i])
		}
		if err != nil {
			w.fail("node %d: no log could be made: %v", p.id, err)
		}
		p.disk.crash(false)
	}
}

// work is what a client does whenever it comes up.
func (w *world) work(p *process) {
	if w.calm {
		return
	}
	for range workerCount {
		p.spawn("work", func(ctx context.Context) {
			for !w.calm {
				w.operate(ctx, p)
				_ = p.gateway.Sleep(ctx, w.between(0, 20*time.Millisecond))
			}
		})
	}
}

// members are all replicas, in a fixed order.
func (w *world) members() []*member {
	var out []*member
	for _, p := range w.nodes {
		out = append(out, p.members...)
	}
	return out
}
