package shard

import (
	"time"

	"go.etcd.io/raft/v3"

	"github.com/shaledb/shale/mvcc"
)

// InitialIndex and InitialTerm are where every group begins. They are above zero so that a
// replica with an empty store can only be filled by a raft snapshot.
const (
	InitialIndex = mvcc.Index(10)
	InitialTerm  = uint64(5)
)

// Config is a replica's settings. The zero value means the defaults.
type Config struct {
	Tick           time.Duration // of Raft's clock; 50 ms
	ElectionTicks  int           // 12
	HeartbeatTicks int           // 2

	FlushEvery   time.Duration // 100 ms
	FlushRows    int           // rows that end a generation early; 512
	FlushBytes   int           // 1 MiB
	OverlayBytes int           // above it writes are refused; 64 MiB
	CutBytes     int           // of log between two durable flushes; 16 MiB
	CutEvery     time.Duration // 30 s

	CacheBytes   int           // newest versions kept for reads; 16 MiB
	RecentRows   int           // remembered commits of each half; 100,000
	LockPatience time.Duration // a plain read's wait for a lock, and the wait that is not told; 20 ms
	WaitEvery    time.Duration // waits for locks are told again; 1 s
	QueueMax     int           // writers that may wait for one lock; 1,024
	WaitingMax   int           // requests that may wait here; 20,000
	SweepEvery   time.Duration // search for expired locks; 1 s

	Logger raft.Logger // nil: silent
}

// Filled is the configuration with its defaults.
func (c Config) Filled() Config { return c.withDefaults() }

func (c Config) withDefaults() Config {
	c.Tick = orElse(c.Tick, 50*time.Millisecond)
	c.ElectionTicks = orElse(c.ElectionTicks, 12)
	c.HeartbeatTicks = orElse(c.HeartbeatTicks, 2)
	c.FlushEvery = orElse(c.FlushEvery, 100*time.Millisecond)
	c.FlushRows = orElse(c.FlushRows, 512)
	c.FlushBytes = orElse(c.FlushBytes, 1<<20)
	c.OverlayBytes = orElse(c.OverlayBytes, 64<<20)
	c.CutBytes = orElse(c.CutBytes, 16<<20)
	c.CutEvery = orElse(c.CutEvery, 30*time.Second)
	c.CacheBytes = orElse(c.CacheBytes, 16<<20)
	c.RecentRows = orElse(c.RecentRows, 100_000)
	c.LockPatience = orElse(c.LockPatience, 20*time.Millisecond)
	c.WaitEvery = orElse(c.WaitEvery, time.Second)
	c.QueueMax = orElse(c.QueueMax, 1024)
	c.WaitingMax = orElse(c.WaitingMax, 20_000)
	c.SweepEvery = orElse(c.SweepEvery, time.Second)
	if c.Logger == nil {
		c.Logger = silent{}
	}
	return c
}

func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

func (c Config) electionTimeout() time.Duration { return time.Duration(c.ElectionTicks) * c.Tick }

// leaseDuration is how long a confirmed read index holds as a lease: one tick less than an
// election takes at least, and a tenth less for clocks that run at different speeds.
func (c Config) leaseDuration() time.Duration {
	return time.Duration(c.ElectionTicks-1) * c.Tick * 9 / 10
}
