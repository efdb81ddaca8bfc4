package client

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// Send delivers all calls, in parallel, and fills each one's Res or Err. It returns when all
// are answered, timed out or ctx ended, or as soon as enough says so of an answered call.
// See txn.Sender.
func (c *Cluster) Send(ctx context.Context, calls []*routing.Call, enough func(*routing.Call) bool) {
	s := &sending{c: c, left: len(calls), news: make(chan struct{}, 1), attempts: make([]attempt, len(calls))}
	now := time.Now()
	for i, call := range calls {
		timeout := call.Timeout
		if timeout <= 0 {
			timeout = c.cfg.CallTimeout
		}
		call.Res, call.Err, call.Maybe = nil, nil, false
		if call.To.ID == routing.SystemShard && len(call.To.Replicas) == 0 {
			call.To = c.System()
		}
		a := &s.attempts[i]
		*a = attempt{s: s, call: call, index: i, deadline: now.Add(timeout)}
		a.begin(ctx)
		a.next(now)
	}
	s.wait(ctx, enough)
	s.abandon(ctx)
}

// sending is one Send under way. Its goroutine alone touches the attempts; answers come in
// through the mailbox.
type sending struct {
	c        *Cluster
	attempts []attempt
	left     int

	mu   sync.Mutex
	mail []answer
	news chan struct{} // capacity 1
}

type answer struct {
	attempt, number int
	res             routing.Response
	err             error
}

