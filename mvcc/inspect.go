package mvcc

import "github.com/shaledb/shale/timestamp"

// What follows are the questions of people who look inside. They change nothing, lay no locks
// and are answered by the leader under its lease, page by page: a page ends after Limit rows or
// MaxBytes of keys and values, and also after a bounded number of rows was looked at, so that an
// empty page with More is legal where a filter lets little through.

// VersionsArgs asks for all versions in a span as of ReadTS, by key and from new to old:
// those with a commit timestamp at or below it. Like a scan it waits for write locks that may
// commit at or below ReadTS, so that pages of many shards at one ReadTS are one cut.
type VersionsArgs struct {
	ReadTS timestamp.Timestamp
	Span   Span
	// After is the name of the last row of the page before (key and commit timestamp); the
	// zero name: from the start of the span.
	After VersionName
	// Above leaves out versions at or below it. With Base, the newest of those is answered
	// too for each key that has one above.
	Above timestamp.Timestamp
	Base  bool
	// StartTS above zero: only the versions that this transaction wrote.
	StartTS  timestamp.Timestamp
	Limit    int
	MaxBytes int
	KeysOnly bool // without values
}

// VersionsResult is one page, deletes included. More: the part of the span that this shard
// holds may have more, behind Resume. Covered is what the shard answered for.
type VersionsResult struct {
	Versions []Version
	More     bool
	Resume   VersionName
	Covered  Span
}

// LocksArgs asks for the locks that stand in a span at this moment, by key. It waits for
// nothing.
type LocksArgs struct {
	Span  Span
	After Key // of the last row of the page before; empty: from the start of the span
	Limit int
}

// LocksResult is one page of locks, without their values.
type LocksResult struct {
	Locks   []Lock
	More    bool
	Resume  Key
	Covered Span
}

// RecordsArgs asks for the outcomes and fences recorded at keys of a span, as they are at this
// moment, by start timestamp and key.
type RecordsArgs struct {
	Span    Span
	After   RecordName
	StartTS timestamp.Timestamp // above zero: of this transaction alone
	Limit   int
}

// RecordsResult is one page of records.
type RecordsResult struct {
	Records []Record
	More    bool
	Resume  RecordName
	Covered Span
}
