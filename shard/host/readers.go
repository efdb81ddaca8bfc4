package host

import (
	"errors"
	"sync"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/routing"
)

// readJob is a read or a look-up that needs the replica's file.
type readJob struct {
	slot   *slot
	read   shard.Read
	lookup *shard.Lookup
	caller waiting
	since  time.Duration // the turn that handed it over
}

func (j *readJob) state() shard.State {
	if j.lookup != nil {
		return j.lookup.State
	}
	return j.read.State
}

// readers is the node's pool of goroutines that look into SQLite files.
type readers struct {
	h *Host
	n int

	mu    sync.Mutex
	ready *sync.Cond
	queue jobs
	later jobs // of people who look inside
	turn  int  // jobs taken out of queue while later held one
	looks bool // one of later is being done, or was just now
	ended bool
	tasks sync.WaitGroup
}

// jobs is a queue of them.
type jobs struct {
	list []readJob
	head int
}

func (q *jobs) empty() bool { return q.len() == 0 }

func (q *jobs) len() int { return len(q.list) - q.head }

func (q *jobs) put(j readJob) { q.list = append(q.list, j) }

func (q *jobs) take() readJob {
	j := q.list[q.head]
	q.list[q.head] = readJob{}
	if q.head++; q.head == len(q.list) {
		q.list, q.head = q.list[:0], 0
	}
	return j
}

func newReaders(h *Host, n int) *readers {
	r := &readers{h: h, n: n}
	r.ready = sync.NewCond(&r.mu)
	return r
}

func (r *readers) start() {
	for range r.n {
		r.tasks.Go(r.work)
	}
}

// put queues a job. Clients' reads are bounded by the inbox, look-ups by the requests that
// hold latches.
func (r *readers) put(j readJob) {
	r.mu.Lock()
	if j.lookup == nil && j.read.Browses() {
		r.later.put(j)
	} else {
		r.queue.put(j)
	}
	r.mu.Unlock()
	r.ready.Signal()
}

func (r *readers) stop() {
	r.mu.Lock()
	r.ended = true
	r.mu.Unlock()
	r.ready.Broadcast()
	r.tasks.Wait()
}

func (r *readers) work() {
	for {
		j, looks, ok := r.next()
		if !ok {
			return
		}
		if !looks {
			r.do(j)
			continue
		}
		begin, asked := time.Now(), r.h.nextID.Load()
		r.do(j)
		r.looked(time.Since(begin), r.h.nextID.Load()-asked)
	}
}

// looked ends the turn of somebody who looks inside: at once, where nobody else asked anything
// to speak of meanwhile, else after a pause, so that this work takes no more than a tenth of
// a busy node's time, whoever asks for how much.
func (r *readers) looked(took time.Duration, asked uint64) {
	end := func() {
		r.mu.Lock()
		r.looks = false
		r.mu.Unlock()
		r.ready.Broadcast() // to whoever takes the next one, and who ends when there is none
	}
	if time.Duration(asked)*busyGap < took {
		end()
		return
	}
	time.AfterFunc(min(9*took, lookPauseMax), end)
}

const (
	busyGap      = 5 * time.Millisecond // between requests, of a node that has nothing to do
	lookPauseMax = 500 * time.Millisecond
)

// lookTurn is how many others go before somebody who looks inside, at most.
const lookTurn = 64

// next waits for a job; false: the pool ends, with nothing left to do. Those who look inside wait
// for clients, and one of them is served at a time: their pages are long.
func (r *readers) next() (j readJob, looks, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		mayLook := !r.later.empty() && !r.looks
		switch {
		case mayLook && (r.queue.empty() || r.turn >= lookTurn):
			r.turn, r.looks = 0, true
			return r.later.take(), true, true
		case !r.queue.empty():
			if mayLook {
				r.turn++
			}
			return r.queue.take(), false, true
		case r.ended && r.later.empty():
			return readJob{}, false, false
		}
		r.ready.Wait()
	}
}

// errTooNew: the file has moved on beyond the state; both have to be taken anew.
var errTooNew = errors.New("the view is newer than the state")

func (r *readers) do(j readJob) {
	k := j.slot.keeper
	k.use.RLock()
	defer k.use.RUnlock()
	k.gate.RLock()
	defer k.gate.RUnlock()
	v, err := k.view(j.state())
	if j.lookup != nil {
		var facts []mvcc.Fact
		if err == nil {
			facts, err = j.lookup.Answer(v)
			k.views.put(v)
		}
		r.h.metrics.Lookups.Add(1)
		k.post(shard.Looked{ID: j.lookup.ID, Facts: facts, Err: err})
		r.watch(k, err)
		return
	}
	if errors.Is(err, errTooNew) {
		r.h.metrics.Resubmitted.Add(1)
		r.h.inbox.put(item{group: j.slot.id, event: j.read.Request, done: j.caller.done})
		return
	}
	var res routing.Response
	if err == nil {
		res, err = j.read.Answer(polite{v})
		k.views.put(v)
	}
	r.h.metrics.Reads.Add(1)
	err = r.watch(k, err)
	j.caller.done(res, err)
	r.h.answered(j.slot, &j.caller, &j.read.Spent, PhaseRead, j.since, err)
}

// watch stops the replica whose file answered with damage. The caller hears that this
// replica cannot answer, never a wrong answer.
func (r *readers) watch(k *keeper, err error) error {
	var bad *mvcc.CorruptError
	if errors.As(err, &bad) {
		k.fail(bad)
		return &routing.UnavailableError{Shard: k.s.id, Why: quarantined(bad)}
	}
	return err
}

// view is a read view that fits the state. The caller holds use for reading.
func (k *keeper) view(s shard.State) (*pooledView, error) {
	if k.store == nil {
		return nil, &routing.UnavailableError{Shard: k.s.id, Why: "its file is closed"}
	}
	for v := k.views.get(); v != nil; v = k.views.get() {
		if s.Fits(v.Index()) {
			return v, nil
		}
		v.Close()
	}
	round := k.views.now()
	opened, err := k.store.View()
	if err != nil {
		return nil, err
	}
	k.h.metrics.Views.Add(1)
	v := &pooledView{opened, round}
	if !s.Fits(v.Index()) {
		k.views.put(v)
		return nil, errTooNew
	}
	return v, nil
}

// idleViews bounds the views a replica keeps open between two reads.
const idleViews = 4

// pooledView is a view and the pool's round in which it was opened.
type pooledView struct {
	mvcc.View
	round uint64
}

// viewPool keeps the views of one store's last flushed state. A view belongs to one reader
// at a time. A round ends with every flush, and with every checkpoint too: a view that was
// opened before it still reads from the write-ahead log, and the log begins anew only
// where nobody does (P25).
type viewPool struct {
	mu    sync.Mutex
	idle  []*pooledView
	round uint64
}

func (p *viewPool) now() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.round
}

func (p *viewPool) get() *pooledView {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	v := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return v
}

// put takes a view back, or closes it where it is of the past or one too many.
func (p *viewPool) put(v *pooledView) {
	p.mu.Lock()
	keep := v.round == p.round && len(p.idle) < idleViews
	if keep {
		p.idle = append(p.idle, v)
	}
	p.mu.Unlock()
	if !keep {
		v.Close()
	}
}

// renew ends the round and closes the idle views.
func (p *viewPool) renew() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.round++
	p.mu.Unlock()
	for _, v := range idle {
		v.Close()
	}
}
