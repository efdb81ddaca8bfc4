package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/memory"
	"github.com/shaledb/shale/mvcc/mvcctest"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// world is a cluster in one value: the real rules over memory, in as many shards as it is
// asked for, without replicas. It is the coordinator's Sender and Timestamps.
type world struct {
	mu     sync.Mutex
	now    timestamp.Timestamp
	shards []*memoryShard
	// before is asked first, without the mutex; an answer of its own is the call's.
	before func(ctx context.Context, call *routing.Call) (routing.Response, error)
	after  func(call *routing.Call) // may take an answer back
	sent   int
	// applied counts the requests that changed something.
	applied int
}

type memoryShard struct {
	descriptor routing.Descriptor
	engine     mvcctest.Engine
	leader     mvcc.Leader
}

// newWorld has a shard more than it has split keys.
func newWorld(t testing.TB, splits ...mvcc.Key) *world {
	w := &world{now: 1_700_000_000_000 << timestamp.CounterBits}
	start := mvcc.FirstUserKey
	for i, end := range append(splits, "") {
		engine, err := mvcctest.NewStoreEngine(memory.New(memory.Config{}))
		require.NoError(t, err)
		t.Cleanup(func() { engine.Close() })
		w.shards = append(w.shards, &memoryShard{engine: engine, descriptor: routing.Descriptor{
			ID: routing.ShardID(2 + i), Span: mvcc.Span{Start: start, End: end}}})
		start = end
	}
	return w
}

func (w *world) Next(context.Context) (timestamp.Timestamp, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now += 1 << timestamp.CounterBits
	return w.now, nil
}

func (w *world) lookup(_ context.Context, k mvcc.Key) ([]routing.Descriptor, error) {
	for _, s := range w.shards {
		if s.descriptor.Span.Contains(k) {
			return []routing.Descriptor{s.descriptor}, nil
		}
	}
	return nil, errors.New("no shard")
}

func (w *world) Send(ctx context.Context, calls []*routing.Call, _ func(*routing.Call) bool) {
	for _, c := range calls {
		c.Res, c.Err = w.answer(ctx, c)
		if w.after != nil {
			w.after(c)
		}
	}
}

func (w *world) answer(ctx context.Context, c *routing.Call) (routing.Response, error) {
	if w.before != nil {
		if res, err := w.before(ctx, c); res != nil || err != nil {
			return res, err
		}
	}
	if ctx.Err() != nil {
		return nil, &routing.UnavailableError{Shard: c.To.ID, Why: ctx.Err().Error()}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent++
	for _, s := range w.shards {
		if s.descriptor.ID == c.To.ID {
			res, changed, err := s.serve(c.Req, w.now)
			if changed {
				w.applied++
			}
			return res, err
		}
	}
	return nil, &routing.UnknownShardError{Shard: c.To.ID}
}

// pass lets time go by at the oracle.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// locks are the keys that are locked anywhere.
func (w *world) locks() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := []string{}
	for _, s := range w.shards {
		for _, l := range s.engine.Locks() {
			out = append(out, string(l.Key))
		}
	}
	return out
}

// visible is what a reader at the end of time would find, and what is locked.
func (w *world) visible(t testing.TB) string {
	out := fmt.Sprintln("locks", w.locks())
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.shards {
		for v, err := range s.engine.Scan(mvcc.Span{}, timestamp.Max, false, false) {
			require.NoError(t, err)
			out += fmt.Sprintf("%q at %s: %d %q\n", v.Key, v.CommitTS, v.Op, v.Value)
		}
	}
	return out
}

// serve does what a leader does; changed: rows were applied.
func (s *memoryShard) serve(req routing.Request, issued timestamp.Timestamp) (res routing.Response, changed bool, err error) {
	switch a := req.(type) {
	case *mvcc.GetArgs:
		res, err = s.get(a, issued)
		return res, false, err
	case *mvcc.ScanArgs:
		res, err = s.scan(a, issued)
		return res, false, err
	case *mvcc.ValidateArgs:
		res, err = s.validate(a, issued)
		return res, false, err
	}
	rows, res, err := s.evaluate(req)
	if err == nil {
		err = s.engine.Apply(rows)
	}
	if err != nil {
		return nil, false, err
	}
	return res, !rows.Empty(), nil
}

