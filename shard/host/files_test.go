package host

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/sqlite"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// eager flushes durably, and cuts, all the time.
func eager(c *Config) {
	c.Replica.CutBytes = 16 << 10
	c.Replica.CutEvery = c.Replica.FlushEvery
}

// S14: a reader pins SQLite's log, so that no checkpoint gets through. The Raft log is cut
// nevertheless, on the word of a durable flush alone, and everything is there after a crash.
func TestCutUnderAPinnedReader(t *testing.T) {
	w := newWorld(t, 1, func(c *Config) { eager(c); c.Replica.FlushRows = 10 })
	w.put(dataShard, "a", []byte("first"))
	w.flushed(1, dataShard)
	var store *sqlite.Store
	held := make(chan struct{})
	w.host(1).ask(func() { store = w.host(1).slots[dataShard].keeper.store; close(held) })
	<-held
	v, err := store.View()
	require.NoError(t, err)
	before := w.until(1, dataShard, "status", func(*routing.StatusResult) bool { return true })
	for i := range 60 {
		w.put(dataShard, mvcc.Key(fmt.Sprintf("k%02d", i%40)), value(fmt.Sprint(i, " "), 900))
	}
	st := w.until(1, dataShard, "a cut", func(st *routing.StatusResult) bool { return st.LogFirst > before.LogFirst+30 })
	require.LessOrEqual(t, st.LogFirst, st.Flushed+1, "the log is cut above what SQLite has")
	require.Positive(t, w.host(1).Metrics().Durable.Load())
	got, ok, err := v.Get("a", timestamp.Max)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "first", string(got.Value), "the pinned view changed")
	require.NoError(t, v.Close())
	w.restart(1)
	for i := 20; i < 60; i++ {
		require.Equal(t, value(fmt.Sprint(i, " "), 900), w.get(dataShard, mvcc.Key(fmt.Sprintf("k%02d", i%40))))
	}
}

// P23, S15, S20: a replica that was away while the log was cut is filled by a raft snapshot,
// copied beside writes; one that is only a little behind gets entries. All files agree at the
// end, long values too.
func TestRaftSnapshot(t *testing.T) {
	w := newWorld(t, 3, eager)
	write := func(from, to int) {
		for i := from; i < to; i++ {
			w.put(dataShard, mvcc.Key(fmt.Sprintf("k%03d", i%120)), value(fmt.Sprint(i, " "), 10+i%4*300))
		}
	}
	write(0, 20)
	w.isolate(3, true)
	write(20, 150)
	w.until(1, dataShard, "a cut", func(st *routing.StatusResult) bool { return st.LogFirst > 60 })
	w.until(2, dataShard, "a cut", func(st *routing.StatusResult) bool { return st.LogFirst > 60 })
	w.isolate(3, false)
	write(150, 300)
	st := w.until(1, dataShard, "status", func(*routing.StatusResult) bool { return true })
	w.until(3, dataShard, "node 3 caught up", func(s *routing.StatusResult) bool { return s.Applied >= st.Applied })
	require.Positive(t, w.host(3).Metrics().SnapsTaken.Load())
	require.Positive(t, w.host(3).Metrics().SnapIn.Load())
	received := w.host(3).Metrics().SnapTake.Read()
	require.Positive(t, received.Count)
	w.restart(3)
	write(300, 310)
	want := w.until(1, dataShard, "status", func(*routing.StatusResult) bool { return true }).Applied
	for id := routing.NodeID(1); id <= 3; id++ {
		w.until(id, dataShard, "caught up", func(s *routing.StatusResult) bool { return s.Applied >= want })
	}
	w.stopAll()
	first := rows(t, w.file(1, dataShard))
	require.Len(t, first, 120)
	require.Equal(t, first, rows(t, w.file(2, dataShard)))
	require.Equal(t, first, rows(t, w.file(3, dataShard)))
	left, err := filepath.Glob(filepath.Join(w.dirs[1], "shards", "*.*"))
	require.NoError(t, err)
	require.Empty(t, left, "copies were left behind")
}

func (w *world) file(node routing.NodeID, id routing.ShardID) string {
	return filepath.Join(w.dirs[node], "shards", fmt.Sprint(id), dbName)
}