func (s *sending) deliver(a answer) {
	s.mu.Lock()
	s.mail = append(s.mail, a)
	s.mu.Unlock()
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// wait handles answers and timeouts until there is nothing more to wait for.
func (s *sending) wait(ctx context.Context, enough func(*routing.Call) bool) {
	var timer *time.Timer
	for s.left > 0 {
		if s.collect(enough) {
			return
		}
		if s.left == 0 {
			return
		}
		at := s.due()
		if timer == nil {
			timer = time.NewTimer(time.Until(at))
			defer timer.Stop()
		} else {
			timer.Reset(time.Until(at))
		}
		select {
		case <-s.news:
		case <-ctx.Done():
			return
		case <-s.c.ctx.Done():
			return
		case now := <-timer.C:
			s.tick(now)
		}
	}
}

// collect handles the answers that have come in; true: enough.
func (s *sending) collect(enough func(*routing.Call) bool) bool {
	s.mu.Lock()
	mail := s.mail
	s.mail = nil
	s.mu.Unlock()
	for _, m := range mail {
		a := &s.attempts[m.attempt]
		if a.done || m.number != a.number {
			continue // an attempt given up before
		}
		a.answered(m.res, m.err)
		if a.done && enough != nil && enough(a.call) {
			return true
		}
	}
	return false
}

// due is when the next deadline or pause is over.
func (s *sending) due() time.Time {
	var at time.Time
	for i := range s.attempts {
		a := &s.attempts[i]
		if a.done {
			continue
		}
		t := a.deadline
		if !a.resume.IsZero() && a.resume.Before(t) {
			t = a.resume
		}
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	return at
}

func (s *sending) tick(now time.Time) {
	for i := range s.attempts {
		a := &s.attempts[i]
		switch {
		case a.done:
		case !now.Before(a.deadline):
			a.giveUp("the call timed out")
		case !a.resume.IsZero() && !now.Before(a.resume):
			a.resume = time.Time{}
			a.next(now)
		}
	}
}

// abandon answers the calls that nobody waits for any more.
func (s *sending) abandon(ctx context.Context) {
	why := "others' answers were enough"
	if err := ctx.Err(); err != nil {
		why = err.Error()
	} else if s.c.ctx.Err() != nil {
		why = "the client was closed"
	}
	for i := range s.attempts {
		if a := &s.attempts[i]; !a.done {
			a.giveUp(why)
		}
	}
}

// attempt is one call, on its way to one replica after the other.
type attempt struct {
	s        *sending
	call     *routing.Call
	index    int
	deadline time.Time
	resume   time.Time // set during a pause between two rounds

	number   int // of the try under way; answers of earlier ones are thrown away
	node     routing.NodeID
	hint     routing.NodeID // who is said to lead
	tried    []routing.NodeID
	rounds   int
	underWay bool
	cancel   func()

	maybe   bool // an earlier try may have been done
	unknown int  // replicas of this round that do not know the shard
	last    error
	done    bool

	span  trace.Span     // nil: not traced
	trace *routing.Trace // what the replica is told of it
}

// The pause between two rounds over all replicas: an election takes some hundred
// milliseconds.
const (
	roundPauseMin = 5 * time.Millisecond
	roundPauseMax = 100 * time.Millisecond
)

// next sends the call to the replica to be asked next, or begins a pause.
func (a *attempt) next(now time.Time) {
	node, ok := a.choose()
	if !ok {
		a.roundOver(now)
		return
	}
	a.node, a.underWay = node, true
	a.tried = append(a.tried, node)
	a.number++
	number, s, index := a.number, a.s, a.index
	to, err := s.c.submitter(node)
	if err != nil {
		s.deliver(answer{index, number, nil, err})
		return
	}
	hd := routing.Header{Shard: a.call.To.ID, Bounds: a.call.To.Epoch.Bounds, Timeout: a.deadline.Sub(now), Trace: a.trace}
	a.cancel = to.Submit(hd, a.call.Req, func(res routing.Response, err error) {
		s.deliver(answer{index, number, res, err})
	})
}

// anybody says whether any replica answers the request, leader or not. Such a request is
// sent to the replicas named, and says nothing about who leads.
func anybody(req routing.Request) bool {
	_, status := req.(*routing.StatusArgs)
	return status
}

// choose picks the replica: the one said to lead, then the others, each once a round.
func (a *attempt) choose() (routing.NodeID, bool) {
	to := &a.call.To
	if anybody(a.call.Req) {
		return a.other()
	}
	for _, n := range [...]routing.NodeID{a.hint, a.s.c.leader(to.ID), to.Leader} {
		if n != 0 && !a.asked(n) {
			return n, true
		}
	}
	own := a.s.c.cfg.Node
	if _, ok := to.On(own); ok && !a.asked(own) {
		return own, true
	}
	return a.other()
}

func (a *attempt) other() (routing.NodeID, bool) {
	to := &a.call.To
	for _, r := range to.Replicas {
		if !a.asked(r.Node) {
			return r.Node, true
		}
	}
	return 0, false
}

func (a *attempt) asked(n routing.NodeID) bool {
	for _, t := range a.tried {
		if t == n {
			return true
		}
	}
	return false
}

// roundOver: no replica led. Where all that answered did not know the shard, the route is
// wrong; otherwise a leader is being elected.
func (a *attempt) roundOver(now time.Time) {
	if a.unknown == len(a.tried) && a.unknown > 0 && !a.maybe {
		a.finish(nil, a.last)
		return
	}
	if len(a.call.To.Replicas) == 0 && len(a.tried) == 0 {
		a.giveUp("no replica of the shard is known")
		return
	}
	pause := min(roundPauseMax, roundPauseMin<<min(a.rounds, 10))
	a.rounds++
	a.tried, a.hint, a.unknown = a.tried[:0], 0, 0
	a.s.c.refreshSoon()
	a.resume = now.Add(pause)
}

// answered takes the answer of the try under way.
func (a *attempt) answered(res routing.Response, err error) {
	a.underWay, a.cancel = false, nil
	if err == nil {
		if !anybody(a.call.Req) {
			a.s.c.learnLeader(a.call.To.ID, a.node)
		}
		a.finish(res, nil)
		return
	}
	var notLeader *routing.NotLeaderError
	var unknown *routing.UnknownShardError
	var unavailable *routing.UnavailableError
	switch {
	case errors.As(err, &notLeader):
		a.s.c.forgetLeader(a.call.To.ID, a.node)
		a.hint = notLeader.Leader
		if a.hint != 0 {
			a.s.c.learnLeader(a.call.To.ID, a.hint)
		}
	case errors.As(err, &unknown):
		a.s.c.forgetLeader(a.call.To.ID, a.node)
		a.unknown++
	case errors.As(err, &unavailable):
		a.s.c.forgetLeader(a.call.To.ID, a.node)
		a.maybe = a.maybe || unavailable.Maybe
		a.last = err
		if a.maybe && !repeatable(a.call.Req) {
			a.finish(nil, err)
			return
		}
	default:
		a.finish(nil, err)
		return
	}
	a.last = err
	if anybody(a.call.Req) && len(a.call.To.Replicas) == 1 {
		a.finish(nil, err) // it was asked of this replica alone
		return
	}
	a.next(time.Now())
}

// repeatable says whether doing the request twice is the same as doing it once. An
// autocommit's is not sent again once it may have been done (S9).
func repeatable(req routing.Request) bool {
	p, ok := req.(*mvcc.PrewriteArgs)
	return !ok || !p.Autocommit
}

// giveUp answers the call with an *routing.UnavailableError.
func (a *attempt) giveUp(why string) {
	if a.cancel != nil {
		a.cancel()
	}
	if a.last != nil {
		why += "; last heard: " + a.last.Error()
	}
	a.finish(nil, &routing.UnavailableError{Shard: a.call.To.ID, Why: why, Maybe: a.maybe || a.underWay})
}

func (a *attempt) finish(res routing.Response, err error) {
	a.done, a.resume = true, time.Time{}
	a.number++ // whatever comes in now is late
	a.call.Res, a.call.Err, a.call.Maybe = res, err, err != nil && a.maybe
	a.end(err)
	a.s.left--
}
