package mvcc

import "github.com/shaledb/shale/timestamp"

// Op is what a version says of its key.
type Op uint8

// The operations of versions. OpMark stands for a Mark where versions and marks are asked
// for together (Reader.Newest); it is never stored as a version.
const (
	OpPut Op = iota + 1
	OpDelete
	OpMark
)

// Digest names a Commit's whole content: its mutations in order, its reads and its
// isolation. The same transaction id with another digest is a caller's mistake. The zero
// digest means "not recorded".
type Digest [16]byte

// ValueID says where a value too large for a row of its own lies: the Raft index of the
// entry that brought it << 16 | its ordinal there, so that every replica calls it the same.
// Zero means that the value is inline.
type ValueID uint64

// InlineValueSize is the largest value kept inside its version's or lock's row (measured:
// see mvcc/sqlite/DESIGN.md).
const InlineValueSize = 200

// Version is one committed value, or delete, of a key.
type Version struct {
	Key      Key
	CommitTS timestamp.Timestamp
	StartTS  timestamp.Timestamp
	Op       Op
	ValueID  ValueID
	Value    []byte // never changed after it was set; nil for a delete
	// Digest is set on the primary's version of a one-phase commit alone: there the version
	// is the transaction's record.
	Digest Digest
}

// Mark is what a committed check, or a claim that wrote nothing, leaves behind. For
// conflicts and for "what became of my transaction" it counts as a version; for reads it
// does not exist.
type Mark struct {
	Key      Key
	CommitTS timestamp.Timestamp
	StartTS  timestamp.Timestamp
	Digest   Digest // as in Version
}

// Decision is what is recorded of a transaction at one key.
type Decision uint8

// The decisions. They never change once recorded.
const (
	Undecided Decision = iota
	Committed          // with a commit timestamp
	Aborted            // the primary's record: rolled back for ever
	Fenced             // this transaction may no longer prewrite this key
)

// Record is an outcome at a transaction's primary, or a fence at any of its keys. Where a
// one-phase commit left only its versions and marks, Reader.Own makes the record of them.
type Record struct {
	Key      Key
	StartTS  timestamp.Timestamp
	Decision Decision
	CommitTS timestamp.Timestamp // Committed only
	Digest   Digest
}
