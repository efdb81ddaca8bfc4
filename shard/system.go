package shard

import (
	"errors"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/deadlock"
	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// directoryLatch is the key under which all writes to the system group's own state queue:
// each is evaluated on what the one before left behind.
const directoryLatch mvcc.Key = "\x00\x00directory"

// systemLeader is what the system group's leader has beside every leader's: the oracle's
// term of office, and who waits for whom in the cluster, as far as this term was told.
type systemLeader struct {
	oracle    *timestamp.Oracle
	parked    []*task // wait for a ceiling
	deadlocks *deadlock.Detector
}

var errSystemRow = errors.New("a row of the directory in a shard that is not the system group")

func (r *Replica) loadSystem(rows []mvcc.SystemRow) (err error) {
	if r.shard != routing.SystemShard {
		if len(rows) > 0 {
			return errSystemRow
		}
		return nil
	}
	r.directory, err = directory.Load(rows)
	return err
}

func (r *Replica) applySystem(rows []mvcc.SystemRow) error {
	if len(rows) == 0 {
		return nil
	}
	if r.shard != routing.SystemShard {
		return errSystemRow
	}
	return r.directory.Apply(rows)
}

// isSystemRequest says whether the request is of the system group's own kind: it needs the
// lease, but no fresh timestamp.
func (r *Replica) isSystemRequest(t *task) bool { return r.takesSystem(t.req.Req) }

func (r *Replica) takesSystem(req routing.Request) bool {
	if r.shard != routing.SystemShard {
		return false
	}
	switch req.(type) {
	case *routing.TimestampArgs, *routing.WaitArgs:
		return true
	}
	return directory.Owns(req)
}

// leadSystem begins the oracle's term of office: above the ceiling found, and serving
// nothing until a ceiling of this term is applied.
func (r *Replica) leadSystem() {
	if r.shard != routing.SystemShard || r.leader0.system != nil {
		return
	}
	s := &systemLeader{oracle: timestamp.NewOracle(timestamp.OracleConfig{}), deadlocks: deadlock.New(deadlock.Config{})}
	s.oracle.Lead(r.directory.Ceiling(), r.now.Wall)
	r.leader0.system = s
	r.extendOracle()
}

// tickSystem keeps the ceiling ahead.
func (r *Replica) tickSystem() {
	if r.leading && r.leader0.system != nil {
		r.extendOracle()
		r.serveOracle()
	}
}

// extendOracle proposes the next ceiling where one is due. It counts when it is applied in
// the term that proposed it (P11).
func (r *Replica) extendOracle() {
	s := r.leader0.system
	ceiling, due := s.oracle.Extend(r.now.Wall)
	if !due {
		return
	}
	p := &proposed{undone: s.oracle.Forget, after: func() {
		s.oracle.Persisted(ceiling)
		r.serveOracle()
	}}
	p.Rows.System = []mvcc.SystemRow{directory.CeilingRow(ceiling)}
	r.propose(p)
}

// serveOracle lets those go on who waited for a ceiling. Each takes its way from the top:
// the lease is looked at in the step that takes the timestamp (S1).
func (r *Replica) serveOracle() {
	s := r.leader0.system
	if s == nil {
		return
	}
	parked := s.parked
	s.parked = nil
	r.woken = append(r.woken, parked...)
	if r.wantsDraw {
		if ts, ok := s.oracle.Take(r.now.Wall, 1); ok {
			r.wantsDraw = false
			r.drawn(Drawn{TS: ts})
		}
	}
}

// serveWait tells the detector. It is asked by the coordinators beside the leaders at which
// somebody waits.
func (r *Replica) serveWait(t *task, a *routing.WaitArgs) {
	s := r.leader0.system
	if s == nil {
		r.park(t)
		r.leader0.parked = append(r.leader0.parked, t)
		return
	}
	cycles := s.deadlocks.Told(r.now.Mono, a.Edges)
	r.out.Counts.Deadlocks += len(cycles)
	r.finish(t, &routing.WaitResult{Cycles: cycles}, nil)
}

// serveTimestamp answers from the oracle, in a step in which this leader has the lease.
func (r *Replica) serveTimestamp(t *task, a *routing.TimestampArgs) {
	s := r.leader0.system
	if s == nil {
		r.park(t)
		r.leader0.parked = append(r.leader0.parked, t)
		return
	}
	n := max(a.Count, 1)
	if n > timestamp.TakeMax {
		r.finish(t, nil, &mvcc.InvalidError{Reason: "TIMESTAMP_COUNT", What: "too many timestamps at once",
			Hint: "ask for fewer"})
		return
	}
	first, ok := s.oracle.Take(r.now.Wall, n)
	if !ok {
		r.park(t)
		s.parked = append(s.parked, t)
		r.extendOracle()
		return
	}
	r.out.Counts.Draws++
	r.out.Counts.Timestamps += n
	r.finish(t, &routing.TimestampResult{First: first, Count: n, Term: r.term}, nil)
}

// askDraw asks for a fresh timestamp: the host, or in the system group the own oracle.
func (r *Replica) askDraw() {
	if r.shard != routing.SystemShard {
		r.out.Draw = true
		return
	}
	r.wantsDraw = true
}
