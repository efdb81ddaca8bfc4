package host

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/sqlite"
	"github.com/shaledb/shale/shard"
)

// keeper does, in order, what changes one replica's file: flushes, splits, installs. It
// borrows a goroutine while it has something to do.
type keeper struct {
	h *Host
	s *slot

	mu    sync.Mutex
	queue []func()
	busy  bool

	// use is held for reading by whoever has a view, and for writing while the file is
	// replaced or closed.
	use   sync.RWMutex
	store *sqlite.Store // nil: no file yet, or closed

	// gate is held for reading by whoever looks through a view, and for writing by a
	// checkpoint that has to get through.
	gate  sync.RWMutex
	views viewPool
	later func() // to be done once the host runs

	walBytes atomic.Int64 // of the file's write-ahead log, as of the last flush
}

// hasFile says whether the replica has a file.
func (k *keeper) hasFile() bool {
	k.use.RLock()
	defer k.use.RUnlock()
	return k.store != nil
}

func newKeeper(h *Host, s *slot) *keeper { return &keeper{h: h, s: s} }

// put queues a job. The queue is bounded by the replica, which has one flush, one install
// and one split under way at the most.
func (k *keeper) put(job func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.queue = append(k.queue, job)
	if !k.busy {
		k.busy = true
		k.h.tasks.Go(k.work)
	}
}

func (k *keeper) work() {
	for {
		k.mu.Lock()
		if len(k.queue) == 0 {
			k.busy = false
			k.mu.Unlock()
			return
		}
		job := k.queue[0]
		k.queue = k.queue[1:]
		k.mu.Unlock()
		select {
		case k.h.keepers <- struct{}{}:
		case <-k.h.ctx.Done():
			return
		}
		job()
		<-k.h.keepers
	}
}

// flush writes a generation of the overlay and says so.
func (k *keeper) flush(f shard.Flush) {
	if err := k.write(&f); err != nil {
		k.fail(err)
		return
	}
	k.post(shard.Flushed{Generation: f.Generation, Index: f.Batch.Index, Durable: f.Durable})
	k.checkpoint()
}

func (k *keeper) write(f *shard.Flush) error {
	begin := time.Now()
	if k.store == nil {
		return fmt.Errorf("shard %d has no file to flush to", k.s.id)
	}
	if err := k.store.Flush(f.Batch, f.Durable); err != nil {
		return fmt.Errorf("flush up to index %d: %w", f.Batch.Index, err)
	}
	m := &k.h.metrics
	m.SQLite.Add(1)
	m.Flushes.Add(1)
	m.Flush.Observe(time.Since(begin))
	m.FlushedAt.Store(time.Now().UnixMilli())
	if f.Durable {
		m.Durable.Add(1)
	}
	k.views.renew()
	return nil
}

// checkpoint folds the write-ahead log into the file where it has grown. Idle views were
// closed by the flush before; one that is in use leaves the rest for the next time. Those
// opened meanwhile read from the log: they end before the next flush, so that it can begin
// the log anew. At twice the bound readers are held off for it: so many views, one after the
// other, kept the log from beginning anew (P25).
func (k *keeper) checkpoint() {
	size, left := k.store.WALSize()
	k.walBytes.Store(size)
	long := size >= 2*k.h.cfg.WALMax
	if left < k.h.cfg.WALMax && !long {
		return
	}
	if long {
		k.gate.Lock()
		defer k.gate.Unlock()
		k.views.renew()
	}
	begin := time.Now()
	if _, err := k.store.Checkpoint(); err != nil {
		k.fail(fmt.Errorf("checkpoint: %w", err))
		return
	}
	k.views.renew()
	k.h.metrics.Checkpoints.Add(1)
	k.h.metrics.Checkpoint.Observe(time.Since(begin))
}

// trimStep is how many rows outside the bounds one step deletes.
const trimStep = 200

// trim deletes, in small steps between flushes, the rows that a split left outside the
// bounds.
func (k *keeper) trim(span mvcc.Span) {
	if k.store == nil {
		return
	}
	more, err := k.store.DeleteOutside(span, trimStep)
	if err != nil {
		k.fail(fmt.Errorf("delete rows outside the bounds: %w", err))
		return
	}
	k.h.metrics.SQLite.Add(1)
	k.views.renew()
	if more {
		k.put(func() { k.trim(span) })
	}
}

func (k *keeper) post(ev shard.Event) {
	k.h.inbox.put(item{group: k.s.id, slot: k.s, event: ev})
}

// fail takes the replica, and it alone, out of service.
func (k *keeper) fail(err error) {
	k.h.inbox.put(item{run: func() {
		if k.h.slots[k.s.id] == k.s {
			k.h.quarantine(k.s, err)
		}
	}})
}

// replace closes the store, has the folder swapped and opens what stands there then.
func (k *keeper) replace(swap func() error) (*mvcc.Image, error) {
	k.use.Lock()
	defer k.use.Unlock()
	k.views.renew()
	if k.store != nil {
		if err := k.store.Close(); err != nil {
			return nil, err
		}
		k.store = nil
	}
	if err := swap(); err != nil {
		return nil, err
	}
	store, err := sqlite.Open(k.h.dbFile(k.s.id), sqlite.Config{Values: k.h.values})
	if err != nil {
		return nil, err
	}
	image, err := store.Load()
	if err != nil {
		store.Close()
		return nil, err
	}
	k.store = store
	return image, nil
}

// close ends the keeper's use of the file.
func (k *keeper) close() error {
	k.use.Lock()
	defer k.use.Unlock()
	k.views.renew()
	if k.store == nil {
		return nil
	}
	err := k.store.Close()
	k.store = nil
	return err
}
