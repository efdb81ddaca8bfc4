package isolation

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/proto/shale/v1/shalev1connect"
	"github.com/shaledb/shale/rpc/client"
	"github.com/shaledb/shale/rpc/node"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/txn"
)

// processes is how many coordinators there are, each with its own view of the cluster.
const processes = 3

// stepTimeout bounds whatever a test waits for. Nothing should come near it, also where four
// such tests share one processor.
const stepTimeout = time.Minute

// lockTTL is longer than by default. On a machine that is busy, and under the race detector,
// heartbeats come late; that somebody is taken for dead is no scenario here.
const lockTTL = time.Minute

// world is a cluster of three nodes, and the processes that are its clients.
type world struct {
	nodes     []*node.Node
	clients   [processes]process
	operators []shalev1connect.ClusterServiceClient // at each node
	lanes     []*lane

	mu sync.Mutex // one change of the shard map at a time
}

// process is a client.
type process struct {
	db      *txn.DB
	cluster *client.Cluster
	faults  *faulty
}

// newWorld starts the cluster and its clients.
func newWorld(t *testing.T) *world {
	w := new(world)
	var listeners []net.Listener
	var addresses []string
	for range 3 {
		lis, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		listeners, addresses = append(listeners, lis), append(addresses, lis.Addr().String())
	}
	dir, log := t.TempDir(), slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	t.Cleanup(func() { w.stop(t) })
	for i, lis := range listeners {
		n, err := node.Start(node.Config{Dir: filepath.Join(dir, fmt.Sprint("node", i+1)), Listener: lis, Join: addresses,
			Insecure: true, Log: log.With("node", i+1)})
		require.NoError(t, err)
		w.nodes = append(w.nodes, n)
		w.operators = append(w.operators, shalev1connect.NewClusterServiceClient(http.DefaultClient, "http://"+addresses[i]))
	}
	ctx, cancel := context.WithTimeout(t.Context(), stepTimeout)
	defer cancel()
	_, err := w.nodes[0].Init(ctx, &nodev1.InitRequest{})
	require.NoError(t, err)
	for _, n := range w.nodes {
		<-n.Joined()
	}
	for i := range w.clients {
		w.clients[i] = newProcess(t, ctx, addresses)
	}
	w.lanes = w.newLanes(t)
	return w
}

func newProcess(t *testing.T, ctx context.Context, hosts []string) process {
	cluster, err := client.Dial(ctx, hosts, client.Config{CallTimeout: stepTimeout, DialTimeout: stepTimeout,
		PingEvery: stepTimeout / 4, PingTimeout: stepTimeout})
	require.NoError(t, err)
	p := process{cluster: cluster, faults: &faulty{Sender: cluster}}
	tasks := txn.NewGoroutines()
	p.db = txn.New(txn.NewCoordinator(txn.Windows{Sender: p.faults, Timestamps: cluster,
		Shards: txn.NewShardCache(cluster.Lookup), Tasks: tasks},
		txn.Config{LockTTL: lockTTL, Patience: 5 * stepTimeout}))
	t.Cleanup(func() {
		tasks.Close()
		cluster.Close()
	})
	return p
}

func (w *world) stop(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
	defer cancel()
	var stopping sync.WaitGroup
	for _, n := range w.nodes {
		stopping.Go(func() {
			if err := n.Stop(ctx); err != nil {
				t.Errorf("stop: %v", err)
			}
		})
	}
	stopping.Wait()
}

// db is the i-th process's, counted round.
func (w *world) db(i int) *txn.DB { return w.clients[i%processes].db }

// split begins a shard at a key. A shard that has just begun may not be there everywhere yet.
func (w *world) split(ctx context.Context, k mvcc.Key) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		_, err := w.operators[0].SplitShard(ctx, &shalev1.SplitShardRequest{Key: []byte(k)})
		if connect.CodeOf(err) != connect.CodeUnavailable || ctx.Err() != nil {
			return err
		}
	}
}

// move makes another node leader of the key's shard, and says which.
func (w *world) move(ctx context.Context, k mvcc.Key) (routing.NodeID, error) {
	d, err := w.shard(ctx, k)
	if err != nil {
		return 0, err
	}
	leader, err := w.leader(ctx, d)
	if err != nil {
		return 0, err
	}
	at := slices.IndexFunc(d.Replicas, func(r routing.Replica) bool { return r.Node == leader.Node })
	to := d.Replicas[(at+1)%len(d.Replicas)].Node
	for ctx.Err() == nil {
		_, err = w.operators[0].TransferLeader(ctx, &shalev1.TransferLeaderRequest{ShardId: uint64(d.ID), ToNode: uint64(to)})
		if leader, e := w.leader(ctx, d); e == nil && leader.Node == to {
			return to, nil
		}
	}
	return 0, fmt.Errorf("shard %d is not led by node %d: %w", d.ID, to, err)
}

