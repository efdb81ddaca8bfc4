package host

import (
	"time"

	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/meter"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// Phase is a part of a request's way through this node.
type Phase uint8

// They follow one another; those that a request did not need took no time. Evaluation shares
// its moment with the turn: see Metrics.Turn.
const (
	PhaseQueue     Phase = iota // in the inbox, until the loop's turn
	PhaseAdmission              // for leadership, the lease, a timestamp
	PhaseLatch                  // behind requests on the same keys
	PhaseLookup                 // for what the file has to tell
	PhaseLock                   // for a transaction's lock
	PhaseConsensus              // from the proposal until it is committed
	PhaseApply                  // from then on, or since the last wait, until the answer
	PhaseRead                   // in the reader pool, with the wait for a reader
	Phases                      // how many there are
)

func (p Phase) String() string {
	return [Phases]string{"queue", "admission", "latch", "lookup", "lock", "consensus", "apply", "read"}[p]
}

// Timing is where the time of one answered request went.
type Timing struct {
	Shard  routing.ShardID
	Kind   string
	Txn    timestamp.Timestamp // zero: none
	Req    routing.Request
	Trace  *routing.Trace // nil: not traced
	Err    error
	At     time.Time
	Total  time.Duration
	Phases [Phases]time.Duration
}

// waiting is a request for whose answer somebody waits.
type waiting struct {
	done    func(routing.Response, error)
	req     routing.Request
	trace   *routing.Trace
	came    time.Duration
	stepped time.Duration // the turn that took it in
}

// Sampled picks every 1,024th transaction, the same ones on every node.
func Sampled(txn timestamp.Timestamp) bool {
	return txn != 0 && (uint64(txn)*0x9e3779b97f4a7c15)>>54 == 0
}

// answered counts where an answered request's time went. The last part, since at, was spent in
// the named phase. What was slow, is traced or belongs to the sample is told.
func (h *Host) answered(s *slot, w *waiting, spent *shard.Spent, last Phase, at time.Duration, err error) {
	now := h.mono()
	p := [Phases]time.Duration{PhaseQueue: w.stepped - w.came, PhaseAdmission: spent[shard.WaitAdmission],
		PhaseLatch: spent[shard.WaitLatch], PhaseLookup: spent[shard.WaitStore], PhaseLock: spent[shard.WaitLock],
		PhaseConsensus: spent[shard.WaitConsensus]}
	p[last] += now - at
	kind, txn := kindOf(w.req)
	total := now - w.came
	m := &h.metrics
	m.Requests[kind].Observe(total)
	for i, took := range p {
		if took > 0 {
			m.Phases[i].Observe(took)
		}
	}
	slow := h.cfg.Slow > 0 && total >= h.cfg.Slow
	if h.ports.Timed == nil || !slow && w.trace == nil && !Sampled(txn) {
		return
	}
	h.ports.Timed(&Timing{Shard: s.id, Kind: kind.String(), Txn: txn, Req: w.req, Trace: w.trace, Err: err,
		At: time.Now().Add(-total), Total: total, Phases: p})
}

// EachRequest reads how long the requests of each kind took.
func (m *Metrics) EachRequest(f func(kind string, r meter.Reading)) {
	for i := range m.Requests {
		f(kind(i).String(), m.Requests[i].Read())
	}
}

// EachPhase reads how long requests spent in each phase.
func (m *Metrics) EachPhase(f func(phase string, r meter.Reading)) {
	for i := range m.Phases {
		f(Phase(i).String(), m.Phases[i].Read())
	}
}
