package mvcc

import "github.com/shaledb/shale/timestamp"

// MutationOp is an operation of a Commit.
type MutationOp uint8

// The operations of a Commit, as the contract names them.
const (
	MutationPut MutationOp = iota + 1
	MutationDelete
	MutationInsert      // fails where the key exists
	MutationCheckExists // checks write nothing; a committed one leaves a mark
	MutationCheckAbsent
	MutationCheckValue // the newest value equals Value
	MutationAdd        // atomic: works on the newest value, waits for its lock, never conflicts
	MutationMin
	MutationMax
	MutationAppend
	// MutationClaim is a coordinator's own: the transaction's claim on the key must stand, and
	// becomes a mark. It stands for the primary of a pessimistic transaction that does not
	// write it.
	MutationClaim
)

// Check says whether op only checks.
func (op MutationOp) Check() bool {
	return op >= MutationCheckExists && op <= MutationCheckValue || op == MutationClaim
}

// Atomic says whether op works on the newest value, whatever was read.
func (op MutationOp) Atomic() bool { return op >= MutationAdd && op <= MutationAppend }

// Mutation is one operation on one key. A key may have one check and one write.
type Mutation struct {
	Op    MutationOp
	Key   Key
	Value []byte
}

// GetArgs reads keys of one shard at ReadTS, or, where ReadTS is zero, their newest
// versions in one step. Own is the reader's own transaction, whose locks do not block it.
type GetArgs struct {
	ReadTS timestamp.Timestamp
	Own    timestamp.Timestamp
	// Primary is set where the reader holds claims: waiting for a lock it can close a cycle.
	Primary Key
	Keys    []Key
}

// GetResult has one version per key asked, in order; Op zero: no version. Deletes are
// returned as such.
type GetResult struct {
	ReadTS   timestamp.Timestamp // as asked; zero where the newest were asked for
	Versions []Version
}

// ScanArgs reads a span of one shard at ReadTS. A page ends after Limit live entries (zero:
// no limit) or MaxBytes of keys and values, but holds at least one entry where one exists.
type ScanArgs struct {
	ReadTS   timestamp.Timestamp
	Own      timestamp.Timestamp
	Primary  Key // as in GetArgs
	Span     Span
	Limit    int
	MaxBytes int
	Reverse  bool
	KeysOnly bool
}

// ScanResult is one page: live versions only. More: the page ended before the part of the
// span that this shard holds did; Resume is the next page's Start (its End when reverse).
// The shard clips the span to its bounds and says in Covered what it answered for.
type ScanResult struct {
	Versions []Version
	More     bool
	Resume   Key
	Covered  Span
}

// PrewriteArgs lays the locks of one transaction on keys of one shard, or, with OnePhase,
// commits it there at once. Repeating it is safe: it answers what stands recorded.
type PrewriteArgs struct {
	Start timestamp.Timestamp
	// ReadTS is what the transaction has read at; zero: Start. Claims move it up (S5).
	ReadTS    timestamp.Timestamp
	Primary   Key
	Mutations []Mutation
	Digest    Digest
	Expires   timestamp.Timestamp // of the locks
	// OnePhase: all of the transaction is in this request: write versions, no locks.
	OnePhase bool
	// Autocommit (one phase only): nothing was read at Start; evaluate at the newest state
	// instead of refusing what is newer than Start.
	Autocommit bool
	// Async: the transaction is committed as soon as all of its locks stand, at the largest
	// MinCommitTS. It is a function of the content, and set in every request of it alike.
	Async bool
	// Secondaries are all keys of the transaction but the primary. Set with Async, in requests
	// that hold the primary.
	Secondaries []Key
	// ReadKeys (one phase only) are validated in the same step: a serializable transaction has
	// read them at ReadTS, in this shard. A key that was read and is worked on by an atomic
	// operation is among them: that never conflicts by itself.
	ReadKeys []Key
}

// PrewriteResult: MinCommitTS is the largest of the locks laid; CommitTS is set instead
// where the transaction is already committed (one phase, or an earlier copy).
type PrewriteResult struct {
	MinCommitTS timestamp.Timestamp
	CommitTS    timestamp.Timestamp
}

// CommitArgs turns a transaction's locks on keys of one shard into versions at CommitTS.
// Where Primary is among Keys this is the commit point and records the outcome.
type CommitArgs struct {
	Start    timestamp.Timestamp
	CommitTS timestamp.Timestamp
	Primary  Key
	Keys     []Key
	Digest   Digest
}

// CommitResult carries the recorded commit timestamp.
type CommitResult struct{ CommitTS timestamp.Timestamp }

