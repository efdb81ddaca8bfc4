package sim

import (
	"context"
	"fmt"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
	"github.com/shaledb/shale/txn"
)

// gateway is a process's way to the cluster, in one of its lives: the windows of its
// coordinator. (Its sender is in send.go.)
type gateway struct {
	p       *process
	shards  *txn.ShardCache
	leaders map[routing.ShardID]routing.NodeID // who answered last
	term    uint64                             // the highest of the oracle's heard of
	only    routing.NodeID                     // zero: any; of the shards with clients' keys
	avoid   routing.NodeID
	late    routing.ShardID     // requests to it are slow to leave
	old     timestamp.Timestamp // kept for a mutant
	kept    map[timestamp.Timestamp][]prewritten
}

var (
	_ txn.Sender     = (*gateway)(nil)
	_ txn.Timestamps = (*gateway)(nil)
	_ txn.Tasks      = (*gateway)(nil)
)

func newGateway(p *process) *gateway {
	g := &gateway{p: p, leaders: map[routing.ShardID]routing.NodeID{},
		kept: map[timestamp.Timestamp][]prewritten{}}
	g.shards = txn.NewShardCache(g.lookUp)
	return g
}

func (w *world) windows(p *process) txn.Windows {
	return txn.Windows{Sender: p.gateway.sender(), Timestamps: p.gateway, Shards: p.gateway.shards, Tasks: p.gateway}
}

// ask sends one request to the system group.
func (g *gateway) ask(ctx context.Context, req routing.Request) (routing.Response, error) {
	call := &routing.Call{To: g.p.w.systemShard(), Req: req}
	g.Send(ctx, []*routing.Call{call}, nil)
	return call.Res, call.Err
}

func (g *gateway) lookUp(ctx context.Context, k mvcc.Key) ([]routing.Descriptor, error) {
	res, err := g.ask(ctx, &directory.LookupArgs{Key: k})
	if err != nil {
		return nil, err
	}
	return res.(*directory.LookupResult).Shards, nil
}

// staleMax is how often in a row an answer of a deposed oracle is asked for again.
const staleMax = 8

// Next draws from the oracle: a request for each caller, so nobody joins one under way (S1).
func (g *gateway) Next(ctx context.Context) (timestamp.Timestamp, error) {
	w := g.p.w
	floor := w.issued.floor()
	for range staleMax {
		res, err := g.ask(ctx, &routing.TimestampArgs{Count: 1})
		if err != nil {
			return 0, err
		}
		r := res.(*routing.TimestampResult)
		if r.Term < g.term {
			continue
		}
		g.term = r.Term
		ts := w.opt.Mutant.timestamp(g, r.First)
		w.issued.check(w, g.p, floor, ts)
		return ts, nil
	}
	return 0, &routing.UnavailableError{Shard: routing.SystemShard, Why: "only deposed oracles answer"}
}

// Now is the process's monotonic clock.
func (g *gateway) Now() time.Duration { return g.p.mono() }

// Sleep parks the task.
func (g *gateway) Sleep(_ context.Context, d time.Duration) error {
	co := g.p.w.running()
	g.p.w.after(d*1000/time.Duration(g.p.rate), g.p, note{kind: "wake"}, co.resume)
	co.park()
	return nil
}

// Spawn begins a task beside the caller.
func (g *gateway) Spawn(name string, f func(context.Context)) { g.p.spawn(name, f) }

// report tells the directory what this node leads: soon after a change, and now and then.
func (p *process) report(ctx context.Context) {
	const every, often = 2 * time.Second, 50 * time.Millisecond
	for last := p.w.now; ; {
		_ = p.gateway.Sleep(ctx, often)
		if !p.changed && p.w.now-last < every {
			continue
		}
		p.changed, last = false, p.w.now
		args := &directory.ReportArgs{Node: p.node(), Address: p.name}
		for _, m := range p.members {
			if m.r == nil {
				continue
			}
			if st := m.r.Status(p.instant()); st.Leading {
				d := st.Descriptor
				d.Leader = p.node()
				args.Shards = append(args.Shards, d)
			}
		}
		if _, err := p.gateway.ask(ctx, args); err != nil {
			p.changed = true
		}
	}
}

func address(id int) string { return fmt.Sprintf("node%d", id) }
