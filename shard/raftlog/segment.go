package raftlog

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/shaledb/shale/shard/routing"
)

// segment is one file of the log.
type segment struct {
	number    uint64
	size      int64
	live      int   // entries that are read from here
	liveBytes int64 // and about how large they are
}

const segmentSuffix = ".log"

func segmentName(number uint64) string { return fmt.Sprintf("%016d%s", number, segmentSuffix) }

func (s *segment) name() string { return segmentName(s.number) }

func parseSegmentName(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok || len(digits) != 16 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && n > 0
}

func (l *Log) current() *segment { return l.segments[len(l.segments)-1] }

func (l *Log) oldestNeeded() uint64 {
	for _, s := range l.segments {
		if s.live > 0 {
			return s.number
		}
	}
	return l.current().number
}

// rotate goes on in a new segment. The order matters: the new one stands on disk under its
// name before the old one is sealed, and nothing is written to it before the seal is
// durable. So a sealed last segment means a lost one, an unsealed one before another that
// holds frames means damage, and a crash between leaves an empty newest segment.
func (l *Log) rotate() error {
	if err := l.flush(); err != nil {
		return err
	}
	next := &segment{number: l.current().number + 1, size: l.cfg.SegmentSize}
	if err := l.install(next, l.seq+1); err != nil {
		return err
	}
	if err := l.seal(next.number); err != nil {
		return err
	}
	if err := l.enter(next); err != nil {
		return err
	}
	l.spares.prepare(l)
	if err := l.writeHeads(); err != nil {
		return err
	}
	return l.compact()
}

// install makes the segment's file from a spare one, with its header durable before its name.
func (l *Log) install(s *segment, firstSeq uint64) error {
	spare, err := l.spares.take(l)
	if err != nil {
		return err
	}
	f, err := l.fs.Open(spare, ModeWrite)
	if err != nil {
		return err
	}
	h := segmentHeader{ID: l.id, Segment: s.number, Size: s.size, FirstSeq: firstSeq, First: l.first}
	block := alignedBuffer(blockSize)
	h.encode(block)
	_, err = f.WriteAt(block, 0)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("header of %s: %w", s.name(), err)
	}
	if err := l.fs.Rename(spare, s.name()); err != nil {
		return err
	}
	return l.fs.SyncDir()
}

// sortedGroups: the same history must make the same file.
func (l *Log) sortedGroups() []routing.ShardID { return slices.Sorted(maps.Keys(l.groups)) }

// seal ends the current segment. fits has left room for it.
func (l *Log) seal(next uint64) error {
	l.frame = appendRecord(l.frame, &record{kind: recordSeal, segment: next})
	return l.flush()
}

// enter begins to write to a segment whose header is durable.
func (l *Log) enter(s *segment) error {
	if l.file != nil {
		if err := l.file.Close(); err != nil {
			return err
		}
	}
	f, err := l.fs.Open(s.name(), ModeAppend)
	if err != nil {
		return err
	}
	l.file, l.offset = f, blockSize
	l.segments = append(l.segments, s)
	l.stats.segments.Add(1)
	l.stats.bytes.Add(s.size)
	return nil
}

// writeHeads begins a segment with all that is known of every group but its entries, so
// that nothing else holds an old segment. Open writes them too: a crash may have come
// before they were complete.
func (l *Log) writeHeads() error {
	l.heading = true
	defer func() { l.heading = false }()
	var r record
	for _, id := range l.sortedGroups() {
		r.group = id
		l.groups[id].head(&r)
		if err := l.room(recordBound); err != nil {
			return err
		}
		l.frame = appendRecord(l.frame, &r)
	}
	return l.mark()
}

// compact keeps the log within a few times its live bytes and a few segments: where a group
// that stands still holds the oldest segment, its entries are written again. Between two
// rounds at least as much was appended as is written again.
func (l *Log) compact() error {
	if l.compacted {
		return nil // once an Append: what is written again may itself meet a segment's end
	}
	oldest, live, held := l.oldestNeeded(), int64(0), int64(0)
	for _, s := range l.segments {
		live += s.liveBytes
		if s.number >= oldest { // the others go after this Append
			held += s.size
		}
	}
	if oldest == l.current().number || held <= liveFactor*live+segmentsKept*l.cfg.SegmentSize {
		return nil
	}
	l.compacted = true
	for _, id := range l.sortedGroups() {
		if l.groups[id].holds(oldest) {
			if err := l.rewrite(id); err != nil {
				return err
			}
		}
	}
	return l.flush()
}

// The files may take liveFactor times the live bytes and segmentsKept segments before old
// entries are written again. Entries just too large to share a frame, or frames a segment,
// fill a segment to little more than a third, so a smaller factor would never be reached.
const (
	liveFactor   = 4
	segmentsKept = 4
)

func (g *group) holds(segment uint64) bool {
	for _, p := range g.entries {
		if p.in.number == segment {
			return true
		}
	}
	return false
}

func (l *Log) rewrite(id routing.ShardID) error {
	g := l.groups[id]
	entries := g.replayed().Entries
	for _, e := range entries {
		l.stats.rewritten.Add(int64(entrySize(e)))
	}
	return l.writeEntries(id, g, recordRewrite, entries)
}

// release lets go of the segments that the newest durable frame calls unneeded. The
// oldest goes first, so that a crash leaves no gap.
func (l *Log) release() error {
	for l.segments[0].number < l.first {
		s := l.segments[0]
		if err := l.spares.give(l, s); err != nil {
			return err
		}
		l.segments = l.segments[1:]
		l.stats.segments.Add(-1)
		l.stats.bytes.Add(-s.size)
	}
	return nil
}
