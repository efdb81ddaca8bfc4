package sim

import (
	"context"
	"slices"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/txn"
)

// depose takes a leader out of office behind its back, and then reads from it what is written
// through the others. There are three ways (S11, S12): its office is handed over, and it hears
// no more; whoever promised it not to vote forgets that by a restart; its shard is split, and
// its disk is too slow for it to notice.
func (w *world) depose(ctx context.Context, p *process) {
	way, k := w.rng.IntN(3), register(w.some(registerCount))
	if way == 1 { // where nobody else writes, the one that was cut off has all there is
		k = "zq"
	}
	_, _, err := p.coordinator.Get(ctx, txn.Read{}, []mvcc.Key{k})
	if w.passing(p, "a newest read", err) != nil {
		return
	}
	d, err := p.gateway.shards.Find(ctx, k)
	old := w.node(p.gateway.leaders[d.ID])
	if err != nil || old == nil || len(d.Replicas) < 3 || w.calm {
		return
	}
	var others []*process
	for _, r := range d.Replicas {
		if r.Node != old.node() {
			others = append(others, w.node(r.Node))
		}
	}
	w.counts.Deposed++
	w.remark(p, "deposes node%d as the leader of %s", old.id, d)
	switch way {
	case 0:
		p.spawn("work", func(ctx context.Context) {
			call := &routing.Call{To: d, Req: &routing.TransferArgs{To: pick(w, others).node()}}
			p.gateway.Send(ctx, []*routing.Call{call}, nil)
		})
		old.deaf = true
	case 1:
		w.restartVoter(old, others)
	default:
		old.disk.stalled = w.now + w.between(300*time.Millisecond, time.Second)
		p.spawn("work", func(ctx context.Context) { w.splitAt(ctx, p, k) })
	}
	w.readFrom(p, old, d, k)
	w.writeAround(ctx, p, old, k)
}

// handedOver makes a node deaf that has just handed a leadership over: it does not hear of its
// successor.
func (w *world) handedOver(p *process) {
	if !p.deaf || w.calm {
		return
	}
	p.deaf = false
	w.remark(p, "hears nothing any more")
	for _, from := range w.nodes {
		if from != p {
			w.happened(LinkCut)
			w.net.cut(from, p)
			w.mendAfter(w.between(100*time.Millisecond, 400*time.Millisecond), p, from)
		}
	}
}

// restartVoter cuts the leader off from one of the two others for longer than an election
// takes; then from the other too, which has promised not to vote for the first, and restarts.
func (w *world) restartVoter(old *process, others []*process) {
	if w.chance(0.5) {
		slices.Reverse(others)
	}
	voter, candidate := others[0], others[1]
	w.happened(LinkCutBothWays)
	w.net.cut(old, candidate)
	w.net.cut(candidate, old)
	w.mendAfter(time.Second, old, candidate)
	w.after(w.between(300*time.Millisecond, 600*time.Millisecond), nil, note{kind: "isolate", node: old.id}, func() {
		if !voter.up || w.calm {
			return
		}
		w.isolate(old, 400*time.Millisecond)
		w.happened(NodeKilled)
		w.remark(voter, "begins anew")
		voter.kill(false)
		w.restart(voter, time.Millisecond)
	})
}

// deposedFor is how long the old leader is read from.
const deposedFor = 1200 * time.Millisecond

// readFrom reads the newest of a key at one node, whoever leads.
func (w *world) readFrom(p, from *process, d routing.Descriptor, k mvcc.Key) {
	g := newGateway(p)
	g.only = from.node()
	end := w.now + deposedFor
	p.spawn("work", func(ctx context.Context) {
		for w.now < end && !w.calm {
			least := w.history.acked[k]
			call := &routing.Call{To: d, Req: &mvcc.GetArgs{Keys: []mvcc.Key{k}}, Timeout: 50 * time.Millisecond}
			g.Send(ctx, []*routing.Call{call}, nil)
			if res, ok := call.Res.(*mvcc.GetResult); ok && call.Err == nil {
				v := res.Versions[0]
				s := seen{at: res.ReadTS, least: least, key: k, commitTS: v.CommitTS, startTS: v.StartTS}
				w.history.seen = append(w.history.seen, s)
				w.checkFresh(p, s)
			}
			_ = g.Sleep(ctx, w.between(time.Millisecond, 10*time.Millisecond))
		}
	})
}

// writeAround writes a key through other nodes than one, with routes looked up anew.
func (w *world) writeAround(ctx context.Context, p, not *process, k mvcc.Key) {
	g := newGateway(p)
	g.avoid = not.node()
	cfg := w.txnConfig()
	cfg.Patience = 200 * time.Millisecond
	c := txn.NewCoordinator(txn.Windows{Sender: g, Timestamps: g, Shards: g.shards, Tasks: g}, cfg)
	for end := w.now + deposedFor; w.now < end && !w.calm; {
		r := w.begin(txn.Transaction{}, puts(put(k, "around")))
		ts, err := c.Autocommit(ctx, r.content)
		w.heard(p, r, ts, err)
		_ = g.Sleep(ctx, w.between(time.Millisecond, 20*time.Millisecond))
	}
}
