package txn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/memory"
	"github.com/shaledb/shale/mvcc/mvcctest"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// world is a cluster as the coordinator sees it through its windows: the rules over memory
// engines, split at given keys, with an oracle and a clock of its own. One goroutine uses it:
// tasks wait in a queue until the test runs them, and sleeping moves the clock.
type world struct {
	t      testing.TB
	shards []*fakeShard
	issued timestamp.Timestamp
	clock  time.Duration
	tasks  []func(context.Context)
	dead   bool // of a coordinator whose process has died: it hears nothing any more

	// fault is asked about each call, before it is delivered.
	fault func(call *routing.Call) fault
	after func(call *routing.Call) // called when a call was delivered and answered
	sent  []string                 // the kinds of the calls delivered
	// sending is called after each Send; system answers what the coordinator asks of waits.
	sending func()
	system  func(routing.Request) (routing.Response, error)
	draws   int
}

type fault int

const (
	none  fault = iota
	lost        // the request never arrives
	deaf        // it is done, and the answer is lost
	death       // it is done, and the coordinator's process dies
)

type fakeShard struct {
	d       routing.Descriptor
	e       *mvcctest.StoreEngine
	maxRead timestamp.Timestamp
}

func newWorld(t testing.TB, splits ...mvcc.Key) *world {
	w := &world{t: t, issued: timestamp.At(time.UnixMilli(1_000_000))}
	start := mvcc.FirstUserKey
	for i, end := range append(splits, "") {
		e, err := mvcctest.NewStoreEngine(memory.New(memory.Config{}))
		require.NoError(t, err)
		w.shards = append(w.shards, &fakeShard{e: e, d: routing.Descriptor{ID: routing.ShardID(i + 2),
			Span: mvcc.Span{Start: start, End: end}, Epoch: routing.Epoch{Bounds: 1, Members: 1}}})
		start = end
	}
	return w
}

// coordinator makes one more coordinator: another gateway, another client.
func (w *world) coordinator() *Coordinator {
	return NewCoordinator(Windows{Sender: w, Timestamps: w, Shards: NewShardCache(w.lookup), Tasks: w}, Config{})
}

func (w *world) lookup(_ context.Context, k mvcc.Key) ([]routing.Descriptor, error) {
	for _, s := range w.shards {
		if s.d.Span.Contains(k) {
			return []routing.Descriptor{s.d}, nil
		}
	}
	return nil, nil
}

// split gives the keys from at on to a new shard. Rows and locks move with them: both parts
// have the same engine, and each looks at its own keys.
func (w *world) split(at mvcc.Key) {
	for i, s := range w.shards {
		if s.d.Span.Contains(at) {
			right := *s
			s.d.Epoch.Bounds++
			right.d = s.d
			right.d.ID = routing.ShardID(100 + len(w.shards))
			right.d.Span.Start, s.d.Span.End = at, at
			w.shards = slices.Insert(w.shards, i+1, &right)
			return
		}
	}
}

func (w *world) Next(ctx context.Context) (timestamp.Timestamp, error) {
	if w.dead {
		return 0, errDead
	}
	w.draws++
	w.issued = max(w.issued.Next(), timestamp.At(time.UnixMilli(1_000_000).Add(w.clock)))
	return w.issued, ctx.Err()
}

// errDead ends whatever a dead process had under way.
var errDead = errors.New("the process is dead")

func (w *world) Now() time.Duration { return w.clock }

func (w *world) Sleep(ctx context.Context, d time.Duration) error {
	if w.dead {
		return errDead
	}
	w.clock += d
	return ctx.Err()
}

func (w *world) Spawn(name string, f func(context.Context)) {
	if name == "heartbeats" {
		return // a sleeper of its own would move the clock; see the keeper's test
	}
	w.tasks = append(w.tasks, f)
}

