package host

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/sqlite"
	"github.com/shaledb/shale/shard/raftlog"
	"github.com/shaledb/shale/shard/routing"
)

// stopped is a node's directory with 1,000 rows, after an orderly stop, and its log as it was
// when half of them were written.
func stopped(t *testing.T) (dir, olderLog string) {
	w := newWorld(t, 1, steady)
	olderLog = filepath.Join(t.TempDir(), "log")
	for i := 0; i < stoppedRows; i += 10 {
		if i == stoppedRows/2 {
			w.stop(1)
			copyDir(t, filepath.Join(w.dirs[1], "log"), olderLog)
			w.start(1, w.open(1))
		}
		args := putArgs(w.clock.next(), stoppedKey(i), nil)
		args.Mutations = nil
		for j := i; j < i+10; j++ {
			args.Mutations = append(args.Mutations, mvcc.Mutation{Op: mvcc.MutationPut, Key: stoppedKey(j), Value: stoppedValue(j)})
		}
		_, err := w.call(dataShard, args)
		require.NoError(t, err)
	}
	w.stop(1)
	return w.dirs[1], olderLog
}

const stoppedRows = 1000

func stoppedKey(i int) mvcc.Key { return mvcc.Key(fmt.Sprintf("k%03d", i)) }
func stoppedValue(i int) []byte { return value(fmt.Sprint(i, " "), 300) }

// S17: a node that lost its log, or has an older one, or one whose records are damaged, or
// another's, does not start, and says which file it is and what to do.
func TestALostLogRefuses(t *testing.T) {
	dir, older := stopped(t)
	segment := filepath.Join("log", "0000000000000001.log")
	cases := map[string]struct {
		harm func(dir string) error
		says []string
	}{
		"no folder": {func(dir string) error { return os.RemoveAll(filepath.Join(dir, "log")) }, []string{"log", "lost"}},
		"no files":  {func(dir string) error { return os.RemoveAll(filepath.Join(dir, segment)) }, []string{"log", "lost"}},
		"older": {func(dir string) error {
			if err := os.RemoveAll(filepath.Join(dir, "log")); err != nil {
				return err
			}
			return os.CopyFS(filepath.Join(dir, "log"), os.DirFS(older))
		}, []string{"log", "ends at index", "shard 2", "new one with an empty directory"}},
		"new and empty": {func(dir string) error {
			if err := os.RemoveAll(filepath.Join(dir, "log")); err != nil {
				return err
			}
			l, _, err := raftlog.Open(filepath.Join(dir, "log"), raftlog.Config{Create: true, SegmentSize: 256 << 10, Buffered: true})
			if err != nil {
				return err
			}
			return l.Close()
		}, []string{"log", "knows nothing", "shard 2", "new one with an empty directory"}},
		"truncated": {func(dir string) error { return os.Truncate(filepath.Join(dir, segment), 10_000) }, []string{segment, "lost"}},
		"flipped":   {func(dir string) error { return flipBit(filepath.Join(dir, segment), 5*4096+200) }, []string{segment, "offset", "lost"}},
		"foreign":   {func(dir string) error { return os.WriteFile(filepath.Join(dir, segment), []byte("hello"), 0o600) }, []string{segment}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			copied := filepath.Join(t.TempDir(), "node")
			copyDir(t, dir, copied)
			require.NoError(t, c.harm(copied))
			_, err := Open(testConfig(copied, 1, nil))
			require.Error(t, err)
			t.Log(err)
			for _, s := range c.says {
				require.ErrorContains(t, err, s)
			}
		})
	}
}

func flipBit(path string, at int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, at); err != nil {
		return err
	}
	b[0] ^= 4
	_, err = f.WriteAt(b, at)
	return err
}

// P27: a shard's file that is bad stops that replica alone, with a message that names the file,
// the place and the remedy; the node runs. The remedy works: another node's copy of the folder.
func TestABadFileStopsItsReplicaAlone(t *testing.T) {
	dir, _ := stopped(t)
	file := filepath.Join("shards", "2", dbName)
	cases := map[string]struct {
		harm func(path string) error
		says []string
	}{
		"truncated":   {func(p string) error { return os.Truncate(p, 20_000) }, []string{"offset 20000"}},
		"flipped":     {func(p string) error { return flipBit(p, 100) }, []string{"checksum", "offset 0"}},
		"empty":       {func(p string) error { return os.Truncate(p, 0) }, []string{"ends in its header"}},
		"foreign":     {func(p string) error { return os.WriteFile(p, value("not a database ", 9000), 0o600) }, []string{"not a SQLite file"}},
		"gone":        {os.Remove, []string{"no such file"}},
		"folder gone": {func(p string) error { return os.RemoveAll(filepath.Dir(p)) }, []string{"is gone"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			copied := filepath.Join(t.TempDir(), "node")
			copyDir(t, dir, copied)
			require.NoError(t, c.harm(filepath.Join(copied, file)))
			w := worldOn(t, copied)
			st := w.until(1, dataShard, "status", func(*routing.StatusResult) bool { return true })
			t.Log(st.Quarantine)
			for _, s := range append(c.says, filepath.Join(copied, "shards", "2"), "copy") {
				require.Contains(t, st.Quarantine, s)
			}
			_, err := w.ask(1, dataShard, &mvcc.GetArgs{Keys: []mvcc.Key{"k001"}})
			var unavailable *routing.UnavailableError
			require.ErrorAs(t, err, &unavailable)
			w.stop(1)
			require.NoError(t, os.RemoveAll(filepath.Join(copied, "shards", "2")))
			copyDir(t, filepath.Join(dir, "shards", "2"), filepath.Join(copied, "shards", "2"))
			w.start(1, w.open(1))
			require.Equal(t, stoppedValue(1), w.get(dataShard, "k001"))
			w.stop(1)
		})
	}
}

