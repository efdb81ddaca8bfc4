package sim

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// sending is one Send under way: a call each goes from replica to replica until it is
// answered or its time is over.
type sending struct {
	g        *gateway
	co       *coroutine
	attempts []*attempt
	left     int
	enough   func(*routing.Call) bool
	over     bool
	parked   bool
}

// attempt is one call on its way.
type attempt struct {
	s        *sending
	call     *routing.Call
	deadline time.Duration // the world's time

	number   int // of the try under way; what comes of earlier ones is late
	node     routing.NodeID
	hint     routing.NodeID
	tried    []routing.NodeID
	rounds   int
	unknown  int
	underWay bool
	maybe    bool // an earlier try may have been done
	last     error
	done     bool
}

// Send is the real one in small: it follows hints, tries the replicas in turn, and pauses
// between two rounds.
func (g *gateway) Send(_ context.Context, calls []*routing.Call, enough func(*routing.Call) bool) {
	if len(calls) == 0 {
		return
	}
	w := g.p.w
	s := &sending{g: g, co: w.running(), left: len(calls), enough: enough}
	for _, call := range calls {
		timeout := call.Timeout
		if timeout <= 0 {
			timeout = w.set.call
		}
		call.Res, call.Err, call.Maybe = nil, nil, false
		if call.To.ID == routing.SystemShard {
			call.To = w.systemShard()
		}
		a := &attempt{s: s, call: call, deadline: w.now + timeout}
		s.attempts = append(s.attempts, a)
		w.after(timeout, g.p, note{kind: "tick"}, func() {
			if !a.done {
				a.giveUp("the call timed out")
				s.settle()
			}
		})
	}
	for _, a := range s.attempts {
		if !s.over && !a.done {
			a.next()
		}
	}
	w.maybeKill(g.p)
	s.settle()
	for !s.over {
		s.parked = true
		s.co.park()
		s.parked = false
	}
}

// settle ends the Send where everything is answered. Only then does the task go on.
func (s *sending) settle() {
	if s.left == 0 {
		s.over = true
	}
	if s.over && s.parked {
		s.parked = false
		s.co.resume()
	}
}

func (a *attempt) next() {
	g := a.s.g
	node := a.choose()
	if node == 0 {
		a.roundOver()
		return
	}
	a.node, a.underWay = node, true
	a.tried = append(a.tried, node)
	a.number++
	number := a.number
	heard := func(res routing.Response, err error) {
		if a.number == number && !a.done {
			a.answered(res, err)
			a.s.settle()
		}
	}
	hd := routing.Header{Shard: a.call.To.ID, Bounds: a.call.To.Epoch.Bounds, Timeout: a.deadline - g.p.w.now}
	if g.late != 0 && g.late == a.call.To.ID {
		g.p.w.after(lateBy, g.p, note{kind: "late", shard: g.late}, func() { g.p.submit(node, hd, a.call.Req, heard) })
		return
	}
	g.p.submit(node, hd, a.call.Req, heard)
}

// submit carries a request to a node and its answer back to this life of the process.
func (p *process) submit(node routing.NodeID, hd routing.Header, req routing.Request, heard answer) {
	w, to, life := p.w, p.w.node(node), p.life
	broken := func() {
		if p.life == life {
			heard(nil, &routing.UnavailableError{Shard: hd.Shard, Why: errConnection.Error(), Maybe: true})
		}
	}
	reply := func(res routing.Response, err error) {
		if errors.Is(err, errConnection) {
			w.net.lose(p, note{kind: "answer"}, broken)
			return
		}
		w.net.send(to, p, note{kind: "answer"}, func() {
			if p.life == life {
				if w.trace.out != nil {
					w.spellAnswer(p, req, res, err)
				}
				heard(res, err)
			}
		}, p, broken)
	}
	if w.trace.out != nil {
		w.spell(p, "asks node%d shard %d: %s", node, hd.Shard, spelt(req))
	}
	w.net.send(p, to, note{kind: word(req), shard: hd.Shard, n: startOf(req)}, func() {
		m := to.member(hd.Shard)
		if m != nil && m.bad != nil {
			reply(nil, &routing.UnavailableError{Shard: hd.Shard, Why: "quarantine: " + m.bad.Error()})
			return
		}
		if m == nil || m.r == nil {
			reply(nil, &routing.UnknownShardError{Shard: hd.Shard})
			return
		}
		m.request(hd, req, reply)
	}, p, broken)
}

// choose picks the replica to be asked next, each once a round; zero: there is none left.
func (a *attempt) choose() routing.NodeID {
	if only := a.s.g.only; only != 0 && a.call.To.ID != routing.SystemShard {
		if slices.Contains(a.tried, only) {
			return 0
		}
		return only
	}
	for _, n := range [...]routing.NodeID{a.hint, a.s.g.leaders[a.call.To.ID], a.call.To.Leader} {
		if n != 0 && !slices.Contains(a.tried, n) && !a.avoids(n) {
			return n
		}
	}
	for _, r := range a.call.To.Replicas {
		if !slices.Contains(a.tried, r.Node) && !a.avoids(r.Node) {
			return r.Node
		}
	}
	return 0
}

