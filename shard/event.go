package shard

import (
	"time"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// Instant is the time of a step: the process's monotonic clock, which leases and timeouts
// use, and the wall clock, which only the oracle looks at.
type Instant struct {
	Mono time.Duration // since the process started
	Wall time.Time
}

// RequestID names a request within its process.
type RequestID uint64

// Event is what a replica steps on.
type Event interface{ event() }

// Request is a client's request. Exactly one Reply, or one Read that is answered by the
// reader pool, follows.
type Request struct {
	ID       RequestID
	Header   routing.Header
	Req      routing.Request
	Deadline time.Duration // monotonic
	Came     time.Duration // monotonic: when the host took it in; for its metrics
}

// Cancel says that nobody waits for the request's reply any more.
type Cancel struct{ ID RequestID }

// Looked answers a Lookup. Facts has one fact per key asked, in order.
type Looked struct {
	ID    RequestID
	Facts []mvcc.Fact
	Err   error
}

// Message is a Raft message of this group from a peer.
type Message struct{ Raft *raftpb.Message }

// Logged says that a LogWrite is on disk.
type Logged struct{ Write LogWrite }

// Flushed says that a Flush is in the store.
type Flushed struct {
	Generation int
	Index      mvcc.Index
	Durable    bool
}

// Installed says that the file of a raft snapshot is in place and this is its image.
type Installed struct {
	Write LogWrite // the one that carried the snapshot
	Image *mvcc.Image
}

// SplitMade says that the right part of a Split stands on disk, or stood there already,
// and that the left's new bounds are durable.
type SplitMade struct{ Split *Split }

// Drawn answers Effects.Draw with a timestamp issued after it was asked for.
type Drawn struct {
	TS  timestamp.Timestamp
	Err error
}

// SnapshotSent reports how sending a raft snapshot to a replica went. Index is that of
// the copy that was sent.
type SnapshotSent struct {
	To    routing.ReplicaID
	Index mvcc.Index
	Err   error
}

// Tick is nothing but the passing of time.
type Tick struct{}

func (Request) event()      {}
func (Cancel) event()       {}
func (Looked) event()       {}
func (Message) event()      {}
func (Logged) event()       {}
func (Flushed) event()      {}
func (Installed) event()    {}
func (SplitMade) event()    {}
func (Drawn) event()        {}
func (SnapshotSent) event() {}
func (Tick) event()         {}
