package mvcctest

import (
	"iter"
	"testing"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// Engine is what is under test: one replica's rows, however they are kept.
type Engine interface {
	mvcc.Reader
	// Apply applies one evaluated write, as the apply of one log entry would.
	Apply(rows mvcc.Rows) error
	// Get is the newest version of k at or below the timestamp, deletes included.
	Get(k mvcc.Key, at timestamp.Timestamp) (mvcc.Version, bool, error)
	// Scan is as mvcc.View's, on the state now.
	Scan(span mvcc.Span, at timestamp.Timestamp, reverse, keysOnly bool) iter.Seq2[mvcc.Version, error]
	// Versions and Records are as mvcc.View's, on the state now.
	Versions(span mvcc.Span, after mvcc.VersionName, at timestamp.Timestamp, keysOnly bool) iter.Seq2[mvcc.Version, error]
	Records(span mvcc.Span, after mvcc.RecordName, start timestamp.Timestamp) iter.Seq2[mvcc.Record, error]
	// Locks are all standing locks, in the order of their keys.
	Locks() []mvcc.Lock
}

// Factory opens an empty engine. An engine that is an io.Closer is closed after use.
type Factory func(t testing.TB) Engine
