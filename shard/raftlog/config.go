package raftlog

import (
	"fmt"
	"sync/atomic"
	"time"
)

// Config of a log. The zero value opens an existing one.
type Config struct {
	// Create makes a new log. Without it a missing log is an error, with it an existing
	// one: a node that lost its log must not come back as if it had promised nothing.
	Create bool
	// SegmentSize of new segments, in bytes; zero: 32 MiB. A single entry may take
	// half of one, less 4 KiB.
	SegmentSize int64
	// Buffered goes through the page cache even where the file system could do without.
	Buffered bool
	// FS stands in for the real directory; nil: the real one.
	FS FS
}

// SegmentSizeDefault is that of new segments.
const SegmentSizeDefault = 32 << 20

const (
	segmentSizeMin = 32 << 10
	segmentSizeMax = 1 << 30
	// frameSizeMax: a larger batch takes several frames, each synced before the next.
	frameSizeMax = 8 << 20
)

func (c Config) validate() (Config, error) {
	if c.SegmentSize == 0 {
		c.SegmentSize = SegmentSizeDefault
	}
	if c.SegmentSize < segmentSizeMin || c.SegmentSize > segmentSizeMax || c.SegmentSize%blockSize != 0 {
		return c, fmt.Errorf("raft log: SegmentSize %d is not a multiple of %d from %d to %d",
			c.SegmentSize, blockSize, segmentSizeMin, segmentSizeMax)
	}
	return c, nil
}

// Stats are counts since Open, but for Bytes and Segments, which are as of now.
type Stats struct {
	Segments     int64
	Bytes        int64 // of all segments, spare files apart
	Syncs        int64
	Appended     int64 // bytes of records
	Written      int64 // bytes with headers and padding
	Rewritten    int64 // bytes of entries moved out of old segments
	SyncTime     time.Duration
	LastSyncTime time.Duration
	TornBytes    int64 // found behind the last whole frame at Open
}

type counters struct {
	segments, bytes, syncs, appended, written, rewritten, syncTime, lastSync, torn atomic.Int64
}

func (c *counters) synced(written int64, records int, took time.Duration) {
	c.syncs.Add(1)
	c.written.Add(written)
	c.appended.Add(int64(records))
	c.syncTime.Add(int64(took))
	c.lastSync.Store(int64(took))
}

// Stats may be called at any time from any goroutine.
func (l *Log) Stats() Stats {
	c := &l.stats
	return Stats{
		Segments: c.segments.Load(), Bytes: c.bytes.Load(), Syncs: c.syncs.Load(),
		Appended: c.appended.Load(), Written: c.written.Load(), Rewritten: c.rewritten.Load(),
		SyncTime: time.Duration(c.syncTime.Load()), LastSyncTime: time.Duration(c.lastSync.Load()),
		TornBytes: c.torn.Load(),
	}
}
