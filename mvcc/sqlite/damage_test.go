package sqlite

import (
	"bytes"
	"database/sql/driver"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	ms "modernc.org/sqlite"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// sample is a batch with rows of every kind.
func sample(keys int) *mvcc.Batch {
	b := &mvcc.Batch{Index: 20, Term: 5,
		Meta:   []mvcc.MetaRow{{Name: "bounds", Value: []byte("[a, z)")}},
		System: []mvcc.SystemRow{{Name: "node/1", Value: []byte("one")}}}
	for i := range keys {
		k := mvcc.Key(fmt.Sprintf("key/%04d", i))
		at := timestamp.Timestamp(1000 + 10*i)
		put(b, k, at, fmt.Appendf(nil, "older %d", i))
		put(b, k, at+5, bytes.Repeat([]byte{byte('a' + i%26)}, 20+(i%5)*70))
		b.Marks = append(b.Marks, mvcc.Mark{Key: k, CommitTS: at + 7, StartTS: at + 6, Digest: mvcc.Digest{1}})
		b.Records = append(b.Records, mvcc.Record{Key: k, StartTS: at + 8, Decision: mvcc.Aborted})
	}
	for i := range 10 {
		b.Locks = append(b.Locks, mvcc.Lock{Key: mvcc.Key(fmt.Sprintf("lock/%02d", i)), StartTS: 7000, Primary: "lock/00",
			Kind: mvcc.LockPut, MinCommitTS: 7001, Expires: 9000, Digest: mvcc.Digest{2}, Value: []byte("locked")})
	}
	return b
}

// seen is all that can be read of a store, as lines of text.
func seen(path string, keys int) (lines []string, err error) {
	s, err := Open(path, Config{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	image, err := s.Load()
	if err != nil {
		return nil, err
	}
	lines = append(lines, fmt.Sprintf("%+v", *image))
	v, err := s.View()
	if err != nil {
		return nil, err
	}
	defer v.Close()
	for _, reverse := range []bool{false, true} {
		for version, err := range v.Scan(mvcc.Span{}, timestamp.Max, reverse, false) {
			if err != nil {
				return nil, err
			}
			lines = append(lines, fmt.Sprintf("%+v", version))
		}
	}
	for i := range keys {
		k := mvcc.Key(fmt.Sprintf("key/%04d", i))
		at := timestamp.Timestamp(1000 + 10*i)
		version, ok, err := v.Get(k, at+2)
		if err != nil {
			return nil, err
		}
		facts, err := v.Facts([]mvcc.Key{k}, at+8)
		if err != nil {
			return nil, err
		}
		lines = append(lines, fmt.Sprintf("%v %+v %+v", ok, version, facts))
	}
	return lines, nil
}

// flip changes one bit of each of n equal stretches of raw, of a tenth where tests are to be
// short, and calls f with the changed bytes.
func flip(t *testing.T, raw []byte, n int, f func(at int, bad []byte)) {
	if testing.Short() {
		n /= 10
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	for i := range n {
		at := i*len(raw)/n + rng.IntN(len(raw)/n)
		bad := bytes.Clone(raw)
		bad[at] ^= 1 << rng.IntN(8)
		f(at, bad)
	}
}

// P27: single bits flipped all over a file. Whatever is read is right, or an error that names
// the page, also where the tree would lead past a row and no row's checksum could tell.
func TestBitFlips(t *testing.T) {
	const keys, flips = 120, 600
	s := open(t)
	require.NoError(t, s.Flush(sample(keys), true))
	path := s.path
	require.NoError(t, s.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	want, err := seen(path, keys)
	require.NoError(t, err)
	require.Greater(t, len(want), 3*keys)
	dir := t.TempDir()
	refused := 0
	flip(t, whole, flips, func(at int, bad []byte) {
		path := filepath.Join(dir, "flipped.db")
		require.NoError(t, os.WriteFile(path, bad, 0o600))
		got, err := seen(path, keys)
		require.NoError(t, Remove(path))
		if err == nil {
			require.Equal(t, want, got, "byte %d (page %d, offset %d)", at, at/pageSize+1, at%pageSize)
			return
		}
		refused++
		var damage *mvcc.CorruptError
		require.ErrorAs(t, err, &damage)
		require.Equal(t, path, damage.File)
		require.Contains(t, damage.Remedy, "copy")
		require.GreaterOrEqual(t, damage.Offset, int64(at/pageSize*pageSize))
		require.LessOrEqual(t, damage.Offset, int64(at))
	})
	t.Logf("flips in %d bytes: %d refused, none read wrong", len(whole), refused)
	require.NotZero(t, refused)
}

// P27, in the write-ahead log of a process that was killed: what is read is right up to some
// flush, or an error. A tail that is lost so is as one that was never synced, and whoever
// cut the Raft log above it finds the gap.
func TestBitFlipsInTheLog(t *testing.T) {
	const flushes = 8
	s := open(t)
	defer s.Close()
	fill(t, s, 0, flushes, 20)
	file, err := os.ReadFile(s.path)
	require.NoError(t, err)
	wal, err := os.ReadFile(s.path + "-wal")
	require.NoError(t, err)
	dir := t.TempDir()
	found := map[mvcc.Index]int{}
	refused := 0
	flip(t, wal, 300, func(at int, bad []byte) {
		path := filepath.Join(dir, "killed.db")
		require.NoError(t, os.WriteFile(path, file, 0o600))
		require.NoError(t, os.WriteFile(path+"-wal", bad, 0o600))
		index, err := oneState(path)
		require.NoError(t, Remove(path))
		if err != nil {
			refused++
			return
		}
		found[index]++
	})
	t.Logf("flips in %d bytes: %d refused, states found %v", len(wal), refused, found)
	require.NotEmpty(t, found)
}

// P27, in the write-ahead log while it is in use: a frame that changed after it was written
// is refused by who reads it next, and by a checkpoint too.
func TestBitFlipsInTheLiveLog(t *testing.T) {
	s := open(t)
	defer s.Close()
	fill(t, s, 0, 2, 20)
	wal, err := os.OpenFile(s.path+"-wal", os.O_RDWR, 0)
	require.NoError(t, err)
	defer wal.Close()
	raw, err := os.ReadFile(s.path + "-wal")
	require.NoError(t, err)
	refused := 0
	flip(t, raw, 200, func(at int, bad []byte) {
		_, err := wal.WriteAt(bad[at:at+1], int64(at))
		require.NoError(t, err)
		c, err := connect(s.path, "rw", "query_only=ON", "wal_autocheckpoint=0")
		require.NoError(t, err)
		for version, err := range c.scan(mvcc.Span{}, timestamp.Max, false) {
			if err != nil {
				refused++
				break
			}
			require.Equal(t, timestamp.Timestamp(20), version.CommitTS)
		}
		require.NoError(t, c.close())
		_, err = wal.WriteAt(raw[at:at+1], int64(at))
		require.NoError(t, err)
	})
	require.Positive(t, refused)
	frame := walHeaderSize + frameHeaderSize + pageSize/2
	for at := frame; at < len(raw); at += frameHeaderSize + pageSize {
		_, err = wal.WriteAt([]byte{^raw[at]}, int64(at))
		require.NoError(t, err)
	}
	_, err = s.Checkpoint()
	var damage *mvcc.CorruptError
	require.ErrorAs(t, err, &damage)
	for at := frame; at < len(raw); at += frameHeaderSize + pageSize {
		_, err = wal.WriteAt(raw[at:at+1], int64(at))
		require.NoError(t, err)
	}
}

// oneState reads a file of fill's and requires that it shows one flush, whole.
func oneState(path string) (mvcc.Index, error) {
	s, err := Open(path, Config{})
	if err != nil {
		return 0, err
	}
	defer s.Close()
	v, err := s.View()
	if err != nil {
		return 0, err
	}
	defer v.Close()
	n := 0
	for version, err := range v.Scan(mvcc.Span{}, timestamp.Max, false, false) {
		if err != nil {
			return 0, err
		}
		if version.CommitTS != timestamp.Timestamp(v.Index())*10 {
			panic(fmt.Sprintf("the state at %d shows a version of %s", v.Index(), version.CommitTS))
		}
		n++
	}
	if n != 20 && v.Index() > 0 {
		panic(fmt.Sprintf("the state at %d shows %d keys", v.Index(), n))
	}
	return v.Index(), nil
}

// A process was killed, and somebody looks at its file with a SQLite that knows nothing of
// page sums: as the last to close it, it folds the log into the file. The pages have their
// sums nevertheless, for they had them in the log.
func TestAStrangersCheckpoint(t *testing.T) {
	s := open(t)
	defer s.Close()
	b := sample(50)
	require.NoError(t, s.Flush(b, false))
	b.Index++
	b.Locks = b.Locks[:5]
	require.NoError(t, s.Flush(b, false)) // rewrites pages of the first
	path := filepath.Join(t.TempDir(), "killed.db")
	for _, suffix := range []string{"", "-wal"} {
		raw, err := os.ReadFile(s.path + suffix)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path+suffix, raw, 0o600))
	}
	c, err := connectPlain(path)
	require.NoError(t, err)
	n, err := c.number("SELECT count(*) FROM raw_versions")
	require.NoError(t, err)
	require.Equal(t, int64(100), n, "SQLite's own recovery does not take the frames")
	require.NoError(t, c.close())
	_, err = os.Stat(path + "-wal")
	require.ErrorIs(t, err, os.ErrNotExist, "the log was not folded")
	require.Equal(t, int64(-1), firstBadPage(path))
	_, err = seen(path, 50)
	require.NoError(t, err)
	require.NoError(t, Verify(path))
}

// A transaction larger than SQLite's cache writes pages into the log before it commits, and
// some of them twice: SQLite then computes the running checksums anew from the first of them.
func TestASpillingFlush(t *testing.T) {
	s := open(t)
	defer s.Close()
	require.NoError(t, s.writer.exec("PRAGMA cache_size=10"))
	b := &mvcc.Batch{Index: 1, Term: 1}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, i := range rng.Perm(3000) {
		put(b, mvcc.Key(fmt.Sprintf("key%05d", i)), 10, bytes.Repeat([]byte{'v'}, 150))
	}
	require.NoError(t, s.Flush(b, false))
	path := filepath.Join(t.TempDir(), "killed.db")
	for _, suffix := range []string{"", "-wal"} {
		raw, err := os.ReadFile(s.path + suffix)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path+suffix, raw, 0o600))
	}
	again, err := Open(path, Config{})
	require.NoError(t, err)
	defer again.Close()
	require.Len(t, keysOf(t, again), 3000)
}

// connectPlain opens a file as any other program does.
func connectPlain(path string) (*conn, error) {
	raw, err := (&ms.Driver{}).Open("file:" + path)
	if err != nil {
		return nil, err
	}
	return &conn{raw: raw, path: path, stmts: map[string]driver.Stmt{}}, nil
}