// settle runs what was spawned.
func (w *world) settle() {
	for len(w.tasks) > 0 {
		f := w.tasks[0]
		w.tasks = w.tasks[1:]
		f(context.Background())
	}
}

func (w *world) Send(ctx context.Context, calls []*routing.Call, enough func(*routing.Call) bool) {
	if w.sending != nil {
		defer w.sending()
	}
	for _, call := range calls {
		call.Res, call.Err = nil, &routing.UnavailableError{Shard: call.To.ID, Why: "not answered", Maybe: true}
	}
	for _, call := range calls {
		f := none
		if w.fault != nil {
			f = w.fault(call)
		}
		switch {
		case w.dead:
			call.Err = errDead
			continue
		case ctx.Err() != nil:
			continue
		case f == lost:
			call.Err = &routing.UnavailableError{Shard: call.To.ID, Why: "lost"}
			continue
		}
		res, err := w.deliver(call)
		if f == death {
			w.dead = true
			call.Err = errDead
			continue
		}
		if f == deaf {
			continue
		}
		call.Res, call.Err = res, err
		if w.after != nil {
			w.after(call)
		}
		if enough != nil && enough(call) {
			return
		}
	}
}

func (w *world) deliver(call *routing.Call) (routing.Response, error) {
	w.sent = append(w.sent, kind(call.Req))
	switch call.Req.(type) {
	case *routing.WaitArgs, *routing.VictimArgs:
		return w.system(call.Req)
	}
	i := slices.IndexFunc(w.shards, func(s *fakeShard) bool { return s.d.ID == call.To.ID })
	if i < 0 {
		return nil, &routing.UnknownShardError{Shard: call.To.ID}
	}
	s := w.shards[i]
	for _, k := range requestKeys(call.Req) {
		if !s.d.Span.Contains(k) {
			return nil, &routing.EpochMismatchError{Shard: s.d.ID, Current: []routing.Descriptor{s.d}}
		}
	}
	if a, ok := call.Req.(*mvcc.ScanArgs); ok && a.Reverse && s.d.Span.End != "" && (a.Span.End == "" || a.Span.End > s.d.Span.End) {
		return nil, &routing.EpochMismatchError{Shard: s.d.ID, Current: []routing.Descriptor{s.d}}
	}
	res, err := s.serve(call.Req)
	var exists *mvcc.AlreadyExistsError
	var check *mvcc.CheckFailedError
	if p, ok := call.Req.(*mvcc.PrewriteArgs); ok && (errors.As(err, &exists) || errors.As(err, &check)) {
		s.maxRead = max(s.maxRead, p.Start)
	}
	if st, ok := res.(*mvcc.TxnStatus); ok {
		if a, ok := call.Req.(*mvcc.CheckTxnArgs); ok && a.Wait && st.Decision == mvcc.Undecided && st.Expires > a.Now {
			w.clock += st.Expires.Time().Sub(a.Now.Time()) // it waited at the shard until its time was over
		}
	}
	return res, err
}

// serve evaluates a request and applies its rows, as a leader of one replica would.
func (s *fakeShard) serve(req routing.Request) (routing.Response, error) {
	l := mvcc.Leader{MaxRead: s.maxRead}
	var rows mvcc.Rows
	var res routing.Response
	var err error
	switch a := req.(type) {
	case *mvcc.GetArgs:
		return s.get(a)
	case *mvcc.ScanArgs:
		return s.scan(a)
	case *mvcc.PrewriteArgs:
		var r mvcc.PrewriteResult
		rows, r, err = mvcc.Prewrite(s.e, a, l)
		res = &r
	case *mvcc.CommitArgs:
		var r mvcc.CommitResult
		rows, r, err = mvcc.Commit(s.e, a, l)
		res = &r
	case *mvcc.RollbackArgs:
		var r mvcc.TxnStatus
		rows, r, err = mvcc.Rollback(s.e, a, l)
		res = &r
	case *mvcc.CheckTxnArgs:
		var r mvcc.TxnStatus
		rows, r, err = mvcc.CheckTxn(s.e, a, l)
		res = &r
	case *mvcc.HeartbeatArgs:
		var r mvcc.TxnStatus
		rows, r, err = mvcc.Heartbeat(s.e, a, l)
		res = &r
	case *mvcc.ClaimArgs:
		var r mvcc.ClaimResult
		rows, r, err = mvcc.Claim(s.e, a, l)
		res = &r
	case *mvcc.FenceArgs:
		var r mvcc.FenceResult
		rows, r, err = mvcc.Fence(s.e, a, l)
		res = &r
	case *mvcc.ValidateArgs:
		return s.validate(a)
	case *mvcc.OutcomeArgs:
		var r mvcc.TxnStatus
		r, err = mvcc.Outcome(s.e, a, l)
		res = &r
	default:
		return s.browse(req)
	}
	if err != nil {
		return nil, err
	}
	if !rows.Empty() {
		err = s.e.Apply(rows)
	}
	return res, err
}

