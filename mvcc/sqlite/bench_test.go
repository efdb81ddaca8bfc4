//go:build unix

package sqlite

import (
	"bytes"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	ms "modernc.org/sqlite"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// The figures of DESIGN.md. Each benchmark is a fixed amount of work, and what it costs is
// counted in the processor's time, which other work on the machine disturbs least; syncs
// are counted by the clock.
//
//	go test ./mvcc/sqlite -run '^$' -bench . -benchtime 1x -count 3

const (
	benchKeys    = 20_000
	benchFlushes = 60
	benchRows    = 300 // a flush
	benchGets    = 5_000
	benchScans   = 200
	benchScan    = 50 // rows
)

// layout is one way to lay versions out in a file.
type layout struct {
	name     string
	rowid    bool // a plain table with an index, instead of WITHOUT ROWID
	beside   bool // values in a table of their own
	pageSize int
	plain    bool // without page sums
}

func (l layout) schema() string {
	table := `CREATE TABLE v (key BLOB NOT NULL, ts INTEGER NOT NULL, start INTEGER NOT NULL, op INTEGER NOT NULL,
  value BLOB, id INTEGER NOT NULL, digest BLOB, sum INTEGER NOT NULL, PRIMARY KEY (key, ts DESC, start))`
	if !l.rowid {
		table += " WITHOUT ROWID"
	}
	return table + "; CREATE TABLE d (id INTEGER PRIMARY KEY, data BLOB NOT NULL, sum INTEGER NOT NULL)"
}

func (l layout) open(b *testing.B, path string) *conn {
	vfs := useVFS()
	if l.plain {
		vfs = "" // SQLite's default
	}
	raw, err := (&ms.Driver{}).Open("file:" + path + "?mode=rw" + map[bool]string{false: "&vfs=" + vfs}[l.plain])
	require.NoError(b, err)
	c := &conn{raw: raw, path: path, stmts: map[string]driver.Stmt{}}
	for _, p := range []string{"journal_mode=WAL", "wal_autocheckpoint=0", "synchronous=NORMAL", "cache_size=-8192"} {
		require.NoError(b, c.exec("PRAGMA "+p))
	}
	return c
}

func benchKey(i int) []byte { return fmt.Appendf(nil, "user%012d", uint64(i)*0x9E3779B97F4A7C15%1e12) }

// flush writes rows of random keys, or the keys from first on, and folds the log where it is
// large, as the host does.
func (l layout) flush(b *testing.B, c *conn, pick func(i int) int, n, size int, at *int64) {
	value := bytes.Repeat([]byte{'x'}, size)
	require.NoError(b, c.transaction(func() error {
		for i := range n {
			*at++
			inline, id := driver.Value(value), int64(0)
			if l.beside {
				inline, id = nil, *at
				if err := c.run("REPLACE INTO d VALUES (?,?,?)", id, value, int64(1)); err != nil {
					return err
				}
			}
			binary.LittleEndian.PutUint64(value, uint64(*at))
			if err := c.run("REPLACE INTO v VALUES (?,?,?,?,?,?,?,?)", benchKey(pick(i)), *at, *at, int64(1), inline, id,
				nil, int64(1)); err != nil {
				return err
			}
		}
		return nil
	}))
	frames, done, err := c.walFrames()
	require.NoError(b, err)
	if (frames-done)*int64(l.pageSize) > 4<<20 {
		require.NoError(b, c.exec("PRAGMA wal_checkpoint(PASSIVE)"))
	}
}

func (l layout) reads(b *testing.B, c *conn, rng *rand.Rand) {
	get := `SELECT v.key, v.ts, v.value, d.data FROM v LEFT JOIN d ON d.id = v.id AND v.id <> 0 WHERE v.key = ? AND v.ts <= ? ORDER BY v.ts DESC LIMIT 1`
	scan := `SELECT v.key, v.ts, v.value, d.data FROM v LEFT JOIN d ON d.id = v.id AND v.id <> 0 WHERE v.key >= ? ORDER BY v.key, v.ts DESC LIMIT 50`
	run := func(name, sql string, n, per int) {
		begin := cpu()
		for range n {
			args := []driver.Value{benchKey(rng.IntN(benchKeys)), int64(1) << 60}
			require.NoError(b, c.query(sql, func([]driver.Value) (bool, error) { return true, nil }, args[:2-per/benchScan]...))
		}
		b.ReportMetric(micros(begin, n*per), name)
	}
	require.NoError(b, c.run("BEGIN"))
	run("µs/get", get, benchGets, 1)
	run("µs/scanned", scan, benchScans, benchScan)
	require.NoError(b, c.run("COMMIT"))
}

// cpu is the processor's time that the process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func micros(begin time.Duration, n int) float64 {
	return float64((cpu() - begin).Nanoseconds()) / 1000 / float64(n)
}

