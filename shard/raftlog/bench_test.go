package raftlog

import (
	"fmt"
	"os"
	"slices"
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

// BenchmarkWays compares ways to make 12 KiB durable, in turns so that a noisy machine is
// noisy for all: medians, and CPU time, of each.
func BenchmarkWays(b *testing.B) {
	dir, err := os.MkdirTemp(os.Getenv("RAFTLOG_BENCH_DIR"), "raftlog")
	require.NoError(b, err)
	defer func() { require.NoError(b, os.RemoveAll(dir)) }()
	const size = 64 << 20
	ways := []struct {
		name   string
		filled bool
		direct bool
	}{{"direct", true, true}, {"filled", true, false}, {"growing", false, false}}
	files := make([]File, len(ways))
	for i, w := range ways {
		fill := int64(0)
		if w.filled {
			fill = size
		}
		require.NoError(b, writeFile(&osDir{path: dir}, w.name, nil, fill))
		files[i], err = (&osDir{path: dir, direct: w.direct}).Open(w.name, ModeAppend)
		require.NoError(b, err)
	}
	took, burnt := make([][]time.Duration, len(ways)), make([]time.Duration, len(ways))
	block := alignedBuffer(12 << 10)
	at := int64(0)
	for b.Loop() {
		for i, f := range files {
			began, before := time.Now(), cpu()
			_, err := f.WriteAt(block, at)
			require.NoError(b, err)
			require.NoError(b, f.Sync())
			took[i] = append(took[i], time.Since(began))
			burnt[i] += cpu() - before
		}
		at = (at + int64(len(block))) % (size - int64(len(block)))
		at -= at % blockSize
	}
	for i, w := range ways {
		slices.Sort(took[i])
		b.ReportMetric(float64(took[i][len(took[i])/2].Microseconds()), w.name+"-µs")
		b.ReportMetric(float64(burnt[i].Microseconds())/float64(b.N), w.name+"-cpu-µs")
		require.NoError(b, files[i].Close())
	}
}