func (s *fakeShard) get(a *mvcc.GetArgs) (routing.Response, error) {
	at := a.ReadTS
	if at == 0 {
		at = timestamp.Max
	} else {
		s.maxRead = max(s.maxRead, at)
	}
	res := &mvcc.GetResult{ReadTS: a.ReadTS, Versions: make([]mvcc.Version, len(a.Keys))}
	for i, k := range a.Keys {
		if l, ok := s.e.Lock(k); ok && l.BlocksRead(at, a.Own) {
			return nil, &mvcc.LockedError{Lock: l}
		}
		v, ok, err := s.e.Get(k, at)
		if err != nil {
			return nil, err
		}
		if ok {
			res.Versions[i] = v
		}
	}
	return res, nil
}

// validate is a read at a.At that only wants to know whether anything is newer than a.ReadTS.
func (s *fakeShard) validate(a *mvcc.ValidateArgs) (routing.Response, error) {
	s.maxRead = max(s.maxRead, a.At)
	spans := slices.Clone(a.Spans)
	for _, k := range a.Keys {
		spans = append(spans, mvcc.Span{Start: k, End: k + "\x00"})
	}
	for _, span := range spans {
		for _, l := range s.e.Locks() {
			if span.Contains(l.Key) && l.BlocksRead(a.At, a.Start) {
				return nil, &mvcc.WriteConflictError{Key: l.Key, StartTS: a.Start, ConflictTS: l.MinCommitTS}
			}
		}
		for v, err := range s.e.Scan(span, a.At, false, true) {
			if err != nil || v.CommitTS > a.ReadTS {
				return nil, errors.Join(err, &mvcc.WriteConflictError{Key: v.Key, StartTS: a.Start, ConflictTS: v.CommitTS, Final: true})
			}
		}
	}
	return &mvcc.ValidateResult{}, nil
}

func (s *fakeShard) scan(a *mvcc.ScanArgs) (routing.Response, error) {
	span := s.d.Span.Clip(a.Span)
	s.maxRead = max(s.maxRead, a.ReadTS)
	for _, l := range s.e.Locks() {
		if span.Contains(l.Key) && l.BlocksRead(a.ReadTS, a.Own) {
			return nil, &mvcc.LockedError{Lock: l}
		}
	}
	res, err := mvcc.Page(s.e.Scan(span, a.ReadTS, a.Reverse, a.KeysOnly), a, span)
	return &res, err
}

