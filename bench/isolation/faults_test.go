package isolation

import (
	"context"
	"sync"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
	"github.com/shaledb/shale/txn"
)

// fault is what happens to a session's next commit on its way.
type fault int

const (
	// faultUnheard: what decides it is done, and the answer is lost.
	faultUnheard fault = iota
	// faultHalf: of its prewrites only those to the primary's shard arrive; of one shard, none.
	faultHalf
)

// faulty is a Sender between a process and the cluster. After a fault its caller gives up,
// as a client does whose connection broke.
type faulty struct {
	txn.Sender

	mu    sync.Mutex
	armed map[timestamp.Timestamp]armed // by transaction
}

type armed struct {
	fault  fault
	giveUp context.CancelFunc
}

// arm has the transaction's next commit fail; giveUp ends its caller's patience.
func (f *faulty) arm(start timestamp.Timestamp, next fault, giveUp context.CancelFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.armed == nil {
		f.armed = map[timestamp.Timestamp]armed{}
	}
	f.armed[start] = armed{next, giveUp}
}

// due takes the fault where these calls are the ones that it is for.
func (f *faulty) due(calls []*routing.Call) (armed, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, call := range calls {
		switch req := call.Req.(type) {
		case *mvcc.PrewriteArgs:
			a, ok := f.armed[req.Start]
			if ok && (a.fault == faultHalf || req.OnePhase || req.Async) {
				delete(f.armed, req.Start)
				return a, true
			}
		case *mvcc.CommitArgs:
			if a, ok := f.armed[req.Start]; ok {
				delete(f.armed, req.Start)
				return a, true
			}
		}
	}
	return armed{}, false
}

// Send delivers the calls, or what the fault leaves of them.
func (f *faulty) Send(ctx context.Context, calls []*routing.Call, enough func(*routing.Call) bool) {
	a, ok := f.due(calls)
	if !ok {
		f.Sender.Send(ctx, calls, enough)
		return
	}
	defer a.giveUp()
	arrive := calls
	if a.fault == faultHalf {
		arrive = primaries(calls)
	}
	f.Sender.Send(ctx, arrive, nil)
	for _, call := range calls {
		call.Res, call.Err = nil, &routing.UnavailableError{Why: "the connection broke", Maybe: true}
	}
}

// primaries are the calls that bring locks to their primary's shard, of several.
func primaries(calls []*routing.Call) []*routing.Call {
	if len(calls) < 2 {
		return nil
	}
	var out []*routing.Call
	for _, call := range calls {
		if req, ok := call.Req.(*mvcc.PrewriteArgs); ok && call.To.Span.Contains(req.Primary) {
			out = append(out, call)
		}
	}
	return out
}
