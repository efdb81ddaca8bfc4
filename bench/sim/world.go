package sim

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/shaledb/shale/shard"
)

// Options of one run. The zero value of each means the default.
type Options struct {
	Seed    uint64
	Mutant  Mutant        // a planted bug; none by default
	Trouble time.Duration // of virtual time, in which things go wrong; 14 s
	Trace   io.Writer     // gets every line of the trace, requests and answers spelt out
}

// Result is what came of a run.
type Result struct {
	Seed    uint64
	Hash    uint64 // of the trace
	Events  int
	Virtual time.Duration
	Counts  Counts
	Err     error // the first broken promise, as a *Failure
}

// Counts say what a run was made of: a run in which nothing happened proves nothing.
type Counts struct {
	Committed, Aborted, Unknown int // transactions, as their clients heard
	Repeats, Scans, Reads       int
	Browsed                     int // cuts of all versions
	Claims, Deadlocks           int
	Serializable, Large         int // of the transactions
	Splits, Transfers, Deposed  int
	Snapshots                   int // raft snapshots installed
	Refused                     int // times that a damaged log or store was refused
	Faults                      Faults
}

func (c Counts) String() string {
	return fmt.Sprintf("committed %d aborted %d unknown %d repeats %d scans %d reads %d browsed %d claims %d deadlocks %d "+
		"serializable %d large %d splits %d transfers %d deposed %d raft snapshots %d damage refused %d; %s", c.Committed, c.Aborted,
		c.Unknown, c.Repeats, c.Scans, c.Reads, c.Browsed, c.Claims, c.Deadlocks, c.Serializable, c.Large, c.Splits, c.Transfers,
		c.Deposed, c.Snapshots, c.Refused, c.Faults)
}

func (c *Counts) add(o Counts) {
	c.Committed, c.Aborted, c.Unknown = c.Committed+o.Committed, c.Aborted+o.Aborted, c.Unknown+o.Unknown
	c.Repeats, c.Scans, c.Reads = c.Repeats+o.Repeats, c.Scans+o.Scans, c.Reads+o.Reads
	c.Claims, c.Deadlocks, c.Serializable = c.Claims+o.Claims, c.Deadlocks+o.Deadlocks, c.Serializable+o.Serializable
	c.Large, c.Deposed = c.Large+o.Large, c.Deposed+o.Deposed
	c.Splits, c.Transfers, c.Snapshots = c.Splits+o.Splits, c.Transfers+o.Transfers, c.Snapshots+o.Snapshots
	c.Refused += o.Refused
	c.Browsed += o.Browsed
	for f, n := range o.Faults {
		c.Faults[f] += n
	}
}

// world is one run: the event loop, and all that it moves.
type world struct {
	opt    Options
	rng    *rand.Rand
	now    time.Duration
	queue  eventQueue
	trace  trace
	fault  *Failure
	counts Counts

	nodes   []*process
	clients []*process
	net     network
	current *coroutine
	calm    bool          // the nemesis has gone home
	narrow  time.Duration // until then all want the same two keys
	unled   time.Duration // when somebody last asked for a leader and found none, or another

	requests shard.RequestID
	history  chronicle
	issued   order
	set      settings
	opened   *record // the transaction that opens the accounts
	done     bool    // the audit has ended
}

// Run runs one seed. It must not run beside other code that draws from crypto/rand.
func Run(opt Options) Result {
	if opt.Trouble == 0 {
		opt.Trouble = 14 * time.Second
	}
	w := &world{opt: opt, rng: rand.New(rand.NewPCG(opt.Seed, 0x5ca1e)), trace: newTrace(opt.Trace)}
	w.net = newNetwork(w)
	w.build()
	w.loop(w.settled)
	w.shutDown()
	r := Result{Seed: opt.Seed, Hash: w.trace.sum(), Events: w.trace.count, Virtual: w.now, Counts: w.counts}
	if w.fault != nil {
		r.Err = w.fault
	}
	return r
}

// after plans an event; p is nil for what belongs to no process.
func (w *world) after(d time.Duration, p *process, what note, run func()) {
	e := event{p: p, what: what, run: run}
	if p != nil {
		e.life = p.life
	}
	w.queue.add(w.now+max(d, 0), e)
}

// eventsMax bounds a run: more is a livelock.
const eventsMax = 3_000_000

// loop runs events until done says so, or a promise is broken.
func (w *world) loop(done func() bool) {
	defer func() {
		if p := recover(); p != nil {
			w.fail("panic: %v\n%s", p, debug.Stack())
		}
	}()
	for w.fault == nil && !done() {
		if w.queue.len() == 0 || w.trace.count > eventsMax {
			w.fail("after %d events, with %d planned, the run does not end", w.trace.count, w.queue.len())
			return
		}
		at, e := w.queue.next()
		w.now = at
		if e.p != nil {
			if e.life != e.p.life {
				continue
			}
			if e.p.pausedUntil > w.now {
				w.queue.add(e.p.pausedUntil, e)
				continue
			}
		}
		w.trace.add(w.now, e.p, e.what)
		e.run()
	}
}

// shutDown ends the coroutines that still wait for something.
func (w *world) shutDown() {
	for _, p := range w.processes() {
		p.endTasks()
	}
}

// processes are all, in a fixed order.
func (w *world) processes() []*process {
	return append(append(make([]*process, 0, len(w.nodes)+len(w.clients)), w.nodes...), w.clients...)
}

// The ways to be random. Each draws from the one generator of the run.

func (w *world) chance(p float64) bool { return w.rng.Float64() < p }

func (w *world) between(least, most time.Duration) time.Duration {
	return least + time.Duration(w.rng.Int64N(int64(most-least)+1))
}

// some is one of n things; where few are wanted by many, mostly one of the first.
func (w *world) some(n int) int {
	if w.now < w.narrow || w.set.hot && w.chance(0.7) {
		n = min(n, 2)
	}
	return w.rng.IntN(n)
}

func pick[T any](w *world, from []T) T { return from[w.rng.IntN(len(from))] }
