package raftlog

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// BenchmarkAppend: batches of 1 KiB entries over eight groups, cut as a host cuts them.
// One op is one batch. RAFTLOG_BENCH_DIR names a directory on the disk to measure.
func BenchmarkAppend(b *testing.B) {
	for _, mode := range []string{"direct", "buffered"} {
		for _, n := range []int{1, 8, 32, 128} {
			b.Run(fmt.Sprintf("%s/%d", mode, n), func(b *testing.B) { benchAppend(b, mode == "buffered", n) })
		}
	}
}

func benchAppend(b *testing.B, buffered bool, n int) {
	dir, err := os.MkdirTemp(os.Getenv("RAFTLOG_BENCH_DIR"), "raftlog")
	require.NoError(b, err)
	defer func() { require.NoError(b, os.RemoveAll(dir)) }()
	l, _, err := Open(dir, Config{Create: true, Buffered: buffered})
	require.NoError(b, err)
	data := strings.Repeat("v", 1024)
	var last [9]uint64
	before := cpu()
	for b.Loop() {
		batch := make([]Write, 8)
		for i := range n {
			id := i % 8
			last[id]++
			batch[id].Group = routing.ShardID(id + 1)
			batch[id].Entries = append(batch[id].Entries, entry(last[id], 1, data))
			batch[id].HardState = hard(1, 1, last[id])
		}
		if err := l.Append(batch[:min(n, 8)]); err != nil {
			b.Fatal(err)
		}
		for id, index := range last[:min(n, 8)] {
			if index%4096 == 0 {
				l.Cut(routing.ShardID(id+1), Position{mvcc.Index(index), 1})
			}
		}
	}
	b.ReportMetric(float64((cpu()-before).Microseconds())/float64(b.N), "cpu-µs/op")
	s := l.Stats()
	b.ReportMetric(float64(s.SyncTime.Microseconds())/float64(s.Syncs), "µs/sync")
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	b.SetBytes(int64(n) * 1024)
	require.NoError(b, l.Close())
}

func cpu() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
