package routing

import (
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// Request is anything that a shard can be asked: pointers to the Args of package mvcc, to
// those below and to those of package directory. Which ones a shard takes is one switch,
// in shard/eval.go.
type Request any

// Response is the matching Result: GetArgs → *mvcc.GetResult, ScanArgs → *mvcc.ScanResult,
// PrewriteArgs → *mvcc.PrewriteResult, ClaimArgs → *mvcc.ClaimResult, FenceArgs →
// *mvcc.FenceResult, ValidateArgs → *mvcc.ValidateResult, WaitArgs → *WaitResult, VictimArgs →
// *VictimResult, CommitArgs → *mvcc.CommitResult, RollbackArgs,
// CheckTxnArgs, OutcomeArgs and HeartbeatArgs → *mvcc.TxnStatus, TimestampArgs →
// *TimestampResult, SplitArgs → *SplitResult, TransferArgs → *TransferResult,
// StatusArgs → *StatusResult, and of those who look inside VersionsArgs → *mvcc.VersionsResult,
// LocksArgs → *mvcc.LocksResult, RecordsArgs → *mvcc.RecordsResult, QueueArgs → *QueueResult,
// HotArgs → *HotResult.
type Response any

// Header is what every request to a shard carries beside its Args.
type Header struct {
	Shard ShardID
	// Bounds is the epoch under which the sender chose the shard. A request whose keys
	// all lie within the shard's bounds is served under a newer epoch too.
	Bounds BoundsEpoch
	// Timeout bounds the time that the request may wait at the shard; zero: a default.
	Timeout time.Duration
	// Trace is the sender's span; nil: the request is not traced.
	Trace *Trace
}

// Call is one request on its way, and what came of it. The sender fills Res or Err. Maybe says
// that the request may have been done although Err is set: an earlier try of this call was
// not answered, whatever the last one heard (another route, no room).
type Call struct {
	To      Descriptor
	Req     Request
	Timeout time.Duration
	Res     Response
	Err     error
	Maybe   bool
}

// TimestampArgs draws timestamps from the oracle, at the system group's leader.
type TimestampArgs struct{ Count int }

// TimestampResult grants Count consecutive timestamps from First on. Term is the oracle's
// term of office: an answer of a lower term than one seen is thrown away.
type TimestampResult struct {
	First timestamp.Timestamp
	Count int
	Term  uint64
}

// WaitArgs tells the deadlock detector, at the system group's leader, who waits for whom. It
// forgets an edge that is not told again within a few seconds.
type WaitArgs struct{ Edges []mvcc.WaitEdge }

// WaitResult: one cycle for each edge told that closes one, beginning with that edge.
type WaitResult struct{ Cycles [][]mvcc.WaitEdge }

// VictimArgs ends a transaction's wait for a key's lock with a *mvcc.DeadlockError. Where it
// does not wait any more nothing happens.
type VictimArgs struct {
	Start timestamp.Timestamp
	Key   mvcc.Key
	Cycle []mvcc.WaitEdge
}

// VictimResult: whether it still waited.
type VictimResult struct{ Ended bool }

// SplitArgs splits a shard at Key: the right part [Key, end) becomes shard Right, with the
// given replica ids (one for each of the left's replicas, in order). The ids come from the
// directory. Asked again after it was done, it answers the same.
type SplitArgs struct {
	Key      mvcc.Key
	Right    ShardID
	Replicas []ReplicaID
}

// SplitResult has both descriptors after the split.
type SplitResult struct{ Left, Right Descriptor }

// TransferArgs moves a shard's leadership to its replica on a node.
type TransferArgs struct{ To NodeID }

// TransferResult: the leader now.
type TransferResult struct{ Leader NodeID }

// StatusArgs asks a replica, leader or not, what it knows about itself.
type StatusArgs struct{}

// StatusResult describes one replica.
type StatusResult struct {
	Descriptor  Descriptor
	Node        NodeID
	Term        uint64
	Leading     bool
	LeaseUntil  time.Duration // how long from now; negative or zero: none
	Applied     mvcc.Index
	Flushed     mvcc.Index
	LogFirst    mvcc.Index
	Locks       int
	Waiting     int
	OverlayRows int
	SizeBytes   int64
	Progress    []ReplicaProgress // leader only
	Quarantine  string            // empty: healthy

	Role    string    // "leader", "follower", "candidate", "learner"
	Lead    NodeID    // whom it takes for the leader; zero: nobody
	Vote    ReplicaID // for whom it voted in this term; zero: nobody
	Commit  mvcc.Index
	LogLast mvcc.Index
	MaxRead timestamp.Timestamp // nothing was read above it here, while it led
	Reads   uint64              // keys read and written since it leads, as HotResult says
	Writes  uint64
}

// ReplicaProgress is what a leader knows of one of its replicas.
type ReplicaProgress struct {
	Replica ReplicaID
	Match   mvcc.Index
	State   string
}