func (s *memoryShard) evaluate(req routing.Request) (rows mvcc.Rows, res routing.Response, err error) {
	switch a := req.(type) {
	case *mvcc.PrewriteArgs:
		var r mvcc.PrewriteResult
		rows, r, err = s.prewrite(a)
		res = &r
	case *mvcc.ClaimArgs:
		var r mvcc.ClaimResult
		rows, r, err = mvcc.Claim(s.engine, a, s.leader)
		res = &r
	case *mvcc.FenceArgs:
		var r mvcc.FenceResult
		rows, r, err = mvcc.Fence(s.engine, a, s.leader)
		res = &r
	case *mvcc.CommitArgs:
		var r mvcc.CommitResult
		rows, r, err = mvcc.Commit(s.engine, a, s.leader)
		res = &r
	case *mvcc.RollbackArgs:
		var r mvcc.TxnStatus
		rows, r, err = mvcc.Rollback(s.engine, a, s.leader)
		res = &r
	case *mvcc.CheckTxnArgs:
		var r mvcc.TxnStatus
		rows, r, err = mvcc.CheckTxn(s.engine, a, s.leader)
		res = &r
	case *mvcc.OutcomeArgs:
		var r mvcc.TxnStatus
		r, err = mvcc.Outcome(s.engine, a, s.leader)
		res = &r
	case *mvcc.HeartbeatArgs:
		var r mvcc.TxnStatus
		rows, r, err = mvcc.Heartbeat(s.engine, a, s.leader)
		res = &r
	}
	return rows, res, err
}

// prewrite keeps maxRead as the rules ask for: reads, and refusals that are reads.
func (s *memoryShard) prewrite(a *mvcc.PrewriteArgs) (mvcc.Rows, mvcc.PrewriteResult, error) {
	readTS := max(a.Start, a.ReadTS)
	if len(a.ReadKeys) > 0 {
		s.leader.MaxRead = max(s.leader.MaxRead, readTS)
	}
	rows, res, err := mvcc.Prewrite(s.engine, a, s.leader)
	var exists *mvcc.AlreadyExistsError
	var check *mvcc.CheckFailedError
	if errors.As(err, &exists) || errors.As(err, &check) {
		s.leader.MaxRead = max(s.leader.MaxRead, readTS)
	}
	return rows, res, err
}

// validate looks for what has come between ReadTS and At.
func (s *memoryShard) validate(a *mvcc.ValidateArgs, issued timestamp.Timestamp) (routing.Response, error) {
	spans := slices.Clone(a.Spans)
	for _, k := range a.Keys {
		spans = append(spans, mvcc.KeySpan(k))
	}
	for _, span := range spans {
		if err := s.readable(a.At, a.Start, issued, span); err != nil {
			return nil, &mvcc.WriteConflictError{Key: span.Start, StartTS: a.Start}
		}
		for v, err := range s.engine.Scan(span, a.At, false, true) {
			if err != nil || v.CommitTS > a.ReadTS {
				return nil, errors.Join(err, &mvcc.WriteConflictError{Key: v.Key, StartTS: a.Start, ConflictTS: v.CommitTS, Final: true})
			}
		}
	}
	return &mvcc.ValidateResult{}, nil
}

// readable does what a leader does before a read: bars, maxRead, locks.
func (s *memoryShard) readable(at, own, issued timestamp.Timestamp, span mvcc.Span) error {
	if at < s.leader.Safepoint {
		return &mvcc.BelowSafepointError{TS: at, Safepoint: s.leader.Safepoint}
	}
	if at > issued {
		return &mvcc.FutureError{TS: at, Newest: issued}
	}
	s.leader.MaxRead = max(s.leader.MaxRead, at)
	for _, l := range s.engine.Locks() {
		if span.Contains(l.Key) && l.BlocksRead(at, own) {
			return &mvcc.LockedError{Lock: l}
		}
	}
	return nil
}

func (s *memoryShard) get(a *mvcc.GetArgs, issued timestamp.Timestamp) (routing.Response, error) {
	at := a.ReadTS
	if at == 0 { // the newest: nothing is promised to anybody
		at, issued = timestamp.Max-1, timestamp.Max
		defer func(was timestamp.Timestamp) { s.leader.MaxRead = was }(s.leader.MaxRead)
	}
	res := &mvcc.GetResult{ReadTS: a.ReadTS}
	for _, k := range a.Keys {
		if err := s.readable(at, a.Own, issued, mvcc.KeySpan(k)); err != nil {
			return nil, err
		}
		v, _, err := s.engine.Get(k, at)
		if err != nil {
			return nil, err
		}
		res.Versions = append(res.Versions, v)
	}
	return res, nil
}

func (s *memoryShard) scan(a *mvcc.ScanArgs, issued timestamp.Timestamp) (routing.Response, error) {
	covered := s.descriptor.Span.Clip(a.Span)
	if err := s.readable(a.ReadTS, a.Own, issued, covered); err != nil {
		return nil, err
	}
	res, err := mvcc.Page(s.engine.Scan(covered, a.ReadTS, a.Reverse, a.KeysOnly), a, covered)
	return &res, err
}
