package txn

import (
	"context"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// The coordinator's four windows on the world. It holds no mutex across any of their
// methods, and gets concurrency from Tasks.Spawn alone; so the same code runs over a real
// network and as a coroutine in the simulator.

// Sender carries calls to the leaders of their shards.
type Sender interface {
	// Send delivers all calls, in parallel, and fills each one's Res or Err. It returns when
	// every call is answered, timed out or ctx ended, or as soon as enough says so of an
	// answered call (nil: never); calls unanswered by then have an *routing.UnavailableError
	// with Maybe set. It follows leader hints (NotLeaderError) by itself within the calls'
	// timeouts; wrong routes (EpochMismatchError, UnknownShardError) are the caller's.
	// A call To the system shard without replicas goes where the sender knows it to be.
	// Safe for concurrent use; the calls belong to Send until it returns.
	Send(ctx context.Context, calls []*routing.Call, enough func(*routing.Call) bool)
}

// Timestamps draws from the oracle.
type Timestamps interface {
	// Next is a timestamp issued after Next was called. Safe for concurrent use.
	Next(ctx context.Context) (timestamp.Timestamp, error)
}

// Shards is the shard map, as far as it is known.
type Shards interface {
	// Find is the shard that holds the key, from a cache or looked up.
	Find(ctx context.Context, k mvcc.Key) (routing.Descriptor, error)
	// Learn takes a descriptor in; older epochs are ignored. Forget drops one that
	// led astray.
	Learn(d routing.Descriptor)
	Forget(d routing.Descriptor)
}

// Tasks is time and concurrency.
type Tasks interface {
	// Now is this process's monotonic time. Only differences mean something.
	Now() time.Duration
	// Sleep waits, or returns ctx's error when that ends first.
	Sleep(ctx context.Context, d time.Duration) error
	// Spawn runs f beside its caller. The task belongs to its process and dies with it;
	// its context ends when the process stops.
	Spawn(name string, f func(ctx context.Context))
}