// moveUnder moves the leaders of the keys' shards under what goes on there, where the lane's
// placement says so. Others are still running: a failure does not end the test at once.
func (l *lane) moveUnder(t *testing.T, ctx context.Context, names ...string) {
	if l.place != moved {
		return
	}
	for _, name := range names {
		if _, err := l.w.move(ctx, l.key(name)); err != nil {
			t.Errorf("move the leader of %s: %v", name, err)
		}
	}
}

// shard is the one that holds the key.
func (w *world) shard(ctx context.Context, k mvcc.Key) (routing.Descriptor, error) {
	ds, err := w.clients[0].cluster.Lookup(ctx, k)
	if err != nil {
		return routing.Descriptor{}, err
	}
	return ds[0], nil
}

// leader is the word of the replica that leads the shard, about itself.
func (w *world) leader(ctx context.Context, d routing.Descriptor) (*routing.StatusResult, error) {
	var calls []*routing.Call
	for _, r := range d.Replicas {
		to := routing.Descriptor{ID: d.ID, Replicas: []routing.Replica{{Node: r.Node}}}
		calls = append(calls, &routing.Call{To: to, Req: &routing.StatusArgs{}, Timeout: stepTimeout / 4})
	}
	for ctx.Err() == nil {
		w.clients[0].cluster.Send(ctx, calls, nil)
		var leader *routing.StatusResult
		for _, call := range calls {
			if st, ok := call.Res.(*routing.StatusResult); ok && st.Leading && (leader == nil || st.Term > leader.Term) {
				leader = st
			}
		}
		if leader != nil {
			return leader, nil
		}
	}
	return nil, fmt.Errorf("shard %d has no leader: %w", d.ID, ctx.Err())
}

// placement is where a scenario's rows lie.
type placement int

const (
	one placement = iota
	two
	moved
	placements
)

func (p placement) String() string { return [...]string{"one", "two", "moved"}[p] }

// edge is the name at which the second shard begins, where there are two.
const edge = "y"

// lane is the shards of one mode and one placement.
type lane struct {
	w      *world
	mode   mode
	place  placement
	prefix string // of all its keys
	suffix string // of those of one test
}

// newLanes makes the nine.
func (w *world) newLanes(t *testing.T) []*lane {
	ctx, cancel := context.WithTimeout(t.Context(), 3*stepTimeout)
	defer cancel()
	var out []*lane
	for m := range modes {
		for p := range placements {
			l := &lane{w: w, mode: m, place: p, prefix: fmt.Sprintf("%s/%s/", m, p)}
			require.NoError(t, w.split(ctx, mvcc.Key(l.prefix)))
			l.divide(t, ctx)
			out = append(out, l)
		}
	}
	return out
}

// divide makes two shards of the lane where its placement has two.
func (l *lane) divide(t *testing.T, ctx context.Context) {
	if l.place != one {
		require.NoError(t, l.w.split(ctx, l.key(edge)))
	}
}

// beside is a lane for a test that splits shards: behind the keys of this one, and divided
// anew. What is split there changes nothing here.
func (l *lane) beside(t *testing.T, test string) *lane {
	ctx, cancel := context.WithTimeout(t.Context(), stepTimeout)
	defer cancel()
	own := *l
	own.prefix = strings.TrimSuffix(l.prefix, "/") + "~" + test + "/"
	own.divide(t, ctx)
	return &own
}

// onEach runs a test in all lanes, side by side, with keys of its own.
func (w *world) onEach(t *testing.T, name string, run func(*testing.T, *lane)) {
	for _, l := range w.lanes {
		t.Run(l.String(), func(t *testing.T) {
			t.Parallel()
			run(t, l.of(name))
		})
	}
}

// of is the lane with the keys of one test.
func (l *lane) of(test string) *lane {
	own := *l
	own.suffix = "-" + test
	return &own
}

func (l *lane) String() string { return fmt.Sprintf("%s/%s", l.mode, l.place) }

// options are those with which the lane's transactions begin.
func (l *lane) options() []txn.TxnOption {
	switch l.mode {
	case pessimistic:
		return []txn.TxnOption{txn.Pessimistic()}
	case serializable:
		return []txn.TxnOption{txn.Serializable()}
	}
	return nil
}

func (l *lane) key(name string) mvcc.Key { return mvcc.Key(l.prefix + name + l.suffix) }

// name is the key's within its lane.
func (l *lane) name(k mvcc.Key) string { return string(k)[len(l.prefix):] }

// span is the lane's keys from one name to another; empty: all of them.
func (l *lane) span(start, end string) mvcc.Span {
	if end == "" {
		end = "\xff"
	}
	return mvcc.Span{Start: l.key(start), End: l.key(end)}
}

// waiting is how many requests the leaders of the lane have not answered.
func (l *lane) waiting(ctx context.Context, names []string) (int, error) {
	n, seen := 0, map[routing.ShardID]bool{}
	for _, name := range names {
		d, err := l.w.shard(ctx, l.key(name))
		if err != nil {
			return 0, err
		}
		if seen[d.ID] {
			continue
		}
		seen[d.ID] = true
		leader, err := l.w.leader(ctx, d)
		if err != nil {
			return 0, err
		}
		n += leader.Waiting
	}
	return n, nil
}
