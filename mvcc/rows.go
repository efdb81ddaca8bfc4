package mvcc

import "github.com/shaledb/shale/timestamp"

// Rows is what one evaluated write changes. It is what goes through Raft: evaluation
// happens once, at the leader; every replica applies the rows blindly. The slices are
// applied in the order of the fields.
type Rows struct {
	Versions []Version // of one-phase commits, values inline whatever their size
	Marks    []Mark
	Locks    []Lock // new, or in place of the same transaction's lock; with its ValueID where kept
	Turns    []Turn
	Unlocks  []Unlock
	Records  []Record

	DropVersions []VersionName // garbage
	DropMarks    []VersionName
	DropRecords  []RecordName

	System []SystemRow // the system group only
}

// Turn makes a standing lock, with the same start and digest, the version or mark that it
// stood for. Without such a lock it changes nothing.
type Turn struct {
	Key      Key
	StartTS  timestamp.Timestamp
	Digest   Digest
	CommitTS timestamp.Timestamp
}

// Unlock removes a standing lock with the same start and digest. Without one it changes
// nothing.
type Unlock struct {
	Key     Key
	StartTS timestamp.Timestamp
	Digest  Digest
}

// VersionName names a version or a mark.
type VersionName struct {
	Key      Key
	CommitTS timestamp.Timestamp
	StartTS  timestamp.Timestamp
	ValueID  ValueID
}

// RecordName names an outcome or a fence.
type RecordName struct {
	Key     Key
	StartTS timestamp.Timestamp
}

// SystemRow is one named row of the system group's state; a nil value removes it.
type SystemRow struct {
	Name  string
	Value []byte
}

// Empty says whether the rows change nothing.
func (r *Rows) Empty() bool {
	return len(r.Versions) == 0 && len(r.Marks) == 0 && len(r.Locks) == 0 && len(r.Turns) == 0 &&
		len(r.Unlocks) == 0 && len(r.Records) == 0 && len(r.DropVersions) == 0 &&
		len(r.DropMarks) == 0 && len(r.DropRecords) == 0 && len(r.System) == 0
}
