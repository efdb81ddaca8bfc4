package sim

import (
	"context"
	"errors"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/routing"
)

// shardsMax bounds the splits of one run.
const shardsMax = 9

// split splits a shard at one of the keys in use.
func (w *world) split(ctx context.Context, p *process) {
	w.splitAt(ctx, p, pick(w, []mvcc.Key{account(2), account(4), account(7), "b", "l3", "l6", "r", register(2), register(4)}))
}

func (w *world) splitAt(ctx context.Context, p *process, at mvcc.Key) {
	d, err := p.gateway.shards.Find(ctx, at)
	if err != nil || d.Span.Start == at || w.counts.Splits >= shardsMax {
		return
	}
	res, err := p.gateway.ask(ctx, &directory.AllocateArgs{ReplicaCount: len(d.Replicas)})
	if err != nil {
		return
	}
	ids := res.(*directory.AllocateResult)
	call := &routing.Call{To: d, Req: &routing.SplitArgs{Key: at, Right: ids.Shard, Replicas: ids.Replicas}}
	p.gateway.Send(ctx, []*routing.Call{call}, nil)
	var moved *routing.EpochMismatchError
	switch done, ok := call.Res.(*routing.SplitResult); {
	case ok:
		w.counts.Splits++
		w.remark(p, "split %s | %s", done.Left, done.Right)
		p.gateway.shards.Learn(done.Left)
		p.gateway.shards.Learn(done.Right)
	case errors.As(call.Err, &moved):
		p.gateway.shards.Forget(d)
		for _, d := range moved.Current {
			p.gateway.shards.Learn(d)
		}
	}
}

// handOver moves a shard's leadership, now and then that of the system group.
func (w *world) handOver(ctx context.Context, p *process) {
	d := w.systemShard()
	if w.chance(0.8) {
		var err error
		k := pick(w, []mvcc.Key{account(0), account(9), ledger(1), register(5)})
		if d, err = p.gateway.shards.Find(ctx, k); err != nil {
			return
		}
	}
	to := pick(w, d.Replicas).Node
	call := &routing.Call{To: d, Req: &routing.TransferArgs{To: to}}
	p.gateway.Send(ctx, []*routing.Call{call}, nil)
	if call.Err == nil {
		w.counts.Transfers++
		w.remark(p, "%s is led by node %d", d, to)
	}
}