// BenchmarkLayout: 20,000 keys, then flushes of 300 random rows with checkpoints, then reads.
func BenchmarkLayout(b *testing.B) {
	layouts := []layout{
		{name: "rowid,inline", rowid: true, pageSize: 8192},
		{name: "rowid,beside", rowid: true, beside: true, pageSize: 8192},
		{name: "clustered,inline", pageSize: 8192},
		{name: "clustered,beside", beside: true, pageSize: 8192},
		{name: "clustered,inline", pageSize: 4096},
		{name: "clustered,beside", beside: true, pageSize: 4096},
		{name: "clustered,beside", beside: true, pageSize: 16384},
		{name: "clustered,beside,nosums", beside: true, pageSize: 8192, plain: true},
	}
	for _, size := range []int{100, 200, 1000} {
		for _, l := range layouts {
			b.Run(fmt.Sprintf("%dB/%s,%dk", size, l.name, l.pageSize>>10), func(b *testing.B) {
				for b.Loop() {
					l.run(b, size)
				}
			})
		}
	}
}

func (l layout) run(b *testing.B, size int) {
	path := filepath.Join(b.TempDir(), "bench.db")
	require.NoError(b, os.WriteFile(path, emptyFile(l.pageSize), 0o600))
	c := l.open(b, path)
	defer c.close()
	require.NoError(b, c.script(l.schema()))
	rng := rand.New(rand.NewPCG(1, 1))
	at := int64(0)
	for first := 0; first < benchKeys; first += 1000 {
		l.flush(b, c, func(i int) int { return first + i }, 1000, size, &at)
	}
	begin := cpu()
	for range benchFlushes {
		l.flush(b, c, func(int) int { return rng.IntN(benchKeys) }, benchRows, size, &at)
	}
	b.ReportMetric(micros(begin, benchFlushes*benchRows), "µs/flushed")
	l.reads(b, c, rng)
	require.NoError(b, c.exec("PRAGMA wal_checkpoint(TRUNCATE)"))
	st, err := os.Stat(path)
	require.NoError(b, err)
	b.ReportMetric(float64(st.Size())/float64(benchKeys+benchFlushes*benchRows), "bytes/row")
}

// loaded is a store with 20,000 keys of 1,000 bytes.
func loaded(b *testing.B, cfg Config) (*Store, mvcc.Index) {
	path := filepath.Join(b.TempDir(), "shard.db")
	require.NoError(b, Create(path, nil, nil, 0, 0))
	s, err := Open(path, cfg)
	require.NoError(b, err)
	b.Cleanup(func() { s.Close() })
	at := mvcc.Index(0)
	for first := 0; first < benchKeys; first += 1000 {
		at++
		require.NoError(b, s.Flush(benchBatch(at, 1000, func(i int) int { return first + i }), false))
	}
	_, err = s.Checkpoint()
	require.NoError(b, err)
	return s, at
}

func benchBatch(at mvcc.Index, n int, pick func(i int) int) *mvcc.Batch {
	b := &mvcc.Batch{Index: at, Term: 1}
	for i := range n {
		put(b, mvcc.Key(benchKey(pick(i))), timestamp.Timestamp(at)<<20+timestamp.Timestamp(i), bytes.Repeat([]byte{'x'}, 1000))
	}
	return b
}

// BenchmarkFlush: what a sync, and folding the log, cost a flush of 300 rows of 1,000 bytes.
func BenchmarkFlush(b *testing.B) {
	for _, k := range []struct {
		name                string
		durable, checkpoint bool
	}{{"normal", false, false}, {"normal,checkpoints", false, true}, {"full", true, false}, {"full,checkpoints", true, true}} {
		b.Run(k.name, func(b *testing.B) {
			s, at := loaded(b, Config{})
			rng := rand.New(rand.NewPCG(1, 1))
			for b.Loop() {
				begin, took, longest := cpu(), time.Duration(0), time.Duration(0)
				for range benchFlushes {
					at++
					batch := benchBatch(at, benchRows, func(int) int { return rng.IntN(benchKeys) })
					clock := time.Now()
					require.NoError(b, s.Flush(batch, k.durable))
					longest = max(longest, time.Since(clock))
					took += time.Since(clock)
					if _, left := s.WALSize(); k.checkpoint && left > 4<<20 {
						_, err := s.Checkpoint()
						require.NoError(b, err)
					}
				}
				b.ReportMetric(micros(begin, benchFlushes*benchRows), "µs/row")
				b.ReportMetric(float64(took.Microseconds())/1000/benchFlushes, "ms/flush")
				b.ReportMetric(float64(longest.Microseconds())/1000, "ms/longest")
			}
		})
	}
}