// RollbackArgs removes a transaction's locks on keys of one shard and fences those keys.
// Where Primary is among Keys it records the abort, unless the commit was recorded first;
// that outcome is then the answer. A zero Digest means whatever stands.
type RollbackArgs struct {
	Start   timestamp.Timestamp
	Primary Key
	Keys    []Key
	Digest  Digest
	// Fenced: a key of this asynchronous commit is fenced, so that it never can have committed.
	// Without it the primary's standing asynchronous lock is left alone (S7).
	Fenced bool
}

// FenceArgs looks at keys of an asynchronous commit in one shard, and with Fence makes sure
// that those which are not locked never will be. The primary is not among them.
type FenceArgs struct {
	Start   timestamp.Timestamp
	Primary Key
	Keys    []Key
	Digest  Digest
	Fence   bool
}

// FenceResult: Missing keys are neither locked nor decided. Fenced: one at least can never be
// locked any more, so that the transaction is not committed and never will be. Otherwise all
// but the missing ones stand, and MinCommitTS is their largest; CommitTS is set where one is
// a version already.
type FenceResult struct {
	Missing     []Key
	Fenced      bool
	MinCommitTS timestamp.Timestamp
	CommitTS    timestamp.Timestamp
}

// ClaimArgs lays claims (FOR UPDATE) on keys of one shard and reads their newest versions.
// Other transactions' locks are queued for. Repeating it is safe.
type ClaimArgs struct {
	Start   timestamp.Timestamp
	ReadTS  timestamp.Timestamp
	Primary Key // the first key that the transaction claimed
	Keys    []Key
	Expires timestamp.Timestamp
	// Fixed: the transaction has read at ReadTS: a version above it is a conflict (S5).
	Fixed bool
}

// ClaimResult has one version per key asked, in order; Op zero: no version.
type ClaimResult struct{ Versions []Version }

// ValidateArgs asks whether what a serializable transaction has read in one shard at ReadTS
// still is the state at At: no version in between, and no lock of another that may yet commit
// there. It is a read at At; At was drawn from the oracle. Where ReadTS lies below the
// safepoint nobody can tell: a delete that was committed since may be gone with what it hid.
type ValidateArgs struct {
	Start  timestamp.Timestamp
	ReadTS timestamp.Timestamp
	At     timestamp.Timestamp
	Keys   []Key
	Spans  []Span
}

// ValidateResult says that all is as it was. Otherwise the error is a *WriteConflictError.
type ValidateResult struct{}

// WaitEdge says that one transaction waits for a lock that another holds.
type WaitEdge struct {
	Waiter, Holder timestamp.Timestamp
	Key            Key
}

// Wait is a transaction, known by its start and its primary, that waits for a lock and may
// hold others.
type Wait struct {
	Waiter  timestamp.Timestamp
	Primary Key
	Lock    Lock
}

// CheckTxnArgs asks a primary's shard what became of a transaction on behalf of a visitor
// that met its lock, and decides where the locks' time is over.
type CheckTxnArgs struct {
	Start   timestamp.Timestamp
	Primary Key
	// Now is an oracle time drawn by the visitor after it met the lock.
	Now timestamp.Timestamp
	// MetExpires is the met lock's own expiry: before it a missing primary is not yet fenced.
	MetExpires timestamp.Timestamp
	// Force decides now whatever the expiry says (an operator's request).
	Force bool
	// Wait: while the transaction is alive, wait for its decision until the request's
	// deadline or the expiry, instead of answering at once.
	Wait bool
}

// OutcomeArgs asks what is recorded of a transaction. A pure read: it decides nothing.
type OutcomeArgs struct {
	Start   timestamp.Timestamp
	Primary Key
}

// HeartbeatArgs moves the expiry of a standing primary lock up.
type HeartbeatArgs struct {
	Start   timestamp.Timestamp
	Primary Key
	Expires timestamp.Timestamp
}

// TxnStatus answers RollbackArgs, CheckTxnArgs, OutcomeArgs and HeartbeatArgs.
type TxnStatus struct {
	// Decision is Committed, Aborted, or Undecided: alive, or nothing recorded.
	Decision Decision
	CommitTS timestamp.Timestamp
	Expires  timestamp.Timestamp // Undecided: of the primary's lock, or of the met one
	Locked   bool                // Undecided: the primary's lock stands
	Digest   Digest              // of the decision or of the standing lock, where recorded
	Expired  bool                // below the safepoint: records may be gone

	// Of the primary's asynchronous lock, where it stands: recovery looks at the other keys.
	Async       bool
	Secondaries []Key
	MinCommitTS timestamp.Timestamp
}
