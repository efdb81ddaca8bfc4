package shard

import (
	"errors"
	"fmt"
	"slices"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// command is a request that is evaluated under latches: everything but reads.
type command interface {
	// keys are latched and looked up. They lie within the shard; none stands twice.
	keys() []mvcc.Key
	// start is the transaction that the facts are asked for.
	start() timestamp.Timestamp
	// reads is a timestamp at which the request reads when it is evaluated; zero: it does not.
	reads() timestamp.Timestamp
	// locks are those of its keys on which it lays locks or versions: for them it queues.
	locks(keys []mvcc.Key) []mvcc.Key
	// evaluate is pure: asked again with more facts, it begins from the top. Rows that
	// change nothing make the response the answer at once.
	evaluate(v *view, l mvcc.Leader) (mvcc.Rows, routing.Response, error)
	// waits says whether the answer, which changes nothing, has to wait: then the command
	// has queued the task.
	waits(r *Replica, t *task, res routing.Response) bool
	// expired answers a task whose deadline has passed, if the command knows better than
	// that it is not available.
	expired(r *Replica, t *task) bool
}

// plain is embedded by commands for their defaults: they read nothing, queue for no locks and
// answer at once.
type plain struct{}

func (plain) reads() timestamp.Timestamp                   { return 0 }
func (plain) locks([]mvcc.Key) []mvcc.Key                  { return nil }
func (plain) waits(*Replica, *task, routing.Response) bool { return false }
func (plain) expired(*Replica, *task) bool                 { return false }

// commandFor is the switch over all that a shard evaluates. Reads, and what concerns the
// replica instead of its rows, are served without a command.
func commandFor(req routing.Request) command {
	switch a := req.(type) {
	case *mvcc.PrewriteArgs:
		return &prewrite{a: a}
	case *mvcc.ClaimArgs:
		return &claim{a: a}
	case *mvcc.FenceArgs:
		return &fence{a: a}
	case *mvcc.CommitArgs:
		return &commit{a: a}
	case *mvcc.RollbackArgs:
		return &rollback{a: a}
	case *mvcc.CheckTxnArgs:
		return &checkTxn{a: a}
	case *mvcc.HeartbeatArgs:
		return &heartbeat{a: a}
	case *mvcc.OutcomeArgs:
		return &outcome{a: a}
	}
	if directory.Owns(req) {
		return &directoryCommand{req: req}
	}
	return nil
}

// request takes a client's request in.
func (r *Replica) request(ev Request) {
	t := r.newTask(ev)
	defer r.reuse(t)
	if r.leading {
		r.leader0.hot.asked(r.now.Mono, ev.Req)
	}
	switch a := ev.Req.(type) {
	case *routing.StatusArgs:
		s := r.Status(r.now)
		r.finish(t, &s, nil)
		return
	case *mvcc.GetArgs, *mvcc.ScanArgs, *mvcc.ValidateArgs, *routing.TransferArgs, *routing.SplitArgs,
		*routing.VictimArgs, *mvcc.VersionsArgs, *mvcc.LocksArgs, *mvcc.RecordsArgs, *routing.QueueArgs, *routing.HotArgs:
	default:
		t.cmd = commandFor(a)
		if (t.cmd == nil || directory.Owns(a)) && !r.takesSystem(a) {
			r.finish(t, nil, fmt.Errorf("shard %d does not know %T", r.shard, a))
			return
		}
	}
	if t.cmd != nil {
		t.keys = t.cmd.keys()
	}
	r.admit(t)
}

// newTask is a task; one that was answered in the step in which it came is used again.
func (r *Replica) newTask(ev Request) *task {
	t := r.spare
	r.spare = nil
	if t == nil {
		t = &task{}
	}
	*t = task{req: ev, came: r.now.Mono, since: r.now.Mono}
	return t
}

// reuse keeps a task that nothing refers to: it never waited for anything.
func (r *Replica) reuse(t *task) {
	if t.done && !t.parked && !t.latched {
		*t = task{}
		r.spare = t
	}
}

// admit takes a request from the top: nothing that was believed before it waited counts.
func (r *Replica) admit(t *task) {
	if t.done {
		return
	}
	r.waitsFor(t, WaitAdmission)
	if r.now.Mono >= t.req.Deadline {
		r.expire(t)
		return
	}
	if err := r.routed(t); err != nil {
		r.finish(t, nil, err)
		return
	}
	if !r.leading {
		r.finish(t, nil, &routing.NotLeaderError{Shard: r.shard, Leader: r.leaderNode()})
		return
	}
	if !r.serves(t) {
		r.park(t)
		r.leader0.parked = append(r.leader0.parked, t)
		return
	}
	ts := t.timestamp()
	if !r.clock.plausible(ts) && !r.isSystemRequest(t) {
		r.implausible(t, ts)
		return
	}
	if r.needLease(t, ts) {
		return
	}
	if t.latched {
		r.evaluate(t)
		return
	}
	r.serve(t)
}

// serves says whether this leader may serve the request already.
func (r *Replica) serves(t *task) bool {
	if r.isSystemRequest(t) {
		return r.leader0.ownApplied
	}
	return r.leader0.ownApplied && r.leader0.fresh
}

// implausible: the timestamp lies far above what is known here to have been issued. A fresh
// one tells whether it is forged (S21).
func (r *Replica) implausible(t *task, ts timestamp.Timestamp) {
	if t.drawn {
		r.finish(t, nil, &mvcc.FutureError{TS: ts, Newest: r.clock.issued})
		return
	}
	r.waitForDraw(t)
}

// routed says whether the request's keys are this shard's.
func (r *Replica) routed(t *task) error {
	ok := true
	span := r.desc.Span
	switch a := t.req.Req.(type) {
	case *mvcc.GetArgs:
		ok = !slices.ContainsFunc(a.Keys, func(k mvcc.Key) bool { return !span.Contains(k) })
	case *mvcc.ScanArgs:
		if a.Reverse {
			ok = (span.End == "" || (a.Span.End != "" && a.Span.End <= span.End)) && !span.Clip(a.Span).Empty()
		} else {
			ok = span.Contains(a.Span.Start)
		}
	case *mvcc.ValidateArgs:
		ok = within(span, a)
	case *routing.VictimArgs:
		ok = span.Contains(a.Key)
	case *mvcc.VersionsArgs, *mvcc.LocksArgs, *mvcc.RecordsArgs:
		k, _ := browsesAt(a)
		ok = span.Contains(k)
	default:
		ok = !slices.ContainsFunc(t.keys, func(k mvcc.Key) bool { return !span.Contains(k) && k != directoryLatch })
	}
	if ok {
		return nil
	}
	return &routing.EpochMismatchError{Shard: r.shard, Current: r.known()}
}

// known is the descriptors that this replica can tell of: its own, and what was split off.
func (r *Replica) known() []routing.Descriptor {
	if r.desc.Replicas == nil {
		return nil
	}
	return append([]routing.Descriptor{r.Descriptor()}, r.splitOff...)
}

// serve is the switch over what a leader does, in a step in which it has the lease.
func (r *Replica) serve(t *task) {
	switch a := t.req.Req.(type) {
	case *mvcc.GetArgs:
		r.serveGet(t, a)
		return
	case *mvcc.ScanArgs:
		r.serveScan(t, a)
		return
	case *mvcc.ValidateArgs:
		r.serveValidate(t, a)
		return
	case *routing.VictimArgs:
		r.serveVictim(t, a)
		return
	case *routing.SplitArgs:
		r.serveSplit(t, a)
		return
	case *routing.TransferArgs:
		r.serveTransfer(t, a)
		return
	case *mvcc.VersionsArgs, *mvcc.LocksArgs, *mvcc.RecordsArgs, *routing.QueueArgs, *routing.HotArgs:
		r.serveBrowse(t)
		return
	}
	if t.cmd == nil {
		r.serveSystem(t)
		return
	}
	if err := r.overloaded(); err != nil {
		r.finish(t, nil, err)
		return
	}
	r.park(t)
	r.waitsFor(t, WaitLatch)
	if r.latches.acquire(t) {
		r.evaluate(t)
	}
}

// evaluate runs a command whose keys are latched, in a step in which the leader has the
// lease: negative answers need it as much as reads do.
func (r *Replica) evaluate(t *task) {
	if k, ok := r.outOfTurn(t); ok {
		r.unlatch(t)
		r.stay(t, k)
		return
	}
	if at := t.cmd.reads(); at != 0 {
		r.clock.read(at) // before it computes a commit timestamp above it (S2)
	}
	rows, res, err := t.cmd.evaluate(&view{r: r, t: t}, mvcc.Leader{MaxRead: r.clock.maxRead, Waited: r.now.Mono - t.came})
	var need *mvcc.NeedError
	var locked *mvcc.LockedError
	switch {
	case errors.As(err, &need):
		r.lookUp(t, need.Key)
	case errors.As(err, &locked):
		r.unlatch(t)
		r.waitForLock(t, locked.Lock)
	case err != nil:
		r.refuse(t, err)
	case rows.Empty():
		if !t.cmd.waits(r, t, res) {
			r.finish(t, res, nil)
		}
	default:
		r.clock.seen = max(r.clock.seen, t.timestamp())
		r.propose(&proposed{proposal: proposal{Rows: rows}, t: t, res: res})
	}
}

// refuse answers with what the rules said. A check that failed is a read where the transaction
// reads: a write below it would let a repeat of the refused commit through.
func (r *Replica) refuse(t *task, err error) {
	var exists *mvcc.AlreadyExistsError
	var failed *mvcc.CheckFailedError
	if errors.As(err, &exists) || errors.As(err, &failed) {
		r.clock.read(t.timestamp())
	}
	r.finish(t, nil, err)
}

// unlatch frees the task's latches because it has to wait for something else.
func (r *Replica) unlatch(t *task) {
	t.facts = nil
	r.free(t)
}

// lookUp asks the store about the task's keys. The latches stay: they keep the facts true.
func (r *Replica) lookUp(t *task, k mvcc.Key) {
	if _, known := t.facts[k]; known || !slices.Contains(t.keys, k) {
		r.finish(t, nil, fmt.Errorf("shard %d: the rules asked twice about %s", r.shard, mvcc.FormatKey(k)))
		return
	}
	if r.storeOnly() > 0 {
		r.waitOn(t, storeWait)
		return
	}
	r.waitsFor(t, WaitStore)
	r.out.Lookup = append(r.out.Lookup, Lookup{ID: t.req.ID, State: r.takeState(), Keys: t.keys, StartTS: t.cmd.start()})
}

// looked takes the facts in and evaluates again.
func (r *Replica) looked(ev Looked) {
	t, ok := r.tasks[ev.ID]
	if !ok || !t.latched || t.proposed {
		return
	}
	var gone *routing.UnavailableError
	var corrupt *mvcc.CorruptError
	switch {
	case errors.As(ev.Err, &gone):
		r.finish(t, nil, gone)
		return
	case errors.As(ev.Err, &corrupt):
		r.quarantine(corrupt)
		return
	case ev.Err == nil:
		t.facts = make(map[mvcc.Key]mvcc.Fact, len(ev.Facts))
		for _, f := range ev.Facts {
			t.facts[f.Key] = f
		}
	}
	r.admit(t) // without facts: the store had moved on, both are taken anew
}
