package host

import (
	"fmt"
	"runtime"
	"sync"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/raftlog"
	"github.com/shaledb/shale/shard/routing"
)

// logJob is one thing for the log: a write with what to say once it is on disk, or a cut.
type logJob struct {
	slot  *slot
	write shard.LogWrite
	image *mvcc.Image // the write ends an install: the log begins anew after this image
	cut   *raftlog.Position
	raw   *raftlog.Write // a write of the host's own
	done  func()         // on the logger's goroutine, after the sync
}

// logger is the one goroutine that writes the log: what queued during the last sync is the
// next batch.
type logger struct {
	h   *Host
	log *raftlog.Log

	mu    sync.Mutex
	ready *sync.Cond
	queue []logJob
	ended bool
}

func newLogger(h *Host, log *raftlog.Log) *logger {
	l := &logger{h: h, log: log}
	l.ready = sync.NewCond(&l.mu)
	return l
}

func (l *logger) put(jobs ...logJob) {
	l.mu.Lock()
	l.queue = append(l.queue, jobs...)
	l.mu.Unlock()
	l.ready.Signal()
}

func (l *logger) stop() {
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.ready.Signal()
}

func (l *logger) close() error { return l.log.Close() }

func (l *logger) take(spare []logJob) []logJob {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) == 0 && !l.ended {
		l.ready.Wait()
	}
	jobs := l.queue
	clear(spare[:cap(spare)])
	l.queue = spare[:0]
	return jobs
}

// run ends when it was told to stop and nothing waits, or when a write failed: then nothing
// is acknowledged any more, and the process is asked to end.
func (l *logger) run() {
	var jobs []logJob
	var writes []raftlog.Write
	var out []item
	for {
		runtime.Gosched() // let the loop's next turn join this batch
		jobs = l.take(jobs)
		if len(jobs) == 0 {
			return
		}
		writes = writes[:0]
		for i := range jobs {
			if w, ok := jobs[i].log(l.log); ok {
				writes = append(writes, w)
			}
		}
		if len(writes) > 0 {
			before := l.log.Stats()
			if err := l.log.Append(writes); err != nil {
				l.h.fatal(fmt.Errorf("the log failed, so this node can promise nothing and ends: %w", err))
				return
			}
			l.h.metrics.logged(len(writes), before, l.log.Stats())
		}
		out = out[:0]
		for i := range jobs {
			if it, ok := jobs[i].event(); ok {
				out = append(out, it)
			}
			if jobs[i].done != nil {
				jobs[i].done()
			}
		}
		l.h.inbox.put(out...)
	}
}

// log is the job as the log wants it; cuts are carried out at once.
func (j *logJob) log(l *raftlog.Log) (raftlog.Write, bool) {
	switch {
	case j.cut != nil:
		l.Cut(j.slot.id, *j.cut)
		return raftlog.Write{}, false
	case j.raw != nil:
		return *j.raw, true
	}
	w := raftlog.Write{Group: j.slot.id, HardState: j.write.HardState, Entries: j.write.Entries}
	if j.image != nil {
		at := position(j.image)
		w.Reset = &at
	}
	return w, true
}

func (j *logJob) event() (item, bool) {
	switch {
	case j.cut != nil || j.raw != nil:
		return item{}, false
	case j.image != nil:
		return item{group: j.slot.id, slot: j.slot,
			event: shard.Installed{Write: j.write, Image: j.image}}, true
	}
	return item{group: j.slot.id, slot: j.slot, event: shard.Logged{Write: j.write}}, true
}

// begin writes a new group's beginning and waits until it is on disk.
func (l *logger) begin(group routing.ShardID, at raftlog.Position, hs *raftpb.HardState) {
	done := make(chan struct{})
	w := &raftlog.Write{Group: group, HardState: hs, Reset: &at}
	l.put(logJob{raw: w, done: func() { close(done) }})
	select {
	case <-done:
	case <-l.h.ctx.Done():
	}
}
