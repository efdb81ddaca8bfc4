package host

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// busy makes everything happen often: flushes, durable ones, cuts, new segments, checkpoints.
func busy(c *Config) {
	c.Replica.FlushEvery, c.Replica.FlushRows = 2*time.Millisecond, 20
	c.Replica.CutEvery, c.Replica.CutBytes = 15*time.Millisecond, 32<<10
	c.RaftLog.SegmentSize = 64 << 10
}

// ack is one acknowledged write.
type ack struct {
	Shard routing.ShardID
	Key   string
	Name  string
	Size  int
}

// written is what a key must have.
type written struct {
	shard routing.ShardID
	value string
}

// victim is the child process: it writes, splits now and then, and says what was
// acknowledged, until it is killed.
func victim(t *testing.T, dir string) {
	round, first := os.Getenv("SHALE_TEST_ROUND"), os.Getenv("SHALE_TEST_ROUND") == "0"
	w := &world{t: t, tune: busy, dirs: map[routing.NodeID]string{1: dir}, stir: make(chan struct{}, 1),
		hosts: map[routing.NodeID]*Host{}, cut: map[routing.NodeID]bool{}}
	h := w.open(1)
	if first {
		require.NoError(t, h.Create(routing.Descriptor{ID: dataShard, Span: mvcc.Span{Start: mvcc.FirstUserKey},
			Epoch: routing.Epoch{Bounds: 1, Members: 1}, Replicas: []routing.Replica{{ID: 1, Node: 1, Role: routing.Voter}}}, nil))
	}
	w.start(1, h)
	out := json.NewEncoder(os.Stdout)
	next := routing.ShardID(100)
	for _, id := range h.Shards() {
		next = max(next, id+1)
	}
	for i := 0; ; i++ {
		a := ack{Shard: dataShard, Key: fmt.Sprintf("k%04d", (i*7919)%500), Name: fmt.Sprintf("%s-%d ", round, i), Size: 20 + i%5*200}
		if i%40 == 39 { // the right end goes to a shard of its own, and is not written to again
			_, err := w.call(dataShard, &routing.SplitArgs{Key: mvcc.Key(fmt.Sprintf("z%09d", 1_000_000-int(next))),
				Right: next, Replicas: []routing.ReplicaID{1}})
			require.NoError(t, err)
			a.Shard, a.Key = next, fmt.Sprintf("z%09d/right", 1_000_000-int(next))
			next++
		}
		w.put(a.Shard, mvcc.Key(a.Key), value(a.Name, a.Size))
		require.NoError(t, out.Encode(a))
	}
}

// TestKill kills a process at any moment, again and again, on the same directory: whatever it
// had acknowledged is there afterwards, in every shard that it had split off. (S16, S18, P23)
func TestKill(t *testing.T) {
	if dir := os.Getenv("SHALE_TEST_VICTIM"); dir != "" {
		victim(t, dir)
		return
	}
	rounds := 6
	if testing.Short() {
		rounds = 3
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	dir := t.TempDir()
	acked := map[string]written{}
	for round := range rounds {
		n := kill(t, dir, round, 1+rng.IntN(250), acked)
		w := &world{t: t, dirs: map[routing.NodeID]string{1: dir}, stir: make(chan struct{}, 1),
			hosts: map[routing.NodeID]*Host{}, cut: map[routing.NodeID]bool{}}
		begin := time.Now()
		h := w.open(1)
		opened := time.Since(begin)
		w.start(1, h)
		for k, a := range acked {
			got := string(w.get(a.shard, mvcc.Key(k)))
			underWay := strings.HasPrefix(got, fmt.Sprintf("%d-", round)) // not acknowledged, but there
			require.True(t, got == a.value || underWay, "round %d: %s is %.20q, acknowledged was %.20q", round, k, got, a.value)
			acked[k] = written{a.shard, got}
		}
		t.Logf("round %d: killed after %d writes; %d keys in %d shards; opened in %s", round, n, len(acked), len(h.Shards()), opened)
		w.stop(1)
	}
}

// kill runs the child and kills it after some acknowledgements.
func kill(t *testing.T, dir string, round, after int, acked map[string]written) int {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKill$", "-test.count=1")
	child.Env = append(os.Environ(), "SHALE_TEST_VICTIM="+dir, fmt.Sprint("SHALE_TEST_ROUND=", round))
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	lines := bufio.NewScanner(out)
	n := 0
	for lines.Scan() {
		var a ack
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			if n > after {
				break // killed within a line
			}
			require.NoError(t, err, lines.Text())
		}
		acked[a.Key] = written{a.Shard, string(value(a.Name, a.Size))}
		if n++; n == after {
			require.NoError(t, child.Process.Kill())
		}
	}
	require.GreaterOrEqual(t, n, after, "the child ended by itself")
	require.Error(t, child.Wait())
	return n
}

// steady never folds SQLite's log and never cuts Raft's.
func steady(c *Config) {
	c.Replica.CutEvery, c.Replica.CutBytes = time.Hour, 1<<30
}

// S18: power fails, and of what SQLite wrote without a sync any prefix is left, or nothing. The
// log has it still, and is replayed from where the file is found to stand.
func TestTheUnsyncedTailIsReplayed(t *testing.T) {
	w := newWorld(t, 1, steady)
	want := map[string]string{}
	for i := range 60 {
		k := fmt.Sprintf("k%02d", i%40)
		want[k] = string(value(fmt.Sprint(k, i), 30+i%3*400))
		w.put(dataShard, mvcc.Key(k), []byte(want[k]))
		if i%10 == 9 {
			w.flushed(1, dataShard)
		}
	}
	w.flushed(1, dataShard)
	image := w.image(1)
	wal := filepath.Join(image, "shards", "2", dbName+"-wal")
	st, err := os.Stat(wal)
	require.NoError(t, err)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	for _, left := range []int64{st.Size(), 0, rng.Int64N(st.Size()), rng.Int64N(st.Size()), rng.Int64N(st.Size())} {
		dir := filepath.Join(t.TempDir(), "node")
		copyDir(t, image, dir)
		require.NoError(t, os.Truncate(filepath.Join(dir, "shards", "2", dbName+"-wal"), left))
		again := &world{t: t, tune: steady, dirs: map[routing.NodeID]string{1: dir}, stir: make(chan struct{}, 1),
			hosts: map[routing.NodeID]*Host{}, cut: map[routing.NodeID]bool{}}
		again.start(1, again.open(1))
		for k, v := range want {
			require.Equal(t, v, string(again.get(dataShard, mvcc.Key(k))), "%d of %d bytes left, key %s", left, st.Size(), k)
		}
		again.stop(1)
	}
}