// BenchmarkGet: a point read of 1,000 bytes inside a view that is open, with a view of its
// own, and through database/sql.
func BenchmarkGet(b *testing.B) {
	s, _ := loaded(b, Config{})
	rng := rand.New(rand.NewPCG(1, 1))
	measure := func(name string, get func(k []byte) error) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				begin := cpu()
				for range benchGets {
					require.NoError(b, get(benchKey(rng.IntN(benchKeys))))
				}
				b.ReportMetric(micros(begin, benchGets), "µs/get")
			}
		})
	}
	v, err := s.View()
	require.NoError(b, err)
	defer v.Close()
	measure("open view", func(k []byte) error { _, _, err := v.Get(mvcc.Key(k), timestamp.Max); return err })
	measure("view each", func(k []byte) error {
		v, err := s.View()
		if err != nil {
			return err
		}
		defer v.Close()
		_, _, err = v.Get(mvcc.Key(k), timestamp.Max)
		return err
	})
	db, err := sql.Open("sqlite", "file:"+s.path+"?mode=ro&vfs="+useVFS())
	require.NoError(b, err)
	defer db.Close()
	stmt, err := db.Prepare(sqlGet)
	require.NoError(b, err)
	dest := make([]any, 10)
	for i := range dest {
		dest[i] = new(any)
	}
	measure("database/sql", func(k []byte) error { return stmt.QueryRow(k, int64(timestamp.Max)).Scan(dest...) })
}

// BenchmarkCache: flushes and gets over 20 MB, with the writer's cache larger and smaller.
func BenchmarkCache(b *testing.B) {
	for _, kib := range []int{512, 2 << 10, 8 << 10, 32 << 10} {
		b.Run(fmt.Sprintf("%dKiB", kib), func(b *testing.B) {
			s, at := loaded(b, Config{CacheKiB: kib})
			rng := rand.New(rand.NewPCG(1, 1))
			for b.Loop() {
				begin := cpu()
				for range benchFlushes {
					at++
					require.NoError(b, s.Flush(benchBatch(at, benchRows, func(int) int { return rng.IntN(benchKeys) }), false))
				}
				b.ReportMetric(micros(begin, benchFlushes*benchRows), "µs/flushed")
				begin = cpu()
				for range benchGets {
					_, _, err := s.writer.get(mvcc.Key(benchKey(rng.IntN(benchKeys))), timestamp.Max, true)
					require.NoError(b, err)
				}
				b.ReportMetric(micros(begin, benchGets), "µs/get")
			}
		})
	}
}

// BenchmarkVersions: all versions of 200,000 small rows out of one view, as people who look
// inside read them.
func BenchmarkVersions(b *testing.B) {
	path := filepath.Join(b.TempDir(), "shard.db")
	require.NoError(b, Create(path, nil, nil, 0, 0))
	s, err := Open(path, Config{})
	require.NoError(b, err)
	b.Cleanup(func() { s.Close() })
	const rows, per = 200_000, 10_000
	for at := range mvcc.Index(rows / per) {
		batch := &mvcc.Batch{Index: at + 1, Term: 1}
		for i := range per {
			put(batch, mvcc.Key(benchKey((int(at)*per+i)/2)), timestamp.Timestamp(i%2+1)<<20, []byte("16 bytes of value"))
		}
		require.NoError(b, s.Flush(batch, false))
	}
	v, err := s.View()
	require.NoError(b, err)
	defer v.Close()
	read, begin := 0, cpu()
	for b.Loop() {
		for _, err := range v.Versions(mvcc.Span{}, mvcc.VersionName{}, timestamp.Max, false) {
			require.NoError(b, err)
			read++
		}
	}
	require.Equal(b, b.N*rows, read)
	b.ReportMetric(micros(begin, read), "µs/version")
	b.ReportMetric(float64(read)/b.Elapsed().Seconds(), "versions/s")
}
