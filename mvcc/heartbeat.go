package mvcc

import (
	"time"

	"github.com/shaledb/shale/timestamp"
)

// LockLifetimeMax is how long a lock can be kept alive, counted from its minimal commit
// timestamp (not from the start: who thinks long has locks as good as others', S8).
const LockLifetimeMax = time.Hour

// Heartbeat moves the expiry of a standing primary lock up, never down and never past its
// lifetime. The answer is what stands then; a decision is news for the holder.
func Heartbeat(r Reader, a *HeartbeatArgs, l Leader) (Rows, TxnStatus, error) {
	status, err := Outcome(r, &OutcomeArgs{Start: a.Start, Primary: a.Primary}, l)
	if err != nil || !status.Locked {
		return Rows{}, status, err
	}
	lock, _ := r.Lock(a.Primary)
	expires := lifetime(lock.MinCommitTS, a.Expires)
	if lock.Primary != a.Primary || expires <= lock.Expires {
		return Rows{}, status, nil
	}
	lock.Expires, status.Expires = expires, expires
	return Rows{Locks: []Lock{lock}}, status, nil
}

// lifetime bounds an expiry, so that a jump of the oracle makes no lock immortal (P9).
func lifetime(minCommitTS, expires timestamp.Timestamp) timestamp.Timestamp {
	return min(expires, minCommitTS.Add(LockLifetimeMax))
}