func (a *attempt) avoids(n routing.NodeID) bool {
	return n == a.s.g.avoid && a.call.To.ID != routing.SystemShard
}

// roundOver: nobody led. Where nobody knew the shard the route is wrong; else a leader is
// being elected.
func (a *attempt) roundOver() {
	if a.unknown == len(a.tried) && a.unknown > 0 && !a.maybe {
		a.finish(nil, a.last)
		return
	}
	a.tried, a.hint, a.unknown = nil, 0, 0
	pause := min(100*time.Millisecond, 5*time.Millisecond<<min(a.rounds, 10))
	if a.s.g.avoid != 0 {
		pause = 5 * time.Millisecond // who goes around a leader looks for the next one
	}
	a.rounds++
	a.s.g.p.w.after(pause, a.s.g.p, note{kind: "tick"}, func() {
		if !a.done && !a.underWay {
			a.next()
			a.s.settle()
		}
	})
}

func (a *attempt) answered(res routing.Response, err error) {
	a.underWay = false
	leaders, id := a.s.g.leaders, a.call.To.ID
	if err == nil {
		leaders[id] = a.node
		a.finish(res, nil)
		return
	}
	var notLeader *routing.NotLeaderError
	var unknown *routing.UnknownShardError
	var unavailable *routing.UnavailableError
	switch {
	case errors.As(err, &notLeader):
		delete(leaders, id)
		a.hint = notLeader.Leader
	case errors.As(err, &unknown):
		delete(leaders, id)
		a.unknown++
	case errors.As(err, &unavailable):
		delete(leaders, id)
		a.maybe = a.maybe || unavailable.Maybe
		if a.maybe && !repeatable(a.call.Req) {
			a.finish(nil, err)
			return
		}
	default:
		a.finish(nil, err)
		return
	}
	a.last, a.s.g.p.w.unled = err, a.s.g.p.w.now
	a.next()
}

// repeatable: an autocommit is not sent again once it may have been done (S9).
func repeatable(req routing.Request) bool {
	p, ok := req.(*mvcc.PrewriteArgs)
	return !ok || !p.Autocommit
}

func (a *attempt) giveUp(why string) {
	a.finish(nil, &routing.UnavailableError{Shard: a.call.To.ID, Why: why, Maybe: a.maybe || a.underWay})
}

func (a *attempt) finish(res routing.Response, err error) {
	a.done = true
	a.number++
	a.call.Res, a.call.Err, a.call.Maybe = res, err, err != nil && a.maybe
	s := a.s
	s.left--
	if s.over || s.enough == nil || s.left == 0 || !s.enough(a.call) {
		return
	}
	s.over = true
	for _, o := range s.attempts {
		if !o.done {
			o.giveUp("others' answers were enough")
		}
	}
}

// word names a request in the trace.
func word(req routing.Request) string {
	if !repeatable(req) {
		return autocommitWord
	}
	switch req.(type) {
	case *mvcc.GetArgs:
		return "Get"
	case *mvcc.ScanArgs:
		return "Scan"
	case *mvcc.VersionsArgs:
		return "Versions"
	case *mvcc.PrewriteArgs:
		return "Prewrite"
	case *mvcc.CommitArgs:
		return "Commit"
	case *mvcc.RollbackArgs:
		return "Rollback"
	case *mvcc.CheckTxnArgs:
		return "CheckTxn"
	case *mvcc.OutcomeArgs:
		return "Outcome"
	case *mvcc.HeartbeatArgs:
		return "Heartbeat"
	case *mvcc.ClaimArgs:
		return "Claim"
	case *mvcc.FenceArgs:
		return "Fence"
	case *mvcc.ValidateArgs:
		return "Validate"
	case *routing.WaitArgs:
		return "Wait"
	case *routing.VictimArgs:
		return "Victim"
	case *routing.TimestampArgs:
		return "Timestamp"
	case *routing.SplitArgs:
		return "Split"
	case *routing.TransferArgs:
		return "Transfer"
	}
	return "Directory"
}

func startOf(req routing.Request) uint64 {
	switch a := req.(type) {
	case *mvcc.GetArgs:
		return uint64(a.ReadTS)
	case *mvcc.ScanArgs:
		return uint64(a.ReadTS)
	case *mvcc.PrewriteArgs:
		return uint64(a.Start)
	case *mvcc.CommitArgs:
		return uint64(a.Start)
	case *mvcc.RollbackArgs:
		return uint64(a.Start)
	case *mvcc.CheckTxnArgs:
		return uint64(a.Start)
	case *mvcc.OutcomeArgs:
		return uint64(a.Start)
	case *mvcc.HeartbeatArgs:
		return uint64(a.Start)
	case *mvcc.ClaimArgs:
		return uint64(a.Start)
	case *mvcc.FenceArgs:
		return uint64(a.Start)
	case *mvcc.ValidateArgs:
		return uint64(a.Start)
	}
	return 0
}
