package sqlite

import (
	"bytes"
	"database/sql/driver"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// fill flushes rows of 1,000 bytes, n keys a flush.
func fill(t testing.TB, s *Store, from mvcc.Index, flushes, n int) mvcc.Index {
	t.Helper()
	for i := range flushes {
		b := &mvcc.Batch{Index: from + mvcc.Index(i) + 1, Term: 1}
		for j := range n {
			put(b, mvcc.Key(fmt.Sprintf("key%05d", j)), timestamp.Timestamp(b.Index)*10, bytes.Repeat([]byte{'v'}, 1000))
		}
		require.NoError(t, s.Flush(b, false))
	}
	return from + mvcc.Index(flushes)
}

// P25: the write-ahead log grows only while a view stands, and begins anew after it.
func TestWALIsBounded(t *testing.T) {
	s := open(t)
	defer s.Close()
	at := fill(t, s, 0, 5, 50)
	v, err := s.View()
	require.NoError(t, err)
	at = fill(t, s, at, 5, 50)
	left, err := s.Checkpoint()
	require.NoError(t, err)
	require.Positive(t, left, "a view that stands must hold the rest back")
	require.NoError(t, v.Close())
	left, err = s.Checkpoint()
	require.NoError(t, err)
	require.Zero(t, left)
	_, left = s.WALSize()
	require.Zero(t, left)
	st, err := os.Stat(s.path + "-wal")
	require.NoError(t, err)
	for range 10 {
		at = fill(t, s, at, 2, 20)
		_, err := s.Checkpoint()
		require.NoError(t, err)
	}
	again, err := os.Stat(s.path + "-wal")
	require.NoError(t, err)
	require.Equal(t, st.Size(), again.Size(), "the log did not begin anew")
}

// P26, P32: flushes beside readers never meet a lock, and every view is one state.
func TestFlushBesideReaders(t *testing.T) {
	s := open(t)
	defer s.Close()
	fill(t, s, 0, 1, 20)
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 6 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				v, err := s.View()
				if err != nil {
					t.Error(err)
					return
				}
				for version, err := range v.Scan(mvcc.Span{}, timestamp.Max, false, false) {
					if err != nil || version.CommitTS != timestamp.Timestamp(v.Index())*10 {
						t.Errorf("the view at %d shows %s of %s: %v", v.Index(), version.Key, version.CommitTS, err)
					}
				}
				if err := v.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	fill(t, s, 1, 100, 20)
	close(done)
	readers.Wait()
}

// S14: where a view pins the write-ahead log, a checkpoint says yes and leaves frames behind;
// it says nothing about what is durable. A durable flush commits under FULL.
func TestACheckpointIsNoProof(t *testing.T) {
	s := open(t)
	defer s.Close()
	at := fill(t, s, 0, 3, 30)
	v, err := s.View()
	require.NoError(t, err)
	defer v.Close()
	at = fill(t, s, at, 3, 30)
	left, err := s.Checkpoint()
	require.NoError(t, err, "it says yes")
	require.Positive(t, left, "and has not done it")
	var during int64
	require.NoError(t, s.writer.exec("PRAGMA synchronous=NORMAL"))
	b := &mvcc.Batch{Index: at + 1, Term: 1}
	require.NoError(t, s.writer.durably(func() error {
		during, err = s.writer.number("PRAGMA synchronous")
		require.NoError(t, err)
		return s.writer.transaction(func() error { return s.writer.write(b) })
	}))
	require.Equal(t, int64(2), during, "synchronous is not FULL during a durable flush")
	after, err := s.writer.number("PRAGMA synchronous")
	require.NoError(t, err)
	require.Equal(t, int64(1), after)
}

// S15: a new file renamed over one whose write-ahead log remains: SQLite replays the log into
// it. That is why whole folders are swapped.
func TestAStaleWALComesBack(t *testing.T) {
	dir := t.TempDir()
	old := open(t)
	fill(t, old, 0, 2, 50)
	stale, err := os.ReadFile(old.path + "-wal")
	require.NoError(t, err)
	require.NoError(t, old.Close())
	path := filepath.Join(dir, "shard.db")
	require.NoError(t, Create(path, nil, nil, 1000, 7))
	require.NoError(t, os.WriteFile(path+"-wal", stale, 0o600))
	s, err := Open(path, Config{})
	if err != nil {
		return // refused: as good
	}
	defer s.Close()
	image, err := s.Load()
	require.False(t, err == nil && image.Index == 1000, "the stale log was not replayed: the swap of folders may go")
}

// S20: a copy beside a writer is made in one go, is one state, and is whole.
func TestCopyBesideAWriter(t *testing.T) {
	s := open(t)
	defer s.Close()
	at := fill(t, s, 0, 1, 300)
	var writer sync.WaitGroup
	writer.Go(func() { fill(t, s, at, 30, 300) })
	for i := range 3 {
		dst := filepath.Join(t.TempDir(), "copy.db")
		index, term, err := s.Copy(dst)
		require.NoError(t, err)
		require.Equal(t, uint64(1), term)
		require.NoError(t, Verify(dst))
		c, err := Open(dst, Config{})
		require.NoError(t, err, "copy %d", i)
		v, err := c.View()
		require.NoError(t, err)
		require.Equal(t, index, v.Index())
		for version, err := range v.Scan(mvcc.Span{}, timestamp.Max, false, false) {
			require.NoError(t, err)
			require.Equal(t, timestamp.Timestamp(index)*10, version.CommitTS)
		}
		require.NoError(t, v.Close())
		require.NoError(t, c.Close())
	}
	writer.Wait()
}

// A truncated, empty or foreign file is refused with its name and what to do.
func TestFilesThatAreNotWhole(t *testing.T) {
	s := open(t)
	fill(t, s, 0, 1, 200)
	require.NoError(t, s.Close())
	whole, err := os.ReadFile(s.path)
	require.NoError(t, err)
	foreign := filepath.Join(t.TempDir(), "foreign.db")
	c, err := connectNew(foreign)
	require.NoError(t, err)
	require.NoError(t, c.exec("CREATE TABLE t (a)"))
	require.NoError(t, c.close())
	other, err := os.ReadFile(foreign)
	require.NoError(t, err)
	cases := map[string][]byte{
		"empty": {}, "header only": whole[:50], "one page": whole[:pageSize], "half": whole[:len(whole)/2],
		"without its last page": whole[:len(whole)-pageSize], "text": []byte("this is no database, but it is long enough to be looked at as if it were one, quite long indeed, is it not"),
		"foreign": other,
	}
	for name, raw := range cases {
		path := filepath.Join(t.TempDir(), "shard.db")
		require.NoError(t, os.WriteFile(path, raw, 0o600))
		_, err := Open(path, Config{})
		var bad *mvcc.CorruptError
		require.ErrorAs(t, err, &bad, name)
		require.Equal(t, path, bad.File)
		require.NotEmpty(t, bad.Remedy)
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, raw, after, "%s: the file was changed", name)
	}
}

