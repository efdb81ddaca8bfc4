package host

import "sync/atomic"

// Metrics counts what the host did since it was opened.
type Metrics struct {
	Turns       atomic.Uint64 // of the loop
	Events      atomic.Uint64 // taken from the inbox
	Refused     atomic.Uint64 // requests turned away because the inbox was full
	Flushes     atomic.Uint64 // SQLite transactions
	FlushMicros atomic.Uint64
	Durable     atomic.Uint64 // of the flushes, those with a sync
	Checkpoints atomic.Uint64
	Reads       atomic.Uint64 // answered by the reader pool
	Resubmitted atomic.Uint64 // of the reads, those that no view fitted
	Lookups     atomic.Uint64
	Views       atomic.Uint64 // opened
	LogBatches  atomic.Uint64
	LogWrites   atomic.Uint64
	SnapsSent   atomic.Uint64
	SnapsTaken  atomic.Uint64
	Quarantines atomic.Uint64
}