// worldOn is one host on a directory that stands.
func worldOn(t *testing.T, dir string) *world {
	w := &world{t: t, dirs: map[routing.NodeID]string{1: dir}, stir: make(chan struct{}, 1),
		hosts: map[routing.NodeID]*Host{}, cut: map[routing.NodeID]bool{}}
	w.start(1, w.open(1))
	t.Cleanup(w.stopAll)
	return w
}

// P27, while it runs: a page rots after the start. Whoever reads it hears that the replica
// cannot answer, and the replica serves nothing any more.
func TestAPageRotsWhileItRuns(t *testing.T) {
	dir, _ := stopped(t)
	w := worldOn(t, dir)
	path := filepath.Join(dir, "shards", "2", dbName)
	st, err := os.Stat(path)
	require.NoError(t, err)
	w.put(dataShard, "other", []byte("x")) // it leads, and serves
	w.flushed(1, dataShard)
	w.trimmed(1, dataShard)
	for at := int64(8192 + 4000); at < st.Size(); at += 8192 { // every page but the first
		require.NoError(t, flipBit(path, at))
	}
	for i := range stoppedRows {
		res, err := w.ask(1, dataShard, &mvcc.GetArgs{Keys: []mvcc.Key{stoppedKey(i)}})
		if err == nil {
			require.Equal(t, stoppedValue(i), res.(*mvcc.GetResult).Versions[0].Value)
		}
	}
	bad := w.until(1, dataShard, "quarantine", func(st *routing.StatusResult) bool { return st.Quarantine != "" })
	require.Contains(t, bad.Quarantine, path)
	require.Contains(t, bad.Quarantine, "checksum")
}

// S14's consequence, from the other side: SQLite lost what the log was cut on the strength of.
// The gap is found at the start; the replica does not answer from an older state.
func TestAGapIsFound(t *testing.T) {
	w := newWorld(t, 1, eager)
	for i := range 100 {
		w.put(dataShard, mvcc.Key(fmt.Sprintf("k%02d", i)), value(fmt.Sprint(i, " "), 300))
	}
	w.until(1, dataShard, "a cut", func(st *routing.StatusResult) bool { return st.LogFirst > 50 })
	w.flushed(1, dataShard)
	image := w.image(1)
	require.NoError(t, os.Truncate(filepath.Join(image, "shards", "2", dbName+"-wal"), 0))
	again := worldOn(t, image)
	st := again.until(1, dataShard, "status", func(*routing.StatusResult) bool { return true })
	require.Contains(t, st.Quarantine, "the log begins after")
	require.Contains(t, st.Quarantine, filepath.Join(image, "shards", "2", dbName))
}

// P28: a log that cannot be written ends the process: nothing is acknowledged, and what was
// stays.
func TestAFailingLogEndsIt(t *testing.T) {
	broken := &brokenFS{}
	w := newWorld(t, 1, func(c *Config) {
		broken.dir = filepath.Join(c.Dir, "log")
		c.RaftLog.FS = broken
	})
	w.put(dataShard, "a", []byte("1"))
	broken.now.Store(true)
	_, err := w.ask(1, dataShard, putArgs(w.clock.next(), "a", []byte("2")))
	var unavailable *routing.UnavailableError
	require.ErrorAs(t, err, &unavailable)
	require.True(t, unavailable.Maybe, "it may be in the log")
	w.mu.Lock()
	require.ErrorContains(t, w.fatal, "can promise nothing")
	h := w.hosts[1]
	delete(w.hosts, 1)
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	require.Error(t, h.Stop(ctx))
}

// A file of another node's, or of a snapshot that has not become this one's, may run ahead of
// the log; this node's own may not.
func TestOwn(t *testing.T) {
	h := &Host{cfg: Config{Dir: t.TempDir(), Node: 3}}
	require.NoError(t, os.MkdirAll(h.shardDir(2), 0o700))
	require.False(t, h.owns(2))
	require.NoError(t, h.own(2))
	require.True(t, h.owns(2))
	other := &Host{cfg: Config{Dir: h.cfg.Dir, Node: 4}}
	require.False(t, other.owns(2))
	require.NoError(t, sqlite.Remove(h.dbFile(2)))
}

// P28: a flush that failed is not tried again: the replica stops, and it alone. What was
// acknowledged is in the log, and comes back with the file.
func TestAFailedFlushStopsItsReplica(t *testing.T) {
	dir, _ := stopped(t)
	w := worldOn(t, dir)
	w.put(dataShard, "a", []byte("x")) // from now on puts look nothing up, and the last page is not read yet
	w.flushed(1, dataShard)
	w.trimmed(1, dataShard)
	path := w.file(1, dataShard)
	st, err := os.Stat(path)
	require.NoError(t, err)
	flipAll := func() {
		for at := int64(8192 + 4000); at < st.Size(); at += 8192 {
			require.NoError(t, flipBit(path, at))
		}
	}
	flipAll()
	w.put(dataShard, stoppedKey(500), []byte("2")) // it is in the log and in memory
	bad := w.until(1, dataShard, "quarantine", func(st *routing.StatusResult) bool { return st.Quarantine != "" })
	require.Contains(t, bad.Quarantine, "flush up to index")
	require.NoError(t, w.fatal)
	flipAll() // back
	w.restart(1)
	require.Equal(t, "2", string(w.get(dataShard, stoppedKey(500))))
}
