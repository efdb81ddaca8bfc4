package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/sqlite"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/raftlog"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// Config says where a node's replicas live. The zero value of every field but Dir and Node
// is its default.
type Config struct {
	Dir     string // holds log/ and shards/; the caller has locked it
	Node    routing.NodeID
	Log     *slog.Logger
	Readers int // goroutines that read SQLite files; default 4
	Keepers int // flushes that run at once; default 2
	Values  int // bytes of large values kept in memory; default 128 MiB
	// WALMax is how many bytes of SQLite's write-ahead log may be missing in the file: above
	// it a flush is followed by a checkpoint; default 16 MiB.
	WALMax int64
	// Slow: a request that takes longer is told to Ports.Timed; default: none is.
	Slow    time.Duration
	Replica shard.Config
	RaftLog raftlog.Config
}

func (c *Config) fill() {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Readers <= 0 {
		c.Readers = 4
	}
	if c.Keepers <= 0 {
		c.Keepers = 2
	}
	if c.Values <= 0 {
		c.Values = 128 << 20
	}
	if c.WALMax <= 0 {
		c.WALMax = 16 << 20
	}
}

// Filled is the configuration with its defaults.
func (c Config) Filled() Config {
	c.fill()
	c.Replica = c.Replica.Filled()
	return c
}

// Transport carries Raft's traffic to other nodes.
type Transport interface {
	// Send never blocks; it may drop.
	Send(to routing.NodeID, group routing.ShardID, msgs []*raftpb.Message)
	// SendSnapshot streams the file behind r, with checksums. It returns when the receiver
	// has all of it on disk, or will not.
	SendSnapshot(ctx context.Context, to routing.NodeID, h SnapshotHeader, r io.ReaderAt) error
}

// SnapshotHeader announces the file of a raft snapshot.
type SnapshotHeader struct {
	Group   routing.ShardID
	To      routing.ReplicaID
	From    routing.NodeID
	Message []byte // the raftpb.Message that the file belongs to
	Size    int64
}

// Ports are the host's ways out. None of the functions may block.
type Ports struct {
	Transport  Transport
	Timestamps func(context.Context) (timestamp.Timestamp, error) // may block
	// Resolve gets locks whose time is over.
	Resolve func([]mvcc.Lock)
	// Waits gets transactions that wait here for locks: for the deadlock detector, and because
	// the locks' holders may be dead. Nil: nobody is told.
	Waits func([]mvcc.Wait)
	// Changed: a replica's leadership, bounds or members changed.
	Changed func(routing.ShardID)
	// Timed gets where the time of an answered request went, of slow ones, of those that are
	// traced, and of a sample (Sampled). Nil: nobody is told.
	Timed func(*Timing)
	// Fatal: nothing can be promised any more; the process has to end.
	Fatal func(error)
}

// Host runs a node's replicas. Its methods may be called by any goroutine.
type Host struct {
	cfg   Config
	ports Ports
	start time.Time

	inbox   *inbox
	log     *logger
	readers *readers
	values  *sqlite.Values
	keepers chan struct{} // as many tokens as keepers may work at once
	nextID  atomic.Uint64
	metrics Metrics

	// The loop's own.
	slots    map[routing.ShardID]*slot
	dirty    []*slot
	unknown  map[routing.ShardID]*unknown
	orphans  map[routing.ShardID]*raftlog.Replayed
	received receivedFiles
	turnAt   time.Duration // when the turn under way began

	list    atomic.Pointer[[]routing.ShardID] // for readers outside the loop
	ctx     context.Context                   // ends when the host stops
	cancel  context.CancelFunc
	tasks   sync.WaitGroup
	stopped atomic.Bool
}

