package mvcc

import (
	"iter"

	"github.com/shaledb/shale/timestamp"
)

// Index is a position in a replica's Raft log.
type Index uint64

// Batch is the net change that a flush writes: everything between two states of a replica.
// A row stands in it at most once; puts replace, and drops of absent rows change nothing.
type Batch struct {
	Index Index  // the state after the batch is that at this applied index
	Term  uint64 // of the entry at Index

	Versions []Version // Value set, or ValueID set and the value in Values or stored before
	Values   []Value
	Locks    []Lock
	Marks    []Mark
	Records  []Record

	DropLocks    []Key
	DropVersions []VersionName
	DropMarks    []VersionName
	DropRecords  []RecordName
	DropValues   []ValueID

	Meta   []MetaRow
	System []SystemRow
}

// Value is one value too large for its row.
type Value struct {
	ID   ValueID
	Data []byte
}

// MetaRow is a named fact about the replica: bounds, epochs, membership, closed timestamp.
type MetaRow struct {
	Name  string
	Value []byte
}

// Image is what a replica needs in memory to start: everything but versions, values, marks
// and records.
type Image struct {
	Index  Index
	Term   uint64
	Locks  []Lock // without values above InlineValueSize
	Meta   []MetaRow
	System []SystemRow
}

// Store keeps one replica's rows: a SQLite file, or memory in tests and simulations.
// Flush, Load and Close are for one goroutine at a time; views may be opened and used by
// others meanwhile.
type Store interface {
	// Load reads the image. It verifies every row it reads.
	Load() (*Image, error)
	// Flush applies the batch atomically. Durable: when it returns, this batch and all
	// before it survive power loss; otherwise a crash may lose the last batches, in order.
	// An error leaves the store unusable: the caller stops the replica.
	Flush(b *Batch, durable bool) error
	// View opens a read view of the last flushed state.
	View() (View, error)
	Close() error
}

// View is one state of a store, fixed at the time it was opened, for one goroutine at a
// time. Every row is checked against its checksum; a bad one is a *CorruptError.
type View interface {
	// Index is the flushed index of the state.
	Index() Index
	// Facts looks up what is known about the keys on behalf of the transaction start.
	Facts(keys []Key, start timestamp.Timestamp) ([]Fact, error)
	// Get is the newest version of k at or below the timestamp, deletes included.
	Get(k Key, at timestamp.Timestamp) (Version, bool, error)
	// Scan yields, for each key of the span in order (or reverse), its newest version at or
	// below the timestamp, deletes included. Without values where keysOnly is set. The
	// sequence ends after an error.
	Scan(span Span, at timestamp.Timestamp, reverse, keysOnly bool) iter.Seq2[Version, error]
	// Versions yields all versions of the span at or below the timestamp, by key and from new
	// to old, deletes included: those that come behind the named one, of whose key and commit
	// timestamp alone it looks; the zero name is before all. Otherwise as Scan.
	Versions(span Span, after VersionName, at timestamp.Timestamp, keysOnly bool) iter.Seq2[Version, error]
	// Records yields the outcomes and fences at keys of the span, by start timestamp and key,
	// that come behind the named one; where start is not zero, those of that transaction alone.
	// It walks the records of all keys. The sequence ends after an error.
	Records(span Span, after RecordName, start timestamp.Timestamp) iter.Seq2[Record, error]
	Close() error
}