func kind(req routing.Request) string {
	switch a := req.(type) {
	case *mvcc.PrewriteArgs:
		if a.OnePhase {
			return "one-phase"
		}
		return "prewrite"
	case *mvcc.CommitArgs:
		if slices.Contains(a.Keys, a.Primary) {
			return "commit primary"
		}
		return "commit"
	case *mvcc.RollbackArgs:
		return "rollback"
	case *mvcc.CheckTxnArgs:
		return "check"
	case *mvcc.HeartbeatArgs:
		return "heartbeat"
	case *mvcc.OutcomeArgs:
		return "outcome"
	case *mvcc.ClaimArgs:
		return "claim"
	case *mvcc.FenceArgs:
		if a.Fence {
			return "fence"
		}
		return "look"
	case *mvcc.ValidateArgs:
		return "validate"
	case *routing.WaitArgs:
		return "wait"
	case *routing.VictimArgs:
		return "victim"
	case *mvcc.GetArgs:
		return "get"
	}
	return "scan"
}

func requestKeys(req routing.Request) []mvcc.Key {
	switch a := req.(type) {
	case *mvcc.GetArgs:
		return a.Keys
	case *mvcc.PrewriteArgs:
		keys := make([]mvcc.Key, len(a.Mutations))
		for i := range a.Mutations {
			keys[i] = a.Mutations[i].Key
		}
		return keys
	case *mvcc.CommitArgs:
		return a.Keys
	case *mvcc.RollbackArgs:
		return a.Keys
	case *mvcc.CheckTxnArgs:
		return []mvcc.Key{a.Primary}
	case *mvcc.ClaimArgs:
		return a.Keys
	case *mvcc.FenceArgs:
		return a.Keys
	case *mvcc.ValidateArgs:
		keys := slices.Clone(a.Keys)
		for _, span := range a.Spans {
			keys = append(keys, span.Start)
		}
		return keys
	case *mvcc.OutcomeArgs:
		return []mvcc.Key{a.Primary}
	case *mvcc.HeartbeatArgs:
		return []mvcc.Key{a.Primary}
	case *mvcc.ScanArgs:
		if a.Reverse {
			return nil
		}
		return []mvcc.Key{a.Span.Start}
	case *mvcc.VersionsArgs:
		return []mvcc.Key{max(a.Span.Start, a.After.Key)}
	case *mvcc.LocksArgs:
		return []mvcc.Key{max(a.Span.Start, a.After)}
	case *mvcc.RecordsArgs:
		return []mvcc.Key{a.Span.Start}
	}
	return nil
}

// locks are those that stand anywhere.
func (w *world) locks() []mvcc.Lock {
	var out []mvcc.Lock
	for _, s := range w.shards {
		for _, l := range s.e.Locks() {
			if s.d.Span.Contains(l.Key) {
				out = append(out, l)
			}
		}
	}
	return out
}

func puts(keysAndValues ...string) mvcc.Content {
	var c mvcc.Content
	for i := 0; i < len(keysAndValues); i += 2 {
		c.Mutations = append(c.Mutations, mvcc.Mutation{Op: mvcc.MutationPut,
			Key: mvcc.Key(keysAndValues[i]), Value: []byte(keysAndValues[i+1])})
	}
	return c
}

// values reads keys at a fresh timestamp with a client of its own; "-" where there is nothing.
func (w *world) values(keys ...mvcc.Key) []string {
	fault, dead := w.fault, w.dead
	w.fault, w.dead = nil, false
	defer func() { w.fault, w.dead = fault, dead }()
	c := w.coordinator()
	ts, err := c.Now(context.Background())
	require.NoError(w.t, err)
	_, versions, err := c.Get(context.Background(), Read{TS: ts}, keys)
	require.NoError(w.t, err)
	out := make([]string, len(keys))
	for i := range versions {
		if out[i] = "-"; versions[i].Op == mvcc.OpPut {
			out[i] = string(versions[i].Value)
		}
	}
	return out
}

// wide is puts, and so many more keys past "zz" that the commit takes two phases.
func wide(keysAndValues ...string) mvcc.Content {
	c := puts(keysAndValues...)
	for i := range asyncKeysMax {
		c.Mutations = append(c.Mutations, mvcc.Mutation{Op: mvcc.MutationPut, Key: mvcc.Key(fmt.Sprintf("zz%03d", i)), Value: []byte("x")})
	}
	return c
}
