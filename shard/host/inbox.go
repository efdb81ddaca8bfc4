package host

import (
	"sync"

	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/routing"
)

// inboxMax bounds what may wait for the loop. Clients are refused and Raft messages are
// dropped above it; what the node's own goroutines report always gets in, for there is
// never more of it than the loop asked for.
const inboxMax = 1 << 16

// item is one thing for the loop to do: an event for a replica, a request with the callback
// of its caller, or a function to be run between turns.
type item struct {
	group routing.ShardID
	slot  *slot // set where the event concerns this replica and no later one of its shard
	event shard.Event
	done  func(routing.Response, error)
	run   func()
}

// inbox is the loop's queue: many put, one takes all at once.
type inbox struct {
	mu     sync.Mutex
	items  []item
	spare  []item
	notify chan struct{} // holds a token while items is not empty
}

func newInbox() *inbox { return &inbox{notify: make(chan struct{}, 1)} }

// offer puts an item in unless the inbox is full.
func (in *inbox) offer(it item) bool {
	in.mu.Lock()
	if len(in.items) >= inboxMax {
		in.mu.Unlock()
		return false
	}
	in.items = append(in.items, it)
	in.mu.Unlock()
	in.wake()
	return true
}

// put puts items in whatever waits already.
func (in *inbox) put(its ...item) {
	in.mu.Lock()
	in.items = append(in.items, its...)
	in.mu.Unlock()
	in.wake()
}

func (in *inbox) wake() {
	select {
	case in.notify <- struct{}{}:
	default:
	}
}

// take is everything that waits. The slice is the caller's until it takes again.
func (in *inbox) take() []item {
	in.mu.Lock()
	defer in.mu.Unlock()
	its := in.items
	clear(in.spare[:cap(in.spare)])
	in.items, in.spare = in.spare[:0], its
	return its
}
