package node

import (
	"context"
	"slices"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/shaledb/shale/shard/host"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/txn"
)

// timingsMax bounds the timings that wait to be looked at. The loop hands them over and must
// not wait: above it they are left out, and counted.
const timingsMax = 4096

// slowLogged bounds the slow transactions that are logged in one second: a disk that stalls
// makes all of them slow at once.
const slowLogged = 20

// observer keeps, logs and traces what the loop and the coordinator tell it.
type observer struct {
	n       *Node
	tracer  trace.Tracer // nil: no traces
	timings chan *host.Timing
	commits chan *txn.Report
	second  int64 // in which the last slow one ended
	logged  int   // in it
	hidden  int   // since then
}

func newObserver(n *Node) *observer {
	o := &observer{n: n, timings: make(chan *host.Timing, timingsMax), commits: make(chan *txn.Report, timingsMax)}
	if n.cfg.Tracer != nil {
		o.tracer = n.cfg.Tracer.Tracer("github.com/shaledb/shale/rpc/node")
	}
	return o
}

// timed takes a request's timing. It never blocks.
func (o *observer) timed(t *host.Timing) {
	select {
	case o.timings <- t:
	default:
		o.n.untimed.Add(1)
	}
}

// ended takes a Commit's report. It never blocks.
func (o *observer) ended(r *txn.Report) {
	o.n.commits[r.Mode].Observe(r.Total)
	if !o.slow(r.Total) && !host.Sampled(r.Start) {
		return
	}
	kept := *r // what is handed over belongs to the commit
	select {
	case o.commits <- &kept:
	default:
		o.n.untimed.Add(1)
	}
}

func (o *observer) slow(took time.Duration) bool {
	return o.n.cfg.SlowTransaction > 0 && took >= o.n.cfg.SlowTransaction
}

// run looks at what is told until ctx ends.
func (o *observer) run(ctx context.Context) {
	for {
		select {
		case t := <-o.timings:
			o.request(t)
		case r := <-o.commits:
			o.commit(r)
		case <-ctx.Done():
			return
		}
	}
}

// request keeps a request that was slow or belongs to the sample, and traces one that asks
// for it.
func (o *observer) request(t *host.Timing) {
	if t.Trace != nil && o.tracer != nil {
		o.spans(t)
	}
	slow := o.slow(t.Total)
	if !slow && !host.Sampled(t.Txn) {
		return
	}
	p := o.part(t.Txn, t.Kind)
	p.shard = uint64(t.Shard)
	at := t.At
	for phase, took := range t.Phases {
		if took > 0 {
			p.step(host.Phase(phase).String(), at, took)
			at = at.Add(took)
		}
	}
	o.keep(p, t.At, t.Total, t.Err, slow)
}

// commit keeps a Commit of this gateway.
func (o *observer) commit(r *txn.Report) {
	p := o.part(r.Start, "commit/"+r.Mode.String())
	begin := time.Now().Add(r.Began - o.n.tasks.Now())
	at := begin
	for step, took := range r.Steps {
		if took > 0 {
			p.step(txn.Step(step).String(), at, took)
			at = at.Add(took)
		}
	}
	o.keep(p, begin, r.Total, r.Err, o.slow(r.Total))
}

func (o *observer) keep(p *part, at time.Time, total time.Duration, err error, slow bool) {
	p.end(at, total, routing.ErrorName(err))
	o.n.kept.add(slices.Clip(p.phases))
	if !slow {
		return
	}
	o.n.slow.Add(1)
	if ended := at.Add(total).Unix(); ended != o.second {
		o.second, o.logged = ended, 0
	}
	if o.logged++; o.logged > slowLogged {
		o.hidden++
		return
	}
	p.log(o.n.cfg.Log, o.hidden)
	o.hidden = 0
}
