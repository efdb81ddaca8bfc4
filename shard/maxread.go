package shard

import (
	"time"

	"github.com/shaledb/shale/timestamp"
)

// aheadMax is how far above the newest timestamp known here a read may lie. A forged handle
// from the far future would otherwise push every later commit there (S21).
const aheadMax = 10 * time.Second

// clockwork is what a leader knows of oracle time.
type clockwork struct {
	// maxRead is the largest timestamp that anything was read at: no commit falls below it.
	maxRead timestamp.Timestamp
	// issued is the newest that the oracle is known to have handed out: drawn by this
	// replica. Requests never move it.
	issued timestamp.Timestamp
	// seen is the newest met in requests; it dates a lease.
	seen timestamp.Timestamp
	// committed is the largest commit timestamp applied here.
	committed timestamp.Timestamp
}

func (c *clockwork) drawn(ts timestamp.Timestamp) {
	c.issued = max(c.issued, ts)
	c.seen = max(c.seen, ts)
}

// plausible says whether a timestamp may have been issued, as far as is known here.
func (c *clockwork) plausible(ts timestamp.Timestamp) bool { return ts <= c.issued.Add(aheadMax) }

func (c *clockwork) read(ts timestamp.Timestamp) {
	c.maxRead = max(c.maxRead, ts)
	c.seen = max(c.seen, ts)
}
