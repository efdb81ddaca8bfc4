package shard

import (
	"time"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// Effects is what the steps of one loop turn ask the host to do. The replica appends to
// it; the host carries it out after Turn and empties it. Nothing in it is changed by the
// replica afterwards.
type Effects struct {
	Append  []LogWrite        // to the shared log, in order; answered by Logged or Installed
	Send    []*raftpb.Message // to peers; may be lost
	Reply   []Reply
	Flush   []Flush     // to the store, in order; answered by Flushed
	Lookup  []Lookup    // answered by Looked
	Read    []Read      // the reader pool answers the caller, or hands the request back in
	Resolve []mvcc.Lock // their time is over
	// Waits: transactions that wait for locks and may hold others. The deadlock detector is to
	// be told, and the locks' holders may be dead. They are told again while the waits go on.
	Waits []mvcc.Wait
	// Snapshot: copy the store and send it as the raft snapshot that the message announces.
	// The announced index is one that the store has reached: the copy's is that or a later
	// one, and the host puts the copy's index and term into the metadata of the message it
	// sends. Raft takes the follower's answer at the copy's index for what it is; the log
	// above the announced index stays until SnapshotSent.
	Snapshot []*raftpb.Message
	Split    []*Split // in order with Flush: see Split; answered by SplitMade
	// Cut: the log is no longer needed up to and including this index, whose entry is of
	// term CutTerm. Zero: no news.
	Cut     mvcc.Index
	CutTerm uint64
	// Draw: a fresh timestamp is needed; answered by Drawn.
	Draw bool
	// Changed: leadership, bounds or members changed: worth a report to the directory.
	Changed bool
	// Quarantined: the replica met what it cannot explain and serves nothing any more.
	Quarantined error
	// Wake is the monotonic time of the next Tick that the replica needs at the latest.
	Wake time.Duration
	// Counts is for the node's metrics.
	Counts Counts
}

// Counts is how often something happened in the steps of a turn.
type Counts struct {
	Entries    int // proposed: consensus rounds
	Applied    int // entries, also as a follower
	Draws      int // requests to the oracle that were answered
	Timestamps int // handed out by them
	Waits      int // tasks that began to wait for a lock until their deadline
	Deadlocks  int // cycles found by the detector
	Victims    int // waits ended because of one
}

// Reply answers a request.
type Reply struct {
	ID    RequestID
	Res   routing.Response
	Err   error
	Spent Spent
}

// LogWrite is one group's part of a log batch. It is durable when Logged says so, in the
// order of the writes. One may hold nothing but Responses: they wait for the writes before.
type LogWrite struct {
	HardState *raftpb.HardState // nil: unchanged
	Entries   []*raftpb.Entry   // overwrite whatever stood at and above their first index
	// Snapshot: install the received file before anything is acknowledged; the log then
	// begins after its index.
	Snapshot *raftpb.Snapshot
	// Responses are stepped by the replica when the write is durable.
	Responses []*raftpb.Message
}

// Flush writes a closed generation of the overlay to the store. Durable asks for
// synchronous=FULL: afterwards the log may be cut below its index.
type Flush struct {
	Generation int
	Batch      *mvcc.Batch
	Durable    bool
}

// Lookup asks for facts. The view must fit: Base ≤ view's index ≤ Applied of the state.
// While it is under way the latches of the request keep the facts true.
type Lookup struct {
	ID      RequestID
	State   State
	Keys    []mvcc.Key
	StartTS timestamp.Timestamp
}

// Read is a read whose locks, lease, bounds and timestamps have been checked: what is left
// is to merge the state's overlay with a view that fits it. Where none can be had, the
// host hands the same Request in again.
type Read struct {
	Request Request
	State   State
	Span    mvcc.Span // the shard's bounds when it was checked
	Spent   Spent
}

// Split makes the right replica of a split. The host, in this order: flushes Before, makes
// the right store from a view of exactly that state (rows inside Right.Span) unless it
// stands there already with an applied index at or above InitialIndex or was removed
// here before, flushes After durably, then answers SplitMade. Entries at index After.Index
// and below are never replayed afterwards.
type Split struct {
	Before *Flush
	After  *Flush
	Left   routing.Descriptor
	Right  routing.Descriptor
	Image  []mvcc.MetaRow // the right store's meta rows
	// Campaign and Proposer go into the right replica's Start. Proposer is the right replica
	// on the node that proposed the split; Campaign: that is here, and it led the left part.
	Campaign bool
	Proposer routing.ReplicaID
}
