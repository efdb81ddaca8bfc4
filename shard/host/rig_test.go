package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/sqlite"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/raftlog"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// dataShard is the shard that the tests write to.
const dataShard routing.ShardID = 2

// clock hands out timestamps of the real time: they grow over restarts and processes.
type clock struct{ last atomic.Uint64 }

func (c *clock) next() timestamp.Timestamp {
	for {
		last := c.last.Load()
		ts := max(uint64(time.Now().UnixMilli())<<18, last+1)
		if c.last.CompareAndSwap(last, ts) {
			return timestamp.Timestamp(ts)
		}
	}
}

// world is some hosts with real files, joined by calls in place of a network.
type world struct {
	t     testing.TB
	tune  func(*Config)
	dirs  map[routing.NodeID]string
	stir  chan struct{} // something changed
	waits chan mvcc.Wait
	clock clock

	mu    sync.Mutex
	hosts map[routing.NodeID]*Host
	cut   map[routing.NodeID]bool // nothing goes in or out
	fatal error
}

// newWorld makes hosts 1 to n, each with a replica of the data shard.
func newWorld(t testing.TB, n int, tune func(*Config)) *world {
	w := &world{t: t, tune: tune, dirs: map[routing.NodeID]string{}, stir: make(chan struct{}, 1), waits: make(chan mvcc.Wait, 64),
		hosts: map[routing.NodeID]*Host{}, cut: map[routing.NodeID]bool{}}
	d := routing.Descriptor{ID: dataShard, Span: mvcc.Span{Start: mvcc.FirstUserKey}, Epoch: routing.Epoch{Bounds: 1, Members: 1}}
	for id := range n {
		d.Replicas = append(d.Replicas, routing.Replica{ID: routing.ReplicaID(id + 1), Node: routing.NodeID(id + 1), Role: routing.Voter})
	}
	for id := routing.NodeID(1); id <= routing.NodeID(n); id++ {
		w.dirs[id] = t.TempDir()
		h := w.open(id)
		require.NoError(t, h.Create(d, nil))
		w.start(id, h)
	}
	t.Cleanup(w.stopAll)
	return w
}

func testConfig(dir string, id routing.NodeID, tune func(*Config)) Config {
	cfg := Config{Dir: dir, Node: id,
		Replica: shard.Config{Tick: 10 * time.Millisecond, ElectionTicks: 10, FlushEvery: 10 * time.Millisecond},
		RaftLog: raftlog.Config{SegmentSize: 256 << 10, Buffered: true}}
	if tune != nil {
		tune(&cfg)
	}
	return cfg
}

func (w *world) open(id routing.NodeID) *Host {
	cfg := testConfig(w.dirs[id], id, w.tune)
	cfg.Log = slog.New(slog.NewTextHandler(w.t.Output(), nil)).With("node", id)
	h, err := Open(cfg)
	require.NoError(w.t, err)
	return h
}

func (w *world) start(id routing.NodeID, h *Host) {
	w.mu.Lock()
	w.hosts[id] = h
	w.mu.Unlock()
	h.Start(Ports{Transport: port{w, id}, Resolve: func([]mvcc.Lock) {},
		Waits:      w.waiting,
		Timestamps: func(context.Context) (timestamp.Timestamp, error) { return w.clock.next(), nil },
		Changed:    func(routing.ShardID) { w.stirred() },
		Fatal:      func(err error) { w.mu.Lock(); w.fatal = err; w.mu.Unlock(); w.stirred() }})
}

// waiting keeps what the host tells of waits, as far as somebody looks.
func (w *world) waiting(waits []mvcc.Wait) {
	for _, wait := range waits {
		select {
		case w.waits <- wait:
		default:
		}
	}
}

func (w *world) stirred() {
	select {
	case w.stir <- struct{}{}:
	default:
	}
}

// restart stops a host in order and starts it again on its directory.
func (w *world) restart(id routing.NodeID) {
	w.stop(id)
	w.start(id, w.open(id))
}

func (w *world) stop(id routing.NodeID) {
	w.mu.Lock()
	h := w.hosts[id]
	delete(w.hosts, id)
	w.mu.Unlock()
	if h != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		require.NoError(w.t, h.Stop(ctx))
	}
}

func (w *world) stopAll() {
	for id := range w.dirs {
		w.stop(id)
	}
}

func (w *world) host(id routing.NodeID) *Host {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut[id] {
		return nil
	}
	return w.hosts[id]
}

func (w *world) isolate(id routing.NodeID, alone bool) {
	w.mu.Lock()
	w.cut[id] = alone
	w.mu.Unlock()
}

// port is a node's way to the others.
type port struct {
	w    *world
	from routing.NodeID
}

func (p port) Send(to routing.NodeID, group routing.ShardID, msgs []*raftpb.Message) {
	h := p.w.host(to)
	if h == nil || p.w.host(p.from) == nil {
		return
	}
	copies := make([]*raftpb.Message, len(msgs))
	for i, m := range msgs {
		copies[i] = proto.CloneOf(m)
	}
	h.Deliver(p.from, group, routing.ReplicaID(msgs[0].GetTo()), copies)
}

