package tables_test

import (
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/cmd/shale/output"
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/txn"
)

// The rows of BenchmarkLook, and what is asked of them.
const (
	benchRows = 100_000
	benchSum  = "SELECT count(*), sum(commit_ts % 7), sum(length(value)), max(key) FROM versions"
	benchAll  = "SELECT key, commit_ts, start_ts, op, value FROM versions"
)

// BenchmarkLook measures what doc.go says: rows a second through versions beside the sqlite3
// program on the leader's file, and a point query beside a get.
func BenchmarkLook(b *testing.B) {
	c := newTrio(b)
	c.fill(b)
	sh := c.shell()
	c.until("quiet", func() bool {
		return sh.ask("SELECT (SELECT count(*) FROM locks) + (SELECT sum(flushed < applied) FROM replicas)")[0] == "0"
	})
	scan := func(name string, who int, all func(b *testing.B)) {
		b.Run(name, func(b *testing.B) {
			begun := spent(b, who)
			for b.Loop() {
				all(b)
			}
			b.ReportMetric(float64(benchRows*b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(spent(b, who)-begun)/float64(benchRows*b.N), "cpu-ns/row")
		})
	}
	program := func(b *testing.B, arguments ...string) {
		path, err := exec.LookPath("sqlite3")
		if err != nil {
			b.Skip("there is no sqlite3 program here")
		}
		run := exec.Command(path, append([]string{"-readonly", filepath.Join(c.dirs[0], "shards", "2", "shard.db")}, arguments...)...)
		run.Stdout = &counting{}
		require.NoError(b, run.Run())
	}
	scan("versions", syscall.RUSAGE_SELF, func(*testing.B) { sh.ask("%s", benchSum) })
	scan("sqlite3", syscall.RUSAGE_CHILDREN, func(b *testing.B) { program(b, benchSum) })
	scan("versions as csv", syscall.RUSAGE_SELF, func(b *testing.B) {
		found, err := sh.s.Query(c.within(), benchAll)
		require.NoError(b, err)
		n, err := output.Print(io.Discard, output.CSV, found, output.Options{})
		require.NoError(b, err)
		require.Equal(b, benchRows, n)
	})
	scan("sqlite3 as csv", syscall.RUSAGE_CHILDREN, func(b *testing.B) { program(b, "-csv", benchAll) })
	c.points(b, sh)
}

// fill writes the rows.
func (c *trio) fill(b *testing.B) {
	const batch = 1000
	value := []byte(strings.Repeat("v", 100))
	for n := range benchRows / batch {
		require.NoError(b, c.db.Update(c.within(), func(t *txn.Txn) error {
			for i := range batch {
				if err := t.Put(mvcc.Key(fmt.Sprintf("key/%08d", n*batch+i)), value); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

// points asks for one key, in the ways there are.
func (c *trio) points(b *testing.B, sh *session) {
	const k = "key/00050000"
	for _, from := range []string{"latest", "versions"} {
		b.Run("point of "+from, func(b *testing.B) {
			for b.Loop() {
				sh.ask("SELECT value FROM %s WHERE key = '%s'", from, k)
			}
		})
	}
	b.Run("get", func(b *testing.B) {
		for b.Loop() {
			_, err := c.db.Get(c.within(), k)
			require.NoError(b, err)
		}
	})
}

// counting takes what is printed through a pipe.
type counting struct{ bytes int }

func (c *counting) Write(p []byte) (int, error) { c.bytes += len(p); return len(p), nil }

// spent is the processor time of this process, with all its nodes, or of the programs it ran:
// on a shared machine the clock on the wall says little.
func spent(b *testing.B, who int) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(who, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
