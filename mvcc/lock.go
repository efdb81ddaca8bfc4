package mvcc

import "github.com/shaledb/shale/timestamp"

// LockKind is what a lock will become.
type LockKind uint8

// The kinds of locks. LockPut and LockDelete are write locks: they become versions and
// block reads. LockCheck becomes a mark, LockClaim a mark or nothing: neither blocks reads.
const (
	LockPut LockKind = iota + 1
	LockDelete
	LockCheck
	LockClaim
)

// Lock is an undecided write or claim on a key. It names its transaction (StartTS) and the
// primary, whose record alone decides.
type Lock struct {
	Key     Key
	StartTS timestamp.Timestamp
	Primary Key
	Kind    LockKind
	// MinCommitTS is a lower bound of the commit timestamp: reads below it need not wait.
	MinCommitTS timestamp.Timestamp
	// Expires is an oracle time. Past it a visitor may ask the primary's shard to decide.
	Expires timestamp.Timestamp
	Digest  Digest
	ValueID ValueID
	Value   []byte // the lock table in memory keeps inline values only
	// Async: the transaction is committed once all of its locks stand. The primary's lists
	// the other keys.
	Async       bool
	Secondaries []Key
}

// Writes says whether l is a write lock.
func (l Lock) Writes() bool { return l.Kind == LockPut || l.Kind == LockDelete }

// BlocksRead says whether a read at readTS by the transaction own (zero: none) has to wait
// for l: its commit might fall at or below the read.
func (l Lock) BlocksRead(readTS, own timestamp.Timestamp) bool {
	return l.Writes() && l.StartTS != own && l.MinCommitTS <= readTS
}
