package txn

import (
	"context"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// Transaction is what a coordinator needs to know of a transaction that is under way. The
// caller keeps it between calls: a Txn in this process, a client elsewhere in its handle.
type Transaction struct {
	Start timestamp.Timestamp // its name
	// ReadTS is what it reads at; zero: Start. Claims move it up while nothing was read (S5).
	ReadTS timestamp.Timestamp
	// Pessimistic transactions may claim keys before they write them.
	Pessimistic bool
	// Primary is the first key claimed: its record decides. Empty: nothing was claimed.
	Primary mvcc.Key
	// Claims are the keys claimed, as far as the caller keeps them: they are freed as soon as
	// the transaction ends. Those that are not listed are left to visitors and sweeps.
	Claims []mvcc.Key
	// Fixed: something was read at ReadTS, so that it stays. A claim that meets something
	// newer is then a conflict.
	Fixed bool
}

func (tx *Transaction) readTS() timestamp.Timestamp { return max(tx.Start, tx.ReadTS) }

// Retention is how far back AS OF reads reach. Versions below are not promised to be there.
const Retention = time.Hour

// ReadTimestamp chooses what a read-only transaction reads at: a fresh timestamp; asOf, where
// that is set; or, with maxStaleness, the newest timestamp that this process knows to be
// issued within that time, for which the oracle is not asked.
//
// Errors: *mvcc.BelowSafepointError, *mvcc.FutureError: asOf is too old, or not yet.
func (c *Coordinator) ReadTimestamp(ctx context.Context, asOf timestamp.Timestamp, maxStaleness time.Duration) (timestamp.Timestamp, error) {
	if asOf == 0 && maxStaleness > 0 {
		if ts, ok := c.clock.within(c.w.Tasks.Now(), maxStaleness); ok {
			return ts, nil
		}
	}
	now, err := c.Now(ctx)
	switch bar := now.Add(-Retention); {
	case err != nil || asOf == 0:
		return now, err
	case asOf > now:
		return 0, &mvcc.FutureError{TS: asOf, Newest: now}
	case asOf < bar:
		return 0, &mvcc.BelowSafepointError{TS: asOf, Safepoint: bar}
	}
	return asOf, nil
}