// S15: a crash at each step of an install. Before the marker the old file is in use and the new
// one is gone; from the marker on it is the new one, and nothing of the old comes back through
// the write-ahead log that lay beside it.
func TestSwapFromEveryStep(t *testing.T) {
	steps := []struct {
		name string
		do   func(dir string) error
		want mvcc.Index // found after a crash right behind the step
	}{
		{"built", func(dir string) error { return nil }, 100},
		{"marked", func(dir string) error { return os.WriteFile(dir+suffixInstall, nil, 0o600) }, 500},
		{"old moved", func(dir string) error { return os.Rename(dir, dir+suffixOld) }, 500},
		{"new moved", func(dir string) error { return os.Rename(dir+suffixNew, dir) }, 500},
		{"marker removed", func(dir string) error { return os.Remove(dir + suffixInstall) }, 500},
		{"old half removed", func(dir string) error { return os.Remove(filepath.Join(dir+suffixOld, dbName)) }, 500},
	}
	for n := range steps {
		t.Run(steps[n].name, func(t *testing.T) {
			h := &Host{cfg: Config{Dir: t.TempDir(), Node: 1}}
			dir := h.shardDir(7)
			oldFile(t, dir)
			require.NoError(t, os.Mkdir(dir+suffixNew, 0o700))
			require.NoError(t, sqlite.Create(filepath.Join(dir+suffixNew, dbName), nil, nil, 500, 9))
			for _, s := range steps[:n+1] {
				require.NoError(t, s.do(dir))
			}
			require.NoError(t, os.Mkdir(dir+suffixCopy+"3", 0o700))
			require.NoError(t, os.Mkdir(dir+suffixRecv+"4", 0o700))
			for range 2 { // and again
				ids, err := h.finishSwaps()
				require.NoError(t, err)
				require.Equal(t, []routing.ShardID{7}, ids)
			}
			store, image, err := h.openStore(h.dbFile(7))
			require.NoError(t, err)
			require.Equal(t, steps[n].want, image.Index)
			require.NoError(t, store.Close())
			left, err := filepath.Glob(filepath.Join(h.shardsDir(), "*"))
			require.NoError(t, err)
			require.Equal(t, []string{dir}, left)
		})
	}
}

// oldFile is a killed process's file at index 100, most of it in the write-ahead log.
func oldFile(t *testing.T, dir string) {
	from := filepath.Join(t.TempDir(), "from")
	require.NoError(t, os.MkdirAll(from, 0o700))
	require.NoError(t, sqlite.Create(filepath.Join(from, dbName), nil, nil, 10, 5))
	s, err := sqlite.Open(filepath.Join(from, dbName), sqlite.Config{})
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, s.Flush(&mvcc.Batch{Index: 100, Term: 5, Versions: []mvcc.Version{
		{Key: "old", CommitTS: 2, StartTS: 1, Op: mvcc.OpPut, Value: []byte("row")}}}, false))
	copyDir(t, from, dir)
}

// S16: the right file of a split stands already and has moved on, when the left's log is
// replayed over the split once more: it is kept as it is.
func TestARightReplicaIsKept(t *testing.T) {
	w := newWorld(t, 1, nil)
	w.put(dataShard, "m/old", value("old ", 700))
	w.flushed(1, dataShard)
	right := routing.Descriptor{ID: 9, Span: mvcc.Span{Start: "m"}, Epoch: routing.Epoch{Bounds: 2, Members: 1},
		Replicas: []routing.Replica{{ID: 90, Node: 1, Role: routing.Voter}}}
	sp := &shard.Split{Right: right, Image: shard.Bootstrap(right), Campaign: true, Proposer: 90}
	again := func() {
		done := make(chan error, 1)
		w.host(1).ask(func() {
			k := w.host(1).slots[dataShard].keeper
			k.put(func() { done <- k.makeRight(sp) })
		})
		require.NoError(t, <-done)
	}
	again()
	require.Equal(t, value("old ", 700), w.get(9, "m/old"))
	w.put(9, "m/new", []byte("acknowledged"))
	again()
	require.Equal(t, "acknowledged", string(w.get(9, "m/new")))
	w.restart(1)
	again()
	require.Equal(t, "acknowledged", string(w.get(9, "m/new")))
}