// Open reads what lies in the directory and makes its replicas; Start sets them going. A
// directory that lost its log, or a log that is damaged, is an error that says what to do;
// a shard whose file is bad is there, and refuses.
func Open(cfg Config) (*Host, error) {
	cfg.fill()
	h := &Host{
		cfg: cfg, start: time.Now(), inbox: newInbox(),
		keepers: make(chan struct{}, cfg.Keepers), values: sqlite.NewValues(cfg.Values),
		slots:   map[routing.ShardID]*slot{},
		unknown: map[routing.ShardID]*unknown{},
		orphans: map[routing.ShardID]*raftlog.Replayed{},
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.readers = newReaders(h, cfg.Readers)
	if err := h.recover(); err != nil {
		h.cancel()
		h.closeStores()
		return nil, err
	}
	h.publish()
	return h, nil
}

// Start sets the loop going.
func (h *Host) Start(p Ports) {
	h.ports = p
	for _, s := range h.slots {
		if s.keeper.later != nil {
			s.keeper.put(s.keeper.later)
		}
	}
	h.tasks.Add(2)
	go func() { defer h.tasks.Done(); h.loop() }()
	go func() { defer h.tasks.Done(); h.log.run() }()
	h.readers.start()
}

// errStopped answers what came too late.
var errStopped = &routing.UnavailableError{Why: "this node is stopping"}

// Stop flushes what the replicas hold in memory, as far as ctx allows, and closes the files.
// Requests after it are refused.
func (h *Host) Stop(ctx context.Context) error {
	if h.stopped.Swap(true) {
		return errors.New("the host was stopped before")
	}
	h.drain(ctx)
	h.cancel()
	h.inbox.wake()
	h.log.stop()
	h.tasks.Wait()
	h.readers.stop()
	err := h.closeStores()
	if e := h.log.close(); err == nil {
		err = e
	}
	return err
}

// Submit hands a request to the node's replica of hd.Shard. Done is called once, on the
// loop's or a reader's goroutine, and must not block; after cancel it may be left out.
func (h *Host) Submit(hd routing.Header, req routing.Request,
	done func(routing.Response, error)) (cancel func()) {
	if h.stopped.Load() {
		done(nil, errStopped)
		return func() {}
	}
	id := shard.RequestID(h.nextID.Add(1))
	timeout := hd.Timeout
	if timeout <= 0 || timeout > requestTimeoutMax {
		timeout = requestTimeoutMax
	}
	now := h.mono()
	ev := shard.Request{ID: id, Header: hd, Req: req, Deadline: now + timeout, Came: now}
	if !h.inbox.offer(item{group: hd.Shard, event: ev, done: done}) {
		h.metrics.Refused.Add(1)
		done(nil, &routing.OverloadedError{Shard: hd.Shard, Why: "too many requests wait on this node"})
		return func() {}
	}
	return func() { h.inbox.put(item{group: hd.Shard, event: shard.Cancel{ID: id}}) }
}

// requestTimeoutMax bounds how long a request may stay at a replica.
const requestTimeoutMax = 30 * time.Second

// Deliver hands in Raft messages that another node sent to its replica here.
func (h *Host) Deliver(from routing.NodeID, group routing.ShardID, to routing.ReplicaID, msgs []*raftpb.Message) {
	h.inbox.offer(item{run: func() { h.deliver(from, group, to, msgs) }})
}

// Shards lists the node's replicas.
func (h *Host) Shards() []routing.ShardID { return *h.list.Load() }

// Status asks a replica about itself.
func (h *Host) Status(ctx context.Context, id routing.ShardID) (*routing.StatusResult, error) {
	type answer struct {
		res routing.Response
		err error
	}
	got := make(chan answer, 1)
	cancel := h.Submit(routing.Header{Shard: id}, &routing.StatusArgs{},
		func(res routing.Response, err error) { got <- answer{res, err} })
	select {
	case a := <-got:
		if a.err != nil {
			return nil, a.err
		}
		st, ok := a.res.(*routing.StatusResult)
		if !ok {
			return nil, fmt.Errorf("shard %d answered its status with %T", id, a.res)
		}
		return st, nil
	case <-ctx.Done():
		cancel()
		return nil, ctx.Err()
	}
}

// File is the path of a replica's SQLite file. It is opened through package sqlite alone.
func (h *Host) File(id routing.ShardID) string { return h.dbFile(id) }

// sizeOf is the bytes of a replica's file.
func (h *Host) sizeOf(id routing.ShardID) int64 {
	st, err := os.Stat(h.dbFile(id))
	if err != nil {
		return 0 // none yet
	}
	return st.Size()
}

// Metrics are the host's counters.
func (h *Host) Metrics() *Metrics { return &h.metrics }

// LogStats describes the shared log.
func (h *Host) LogStats() raftlog.Stats { return h.log.log.Stats() }

func (h *Host) mono() time.Duration { return time.Since(h.start) }

func (h *Host) instant() shard.Instant {
	now := time.Now()
	return shard.Instant{Mono: now.Sub(h.start), Wall: now}
}

// publish makes the list that others see. Loop only.
func (h *Host) publish() {
	ids := make([]routing.ShardID, 0, len(h.slots))
	for id := range h.slots {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	h.list.Store(&ids)
}
