package mvcc

import (
	"time"

	"github.com/shaledb/shale/timestamp"
)

// Leader is what only a shard's leader knows while it evaluates a write. It is taken in the
// same step as the evaluation; a second evaluation takes it anew.
type Leader struct {
	// MaxRead is the largest timestamp at which anything was read here. Whoever reads raises
	// it first and looks at the locks afterwards.
	MaxRead timestamp.Timestamp
	// Closed: no commit happens at or below it any more.
	Closed timestamp.Timestamp
	// Safepoint is the bar below which nothing is read or prewritten: old versions, marks
	// and one-phase outcomes below it may be gone.
	Safepoint timestamp.Timestamp
	// Collected is at most Safepoint: outcomes of transactions that began below it may be
	// gone, because no shard has a lock of theirs any more.
	Collected timestamp.Timestamp
	// Waited is how long the request has been here. The expiry that it asks for was counted
	// from its coming: a lock that stood in a queue must not be born expired (S8).
	Waited time.Duration
}

// expires is when a lock laid now dies, asked for when the request came.
func (l Leader) expires(minCommitTS, asked timestamp.Timestamp) timestamp.Timestamp {
	return lifetime(minCommitTS, asked.Add(l.Waited))
}

// MinCommitTS is the least timestamp at which a transaction that began at start may commit:
// above all that was read here and above the newest of the keys that it writes.
func (l Leader) MinCommitTS(start, newest timestamp.Timestamp) timestamp.Timestamp {
	return max(start, l.MaxRead, l.Closed, newest).Next()
}
