package host

import (
	"sync/atomic"

	"github.com/shaledb/shale/shard"
)

// Metrics counts what the host did since it was opened.
type Metrics struct {
	Turns       atomic.Uint64 // of the loop
	Events      atomic.Uint64 // taken from the inbox
	Refused     atomic.Uint64 // requests turned away because the inbox was full
	SQLite      atomic.Uint64 // transactions that wrote
	Flushes     atomic.Uint64 // of them, those that wrote a generation
	FlushMicros atomic.Uint64
	Durable     atomic.Uint64 // of the flushes, those with a sync
	Checkpoints atomic.Uint64
	Reads       atomic.Uint64 // answered by the reader pool
	Resubmitted atomic.Uint64 // of the reads, those that no view fitted
	Lookups     atomic.Uint64
	Views       atomic.Uint64 // opened
	Entries     atomic.Uint64 // proposed by leaders here: consensus rounds
	Draws       atomic.Uint64 // requests that the oracle here answered
	Timestamps  atomic.Uint64 // that it handed out
	LockWaits   atomic.Uint64 // for which requests queued
	Deadlocks   atomic.Uint64 // cycles that the detector here found
	Victims     atomic.Uint64 // waits ended here because of one
	LogBatches  atomic.Uint64 // each with one sync
	LogWrites   atomic.Uint64
	SnapsSent   atomic.Uint64
	SnapsTaken  atomic.Uint64
	Quarantines atomic.Uint64
}

// count takes in what a replica counted in a turn.
func (m *Metrics) count(c *shard.Counts) {
	if *c == (shard.Counts{}) {
		return
	}
	m.Entries.Add(uint64(c.Entries))
	m.Draws.Add(uint64(c.Draws))
	m.Timestamps.Add(uint64(c.Timestamps))
	m.LockWaits.Add(uint64(c.Waits))
	m.Deadlocks.Add(uint64(c.Deadlocks))
	m.Victims.Add(uint64(c.Victims))
}