func connectNew(path string) (*conn, error) {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return nil, err
	}
	return connect(path, "rw")
}

// A split's right file has the rows of its span alone, with values numbered anew so that the
// right's own log never meets them; the left loses them in steps.
func TestMakeSpan(t *testing.T) {
	s := open(t)
	defer s.Close()
	b := &mvcc.Batch{Index: 50, Term: 3}
	for i := range 100 {
		put(b, mvcc.Key(fmt.Sprintf("k%02d", i)), 100, bytes.Repeat([]byte{byte(i)}, 150+i))
	}
	b.Locks = []mvcc.Lock{{Key: "k10", StartTS: 7, Primary: "k10", Kind: mvcc.LockPut, Value: []byte("x")},
		{Key: "k90", StartTS: 7, Primary: "k10", Kind: mvcc.LockPut, ValueID: mvcc.ValueID(50<<16 | 5000)}}
	b.Values = append(b.Values, mvcc.Value{ID: b.Locks[1].ValueID, Data: bytes.Repeat([]byte{'l'}, 900)})
	b.Records = []mvcc.Record{{Key: "k05", StartTS: 3, Decision: mvcc.Aborted}, {Key: "k95", StartTS: 3, Decision: mvcc.Fenced}}
	require.NoError(t, s.Flush(b, false))
	path := filepath.Join(t.TempDir(), "shard.db")
	meta := []mvcc.MetaRow{{Name: "shard", Value: []byte("9")}}
	require.NoError(t, s.MakeSpan(path, mvcc.Span{Start: "k40"}, meta, 10, 5))
	require.NoError(t, Verify(path))
	right, err := Open(path, Config{})
	require.NoError(t, err)
	defer right.Close()
	image, err := right.Load()
	require.NoError(t, err)
	require.Equal(t, mvcc.Index(10), image.Index)
	require.Equal(t, meta, image.Meta)
	require.Len(t, image.Locks, 1)
	require.Greater(t, uint64(image.Locks[0].ValueID), uint64(1)<<62, "an id that the right's own log could give")
	require.Len(t, keysOf(t, right), 60)
	for more := true; more; {
		more, err = s.DeleteOutside(mvcc.Span{End: "k40"}, 7)
		require.NoError(t, err)
	}
	require.Len(t, keysOf(t, s), 40)
	left := 0
	require.NoError(t, s.writer.query("SELECT count(*) FROM raw_values", func(row []driver.Value) (bool, error) {
		left = int(integer(row[0]))
		return false, nil
	}))
	require.Zero(t, left, "values of rows that went stayed behind")
}

func keysOf(t *testing.T, s *Store) []mvcc.Key {
	v, err := s.View()
	require.NoError(t, err)
	defer v.Close()
	var keys []mvcc.Key
	for version, err := range v.Scan(mvcc.Span{}, timestamp.Max, false, false) {
		require.NoError(t, err)
		keys = append(keys, version.Key)
	}
	return keys
}