func (p port) SendSnapshot(_ context.Context, to routing.NodeID, hd SnapshotHeader, r io.ReaderAt) error {
	h := p.w.host(to)
	if h == nil || p.w.host(p.from) == nil {
		return errors.New("not reachable")
	}
	return h.Receive(hd, func(out io.Writer) error {
		_, err := io.Copy(out, io.NewSectionReader(r, 0, hd.Size))
		return err
	})
}

// call asks a shard's replicas in turn until one answers, or refuses for good.
func (w *world) call(id routing.ShardID, req routing.Request) (routing.Response, error) {
	patience := time.After(time.Minute)
	at := routing.NodeID(1)
	for {
		res, err := w.ask(at, id, req)
		var unavailable *routing.UnavailableError
		var elsewhere *routing.NotLeaderError
		var unknown *routing.UnknownShardError
		switch {
		case err == nil:
			return res, nil
		case errors.As(err, &elsewhere) && elsewhere.Leader != 0:
			at = elsewhere.Leader
		case errors.As(err, &elsewhere), errors.As(err, &unavailable), errors.As(err, &unknown):
			at = at%routing.NodeID(len(w.dirs)) + 1
		default:
			return nil, err
		}
		select {
		case <-patience:
			return nil, err
		case <-w.stir:
		case <-time.After(5 * time.Millisecond): // not everything that helps is reported
		}
	}
}

func (w *world) ask(node routing.NodeID, id routing.ShardID, req routing.Request) (routing.Response, error) {
	h := w.host(node)
	if h == nil {
		return nil, &routing.UnavailableError{Why: "no such host"}
	}
	type answer struct {
		res routing.Response
		err error
	}
	got := make(chan answer, 1)
	h.Submit(routing.Header{Shard: id, Timeout: time.Second}, req,
		func(res routing.Response, err error) { got <- answer{res, err} })
	a := <-got
	return a.res, a.err
}

func putArgs(ts timestamp.Timestamp, k mvcc.Key, value []byte) *mvcc.PrewriteArgs {
	return &mvcc.PrewriteArgs{Start: ts, Primary: k, OnePhase: true, Autocommit: true, Expires: ts.Add(5 * time.Second),
		Mutations: []mvcc.Mutation{{Op: mvcc.MutationPut, Key: k, Value: value}}}
}

func (w *world) put(id routing.ShardID, k mvcc.Key, value []byte) {
	w.t.Helper()
	_, err := w.call(id, putArgs(w.clock.next(), k, value))
	require.NoError(w.t, err)
}

func (w *world) get(id routing.ShardID, k mvcc.Key) []byte {
	w.t.Helper()
	res, err := w.call(id, &mvcc.GetArgs{Keys: []mvcc.Key{k}})
	require.NoError(w.t, err)
	return res.(*mvcc.GetResult).Versions[0].Value
}

// until waits for what a host's replica says of itself.
func (w *world) until(node routing.NodeID, id routing.ShardID, what string, ok func(*routing.StatusResult) bool) *routing.StatusResult {
	w.t.Helper()
	patience := time.After(time.Minute)
	for {
		var last *routing.StatusResult
		if res, err := w.ask(node, id, &routing.StatusArgs{}); err == nil {
			last = res.(*routing.StatusResult)
			if ok(last) {
				return last
			}
		}
		select {
		case <-patience:
			require.Failf(w.t, "it never came", "%s: %+v", what, last)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// flushed waits until the file has everything that is applied.
func (w *world) flushed(node routing.NodeID, id routing.ShardID) {
	w.until(node, id, "all flushed", func(st *routing.StatusResult) bool { return st.OverlayRows == 0 })
}

// value is one of n bytes that tells which it is.
func value(name string, n int) []byte {
	v := make([]byte, n)
	for i := range v {
		v[i] = name[i%len(name)]
	}
	return v
}

// copyDir copies a directory as it stands, but for the names left out.
func copyDir(t testing.TB, from, to string) {
	require.NoError(t, os.CopyFS(to, os.DirFS(from)))
}

// image copies a node's directory as kill -9 would leave it: the files before the log, so
// that the log has at least what they have. The caller has seen to it that no log is cut and
// no file is folded meanwhile.
func (w *world) image(id routing.NodeID) string {
	dir := filepath.Join(w.t.TempDir(), "image")
	copyDir(w.t, filepath.Join(w.dirs[id], "shards"), filepath.Join(dir, "shards"))
	copyDir(w.t, filepath.Join(w.dirs[id], "log"), filepath.Join(dir, "log"))
	return dir
}

// rows is every version in a shard's file, the host stopped.
func rows(t testing.TB, path string) map[string]string {
	s, err := sqlite.Open(path, sqlite.Config{})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	v, err := s.View()
	require.NoError(t, err)
	defer func() { require.NoError(t, v.Close()) }()
	got := map[string]string{}
	for version, err := range v.Scan(mvcc.Span{}, timestamp.Max, false, false) {
		require.NoError(t, err)
		got[string(version.Key)] = fmt.Sprint(version.CommitTS, string(version.Value))
	}
	return got
}
