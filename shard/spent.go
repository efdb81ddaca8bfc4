package shard

import "time"

// Wait is what a request under way waits for.
type Wait uint8

// Steps of one turn share one moment, so what is computed takes no time here; the host knows
// that part.
const (
	WaitAdmission Wait = iota // leadership, the lease, a timestamp
	WaitLatch                 // requests before it on the same keys
	WaitStore                 // a look-up, or the flush that has to come before it
	WaitLock                  // a transaction's lock, or the turn after it
	WaitConsensus             // its entry to be committed
	Waits                     // how many there are
)

// Spent is how long a request was under way at the replica, by what it waited for. What it
// waited for more than once is added up.
type Spent [Waits]time.Duration

// waitsFor ends what the task has waited for and begins the next wait.
func (r *Replica) waitsFor(t *task, w Wait) {
	t.spent[t.wait] += r.now.Mono - t.since
	t.wait, t.since = w, r.now.Mono
}
