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

// BenchmarkLook measures what doc.go says: rows a second through versions beside the sqlite3
// program on the leader's file, and a point query beside a get.
func BenchmarkLook(b *testing.B) {
	const rows, batch = 100_000, 1000
	c := newTrio(b)
	value := []byte(strings.Repeat("v", 100))
	for n := range rows / batch {
		require.NoError(b, c.db.Update(c.within(), func(t *txn.Txn) error {
			for i := range batch {
				if err := t.Put(mvcc.Key(fmt.Sprintf("key/%08d", n*batch+i)), value); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	sh := c.shell()
	c.until("quiet", func() bool {
		return sh.ask("SELECT (SELECT count(*) FROM locks) + (SELECT sum(flushed < applied) FROM replicas)")[0] == "0"
	})
	const whole = "SELECT count(*), sum(commit_ts % 7), sum(length(value)), max(key) FROM versions"
	perSecond := func(b *testing.B, begun time.Duration, who int) {
		b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
		b.ReportMetric(float64(spent(b, who)-begun)/float64(rows*b.N), "cpu-ns/row")
	}
	b.Run("versions", func(b *testing.B) {
		begun := spent(b, syscall.RUSAGE_SELF)
		for b.Loop() {
			sh.ask("%s", whole)
		}
		perSecond(b, begun, syscall.RUSAGE_SELF)
	})
	b.Run("keys", func(b *testing.B) {
		begun := spent(b, syscall.RUSAGE_SELF)
		for b.Loop() {
			sh.ask("SELECT count(*), max(key) FROM versions")
		}
		perSecond(b, begun, syscall.RUSAGE_SELF)
	})
	b.Run("sqlite3", func(b *testing.B) {
		program, err := exec.LookPath("sqlite3")
		if err != nil {
			b.Skip("there is no sqlite3 program here")
		}
		file := filepath.Join(c.dirs[0], "shards", "2", "shard.db")
		begun := spent(b, syscall.RUSAGE_CHILDREN)
		for b.Loop() {
			out, err := exec.Command(program, "-readonly", file, whole).CombinedOutput()
			require.NoError(b, err, "%s", out)
		}
		perSecond(b, begun, syscall.RUSAGE_CHILDREN)
	})
	const all = "SELECT key, commit_ts, start_ts, op, value FROM versions"
	b.Run("versions as csv", func(b *testing.B) {
		begun := spent(b, syscall.RUSAGE_SELF)
		for b.Loop() {
			found, err := sh.s.Query(c.within(), all)
			require.NoError(b, err)
			n, err := output.Print(io.Discard, output.CSV, found, output.Options{})
			require.NoError(b, err)
			require.Equal(b, rows, n)
		}
		perSecond(b, begun, syscall.RUSAGE_SELF)
	})
	b.Run("sqlite3 as csv", func(b *testing.B) {
		program, err := exec.LookPath("sqlite3")
		if err != nil {
			b.Skip("there is no sqlite3 program here")
		}
		begun := spent(b, syscall.RUSAGE_CHILDREN)
		for b.Loop() {
			printed := exec.Command(program, "-readonly", "-csv", filepath.Join(c.dirs[0], "shards", "2", "shard.db"), all)
			printed.Stdout = &counting{}
			require.NoError(b, printed.Run())
		}
		perSecond(b, begun, syscall.RUSAGE_CHILDREN)
	})
	b.Run("point", func(b *testing.B) {
		for b.Loop() {
			sh.ask("SELECT value FROM latest WHERE key = 'key/00050000'")
		}
	})
	b.Run("point of versions", func(b *testing.B) {
		for b.Loop() {
			sh.ask("SELECT value FROM versions WHERE key = 'key/00050000'")
		}
	})
	b.Run("get", func(b *testing.B) {
		for b.Loop() {
			_, err := c.db.Get(c.within(), "key/00050000")
			require.NoError(b, err)
		}
	})
	b.Run("get in a transaction", func(b *testing.B) { // as kv get --as-of and the shell's GET
		for b.Loop() {
			require.NoError(b, c.db.View(c.within(), func(t *txn.Txn) error {
				_, err := t.Get(c.within(), "key/00050000")
				return err
			}))
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