// S12, S16, P16: a split over three nodes, with long values; both parts serve at once, on
// every node, and after a restart. What the left lost is deleted behind.
func TestSplitOverThreeNodes(t *testing.T) {
	w := newWorld(t, 3, nil)
	for i := range 300 {
		w.put(dataShard, mvcc.Key(fmt.Sprintf("k%03d", i)), value(fmt.Sprint(i, " "), 150+i%2*300))
	}
	res, err := w.call(dataShard, &routing.SplitArgs{Key: "k100", Right: 9, Replicas: []routing.ReplicaID{91, 92, 93}})
	require.NoError(t, err)
	require.Equal(t, mvcc.Key("k100"), res.(*routing.SplitResult).Left.Span.End)
	w.put(9, "k200", []byte("new"))
	w.put(dataShard, "k050", []byte("new"))
	for id := routing.NodeID(1); id <= 3; id++ {
		w.restart(id)
		require.Equal(t, "new", string(w.get(9, "k200")))
		require.Equal(t, value("299 ", 450), w.get(9, "k299"))
		require.Equal(t, "new", string(w.get(dataShard, "k050")))
	}
	for _, s := range []routing.ShardID{dataShard, 9} {
		want := w.until(1, s, "status", func(*routing.StatusResult) bool { return true }).Applied
		for id := routing.NodeID(1); id <= 3; id++ {
			w.until(id, s, "caught up", func(st *routing.StatusResult) bool { return st.Applied >= want })
			w.trimmed(id, s)
		}
	}
	w.stopAll()
	for id := routing.NodeID(1); id <= 3; id++ {
		require.Len(t, rows(t, w.file(id, dataShard)), 100)
		require.Len(t, rows(t, w.file(id, 9)), 200)
	}
}

// trimmed waits until the keeper has nothing to do.
func (w *world) trimmed(node routing.NodeID, id routing.ShardID) {
	h := w.host(node)
	for {
		idle := make(chan bool, 1)
		h.ask(func() {
			k := h.slots[id].keeper
			done := make(chan struct{})
			k.put(func() { close(done) })
			go func() {
				<-done
				k.mu.Lock()
				idle <- len(k.queue) == 0
				k.mu.Unlock()
			}()
		})
		if <-idle {
			return
		}
	}
}

// A second raft snapshot's file may arrive before the first one's message has passed Raft:
// whichever Raft then wants is there, and the other goes.
func TestReceivedFiles(t *testing.T) {
	dir := t.TempDir()
	var r receivedFiles
	arrive := func(index uint64) {
		f := received{receivedName{7, index, 3}, filepath.Join(dir, fmt.Sprint("recv-", index))}
		require.NoError(t, os.Mkdir(f.dir, 0o700))
		r.add(f)
	}
	arrive(100)
	arrive(90)
	r.add(received{receivedName{8, 100, 3}, filepath.Join(dir, "another shard's")})
	meta := func(index uint64) *raftpb.SnapshotMetadata {
		return &raftpb.SnapshotMetadata{Index: proto.Uint64(index), Term: proto.Uint64(3)}
	}
	got, ok := r.take(7, meta(100))
	require.True(t, ok)
	require.Equal(t, filepath.Join(dir, "recv-100"), got)
	require.DirExists(t, got)
	require.NoDirExists(t, filepath.Join(dir, "recv-90"))
	_, ok = r.take(7, meta(90))
	require.False(t, ok)
	require.Len(t, r, 1)
	for index := uint64(200); index < 210; index++ {
		arrive(index)
	}
	left, err := filepath.Glob(filepath.Join(dir, "recv-2*"))
	require.NoError(t, err)
	require.Len(t, left, receivedMax)
}

// P25: while reads and writes go on, SQLite's log begins anew: no reader's view outlives the
// next flush, and checkpoints follow the flushes.
func TestSQLitesLogStaysSmall(t *testing.T) {
	const walMax = 4 << 20
	w := newWorld(t, 1, func(c *Config) { c.RaftLog.SegmentSize, c.WALMax = 8<<20, walMax })
	wal := w.file(1, dataShard) + "-wal"
	largest := int64(0)
	for i := range 100 {
		args := putArgs(w.clock.next(), mvcc.Key(fmt.Sprintf("k%03d/00", i)), nil)
		args.Mutations = nil
		for j := range 16 {
			args.Mutations = append(args.Mutations, mvcc.Mutation{Op: mvcc.MutationPut,
				Key: mvcc.Key(fmt.Sprintf("k%03d/%02d", i, j)), Value: value(fmt.Sprint(i, " "), 16<<10)})
		}
		_, err := w.call(dataShard, args)
		require.NoError(t, err)
		_, err = w.call(dataShard, &mvcc.ScanArgs{ReadTS: w.clock.next(), Limit: 20, Span: mvcc.Span{Start: mvcc.FirstUserKey}})
		require.NoError(t, err)
		st, err := os.Stat(wal)
		require.NoError(t, err)
		largest = max(largest, st.Size())
	}
	t.Logf("25 MiB written, the log's file grew to %d KiB", largest>>10)
	require.Positive(t, w.host(1).Metrics().Checkpoints.Load())
	require.Positive(t, w.host(1).Metrics().Views.Load())
	require.Less(t, largest, int64(3*walMax))
}
