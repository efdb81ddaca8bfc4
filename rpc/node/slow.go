package node

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/timestamp"
)

// keptMax bounds the parts of transactions that a node keeps.
const keptMax = 1000

// kept is a ring of what took long, and of a sample, the newest in place of the oldest: so that
// there is always something to look at.
type kept struct {
	mu   sync.Mutex
	ring [][]*nodev1.Phase // each is one Commit here, or one request to a shard
	next int
}

// add keeps one part.
func (k *kept) add(part []*nodev1.Phase) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.ring) < keptMax {
		k.ring = append(k.ring, part)
		return
	}
	k.ring[k.next] = part
	k.next = (k.next + 1) % keptMax
}

// find lists the phases of one transaction by time, or, of zero, those of all, the newest part
// first.
func (k *kept) find(txn timestamp.Timestamp, limit int) (phases []*nodev1.Phase, more bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.ring {
		part := k.ring[(k.next+len(k.ring)-1-i)%len(k.ring)]
		if txn == 0 || part[0].GetTxn() == uint64(txn) {
			phases = append(phases, part...)
		}
	}
	if txn != 0 {
		slices.SortStableFunc(phases, func(a, b *nodev1.Phase) int { return int(a.GetAtNanos() - b.GetAtNanos()) })
	}
	if len(phases) > limit {
		return phases[:limit], true
	}
	return phases, false
}

// The bounds of one answer.
const (
	explainDefault = 1000
	explainMax     = 20_000
)

// Explain answers from what this node kept. Every node is to be asked: each shard's leader
// knows its own part, and the gateway the whole.
func (n *Node) Explain(_ context.Context, req *nodev1.ExplainRequest) (*nodev1.ExplainResponse, error) {
	limit := int(min(req.GetLimit(), explainMax))
	if limit == 0 {
		limit = explainDefault
	}
	phases, more := n.kept.find(timestamp.Timestamp(req.GetTxn()), limit)
	return &nodev1.ExplainResponse{Phases: phases, More: more}, nil
}

// part begins the record of a Commit or a request.
func (o *observer) part(txn timestamp.Timestamp, what string) *part {
	return &part{node: uint64(o.n.whoami().NodeID), txn: txn, what: what}
}

// part is one Commit or one request in the making.
type part struct {
	phases []*nodev1.Phase
	node   uint64
	txn    timestamp.Timestamp
	shard  uint64
	what   string
}

// step adds a phase.
func (p *part) step(phase string, at time.Time, took time.Duration) {
	p.phases = append(p.phases, &nodev1.Phase{Txn: uint64(p.txn), Node: p.node, Shard: p.shard, Request: p.what,
		Phase: phase, AtNanos: at.UnixNano(), TookMicros: took.Microseconds()})
}

// end adds the total, which comes first.
func (p *part) end(at time.Time, took time.Duration, result string) {
	p.step("total", at, took)
	last := len(p.phases) - 1
	total := p.phases[last]
	total.Result = result
	p.phases = slices.Insert(p.phases[:last], 0, total)
}

// log says that it was slow. There are ids and times in it, and no keys or values.
// Hidden is how many before it were not logged.
func (p *part) log(to *slog.Logger, hidden int) {
	total := p.phases[0]
	msg, fields := "slow request", []any{"request", p.what, "result", total.GetResult(),
		"took", time.Duration(total.GetTookMicros()) * time.Microsecond}
	if p.txn != 0 {
		msg, fields = "slow transaction", append([]any{"txn", p.txn.String()}, fields...)
	}
	if p.shard != 0 {
		fields = append(fields, "shard", p.shard)
	}
	for _, ph := range p.phases[1:] {
		fields = append(fields, ph.GetPhase(), time.Duration(ph.GetTookMicros())*time.Microsecond)
	}
	if hidden > 0 {
		fields = append(fields, "notLogged", hidden)
	}
	to.Warn(msg, fields...)
}
