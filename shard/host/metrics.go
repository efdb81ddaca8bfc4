package host

import (
	"sync/atomic"

	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/meter"
	"github.com/shaledb/shale/shard/raftlog"
)

// Metrics counts what the host did since it was opened.
type Metrics struct {
	Turns       atomic.Uint64 // of the loop
	Events      atomic.Uint64 // taken from the inbox
	Refused     atomic.Uint64 // requests turned away because the inbox was full
	SQLite      atomic.Uint64 // transactions that wrote
	Flushes     atomic.Uint64 // of them, those that wrote a generation
	FlushedAt   atomic.Int64  // when the last one ended, in Unix milliseconds
	Durable     atomic.Uint64 // of the flushes, those with a sync
	Checkpoints atomic.Uint64
	Reads       atomic.Uint64 // answered by the reader pool
	Resubmitted atomic.Uint64 // of the reads, those that no view fitted
	Lookups     atomic.Uint64
	Views       atomic.Uint64 // opened
	Entries     atomic.Uint64 // proposed by leaders here: consensus rounds
	Applied     atomic.Uint64 // entries, also as a follower
	Draws       atomic.Uint64 // requests that the oracle here answered
	Timestamps  atomic.Uint64 // that it handed out
	LockWaits   atomic.Uint64 // for which requests queued
	Deadlocks   atomic.Uint64 // cycles that the detector here found
	Victims     atomic.Uint64 // waits ended here because of one
	LogBatches  atomic.Uint64 // each with one sync
	LogWrites   atomic.Uint64
	SnapsSent   atomic.Uint64
	SnapsTaken  atomic.Uint64
	SnapOut     atomic.Uint64 // bytes of raft snapshots sent
	SnapIn      atomic.Uint64 // and received
	Quarantines atomic.Uint64

	Requests   [kinds]meter.Durations  // from Submit to the answer
	Phases     [Phases]meter.Durations // of them, what took any time
	Turn       meter.Durations         // of the loop, where something was to be done
	LogSync    meter.Durations         // of a batch: one sync as a rule
	LogBytes   meter.Sizes             // of a batch, with headers and padding
	LogBatch   meter.Numbers           // groups' writes in a batch
	Flush      meter.Durations
	Checkpoint meter.Durations
	SnapSend   meter.Durations
	SnapTake   meter.Durations // with the checks of the file
}

// logged counts a batch of the log.
func (m *Metrics) logged(writes int, before, after raftlog.Stats) {
	m.LogBatches.Add(1)
	m.LogWrites.Add(uint64(writes))
	m.LogBatch.Observe(writes)
	m.LogSync.Observe(after.SyncTime - before.SyncTime)
	m.LogBytes.Observe(after.Written - before.Written)
}

// count takes in what a replica counted in a turn.
func (m *Metrics) count(c *shard.Counts) {
	if *c == (shard.Counts{}) {
		return
	}
	m.Entries.Add(uint64(c.Entries))
	m.Applied.Add(uint64(c.Applied))
	m.Draws.Add(uint64(c.Draws))
	m.Timestamps.Add(uint64(c.Timestamps))
	m.LockWaits.Add(uint64(c.Waits))
	m.Deadlocks.Add(uint64(c.Deadlocks))
	m.Victims.Add(uint64(c.Victims))
}
