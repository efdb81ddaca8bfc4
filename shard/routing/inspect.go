package routing

import (
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// QueueArgs asks a leader who waits for locks in its queues.
type QueueArgs struct{ Limit int }

// QueueResult lists the waits, the longest first; More: there are others.
type QueueResult struct {
	Waits []Waiting
	More  bool
}

// Waiting is one request in a lock's queue. Waiter is zero where the request belongs to no
// transaction that could hold locks (a plain read).
type Waiting struct {
	Waiter  timestamp.Timestamp
	Holder  timestamp.Timestamp
	Key     mvcc.Key
	Request string // the kind of request: "get", "prewrite", "claim" …
	For     time.Duration
}

// HotArgs asks a leader for its busiest keys.
type HotArgs struct{ Limit int }

// HotResult counts what the leader was asked since it became one, and the keys that stood out
// lately. The keys are a sketch's: Count is at most Error too high.
type HotResult struct {
	Reads  uint64 // keys read by gets, and scans
	Writes uint64 // keys written, claimed and checked
	Keys   []HotKey
}

// HotKey is one key's share of late requests, an estimate. Old requests count less: a count
// halves about every ten seconds.
type HotKey struct {
	Key    mvcc.Key
	Reads  float64
	Writes float64
	Error  float64
}
