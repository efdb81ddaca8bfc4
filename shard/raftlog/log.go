package raftlog

import (
	"errors"
	"fmt"
	"time"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// Position is a place in one group's log: an index and the term of the entry there.
type Position struct {
	Index mvcc.Index
	Term  uint64
}

// Write is one group's part of a batch. Reset comes first, then Entries, then HardState.
type Write struct {
	Group     routing.ShardID
	HardState *raftpb.HardState // nil: unchanged
	Entries   []*raftpb.Entry   // they overwrite whatever stood at and above their first index
	Reset     *Position         // forget all entries, the log begins after it
}

// Replayed is what the log holds of one group.
type Replayed struct {
	HardState *raftpb.HardState // nil: none was ever written
	Entries   []*raftpb.Entry   // those after the cut
	CutIndex  mvcc.Index
	CutTerm   uint64
}

// Log is open for appending. It belongs to one goroutine; only Stats may be called from
// others.
type Log struct {
	cfg    Config
	fs     FS
	name   string // of the directory, for people
	id     logID
	groups map[routing.ShardID]*group

	segments []*segment // oldest first; the last one is written to
	file     File       // of the last one
	offset   int64      // where its next frame begins
	seq      uint64     // of its next frame
	first    uint64     // the oldest segment needed, as the newest durable frame says
	spares   spares

	frame   []byte // the frame in the making: room for its header, then records
	pending []record
	// compacted: this Append has written old entries again.
	compacted bool
	// heading: the segment's heads are not complete, so older segments are still needed.
	heading bool
	err     error
	stats   counters
}

// PoisonedError: a write or sync of the log failed, so nothing is known about what is on
// the disk, and a repeated sync may answer well although the bytes are gone. End the
// process; the next Open finds out what is there.
type PoisonedError struct{ Cause error }

func (e *PoisonedError) Error() string {
	return fmt.Sprintf("the log failed and takes no more writes until it is opened again: %v", e.Cause)
}

func (e *PoisonedError) Unwrap() error { return e.Cause }

var errClosed = errors.New("the log is closed")

// Append makes the batch durable: in order, with one write and one sync unless it is
// larger than a frame or meets a segment's end. After nil all of it is durable; after an
// error about a write's form nothing of it was written; after any other error the log is
// poisoned, and each write may be durable or not, but none without those before it.
// An empty batch makes earlier Cuts and Removes durable.
func (l *Log) Append(batch []Write) error {
	if l.err != nil {
		return l.err
	}
	size := 0
	for i := range batch {
		n, err := l.check(&batch[i], batch[:i])
		if err != nil {
			return err
		}
		size += n
	}
	if err := l.append(batch, size); err != nil {
		return l.poison(err)
	}
	return nil
}

func (l *Log) append(batch []Write, size int) error {
	l.compacted = false
	size += len(l.pending) * recordBound
	if frameHeaderSize+size <= l.frameMax() && !l.fits(size) {
		if err := l.rotate(); err != nil { // so that the batch stays one frame
			return err
		}
	}
	if err := l.writePending(); err != nil {
		return err
	}
	for i := range batch {
		if err := l.write(&batch[i]); err != nil {
			return err
		}
	}
	if err := l.flush(); err != nil {
		return err
	}
	return l.release()
}

func (l *Log) writePending() error {
	for len(l.pending) > 0 {
		// Only a frame with nothing pending behind it may declare segments unneeded.
		if err := l.room(recordBound); err != nil {
			return err
		}
		l.frame = appendRecord(l.frame, &l.pending[0])
		l.pending = l.pending[1:]
	}
	l.pending = nil
	return nil
}

func (l *Log) write(w *Write) error {
	g := l.group(w.Group)
	bound := writeBound(w)
	if bound > l.frameMax() && w.HardState != nil {
		// It will not fit into one frame. The term and vote must never be younger than
		// the entries, the commit index never ahead of them.
		if err := l.writeState(w.Group, g, early(w.HardState, g.hard)); err != nil {
			return err
		}
	} else if err := l.room(min(bound, l.frameMax())); err != nil {
		return err
	}
	if w.Reset != nil {
		if err := l.room(recordBound); err != nil {
			return err
		}
		l.frame = appendRecord(l.frame, &record{kind: recordReset, group: w.Group, at: *w.Reset})
		g.reset(*w.Reset)
	}
	if err := l.writeEntries(w.Group, g, recordEntries, w.Entries); err != nil {
		return err
	}
	if w.HardState == nil {
		return nil
	}
	return l.writeState(w.Group, g, cloneHardState(w.HardState))
}

func (l *Log) writeState(id routing.ShardID, g *group, h *raftpb.HardState) error {
	if err := l.room(recordBound); err != nil {
		return err
	}
	l.frame = appendRecord(l.frame, &record{kind: recordState, group: id, hard: h})
	g.hard = h
	return nil
}

// writeEntries cuts the entries into records that fit a frame each.
func (l *Log) writeEntries(id routing.ShardID, g *group, kind recordKind, entries []*raftpb.Entry) error {
	for len(entries) > 0 {
		n, size := 0, recordBound
		for n < len(entries) && (n == 0 || size+entrySize(entries[n]) <= l.frameMax()) {
			size += entrySize(entries[n])
			n++
		}
		if err := l.room(size); err != nil {
			return err
		}
		l.frame = appendRecord(l.frame, &record{kind: kind, group: id, entries: entries[:n]})
		fine := false
		if kind == recordRewrite {
			fine = g.rewrite(entries[:n], l.current())
		} else {
			fine = g.append(entries[:n], l.current())
		}
		if !fine {
			return fmt.Errorf("group %d: a gap before entry %d", id, entries[0].GetIndex())
		}
		entries = entries[n:]
	}
	return nil
}

// early is the HardState that may stand before its entries do.
func early(h, before *raftpb.HardState) *raftpb.HardState {
	term, vote, commit := h.GetTerm(), h.GetVote(), before.GetCommit()
	return &raftpb.HardState{Term: &term, Vote: &vote, Commit: &commit}
}

func cloneHardState(h *raftpb.HardState) *raftpb.HardState {
	term, vote, commit := h.GetTerm(), h.GetVote(), h.GetCommit()
	return &raftpb.HardState{Term: &term, Vote: &vote, Commit: &commit}
}

// check refuses what would make the log unreadable. before are the batch's earlier writes.
func (l *Log) check(w *Write, before []Write) (int, error) {
	cut, last := mvcc.Index(0), mvcc.Index(0)
	if g := l.groups[w.Group]; g != nil {
		cut, last = g.cut.Index, g.last
	} else if (len(l.groups)+len(before)+1)*recordBound > int(l.cfg.SegmentSize/4-blockSize) {
		return 0, fmt.Errorf("raft log: %d groups are too many for segments of %d bytes",
			len(l.groups), l.cfg.SegmentSize)
	}
	for i := range before {
		if before[i].Group == w.Group {
			cut, last = after(&before[i], cut, last)
		}
	}
	if w.Reset != nil {
		cut, last = w.Reset.Index, w.Reset.Index
	}
	for i, e := range w.Entries {
		index := mvcc.Index(e.GetIndex())
		if i == 0 && (index <= cut || index > last+1) {
			return 0, fmt.Errorf("raft log: group %d: entries from %d on do not follow: the log is cut at %d and ends at %d",
				w.Group, index, cut, last)
		}
		if i > 0 && e.GetIndex() != w.Entries[i-1].GetIndex()+1 {
			return 0, fmt.Errorf("raft log: group %d: entry %d follows entry %d",
				w.Group, index, w.Entries[i-1].GetIndex())
		}
		if int64(entrySize(e)) > l.cfg.SegmentSize/2-blockSize {
			return 0, fmt.Errorf("raft log: group %d: entry %d of %d bytes exceeds what a segment of %d takes",
				w.Group, index, len(e.GetData()), l.cfg.SegmentSize)
		}
	}
	return writeBound(w), nil
}

// after is where a group's log stands once the write is done.
func after(w *Write, cut, last mvcc.Index) (mvcc.Index, mvcc.Index) {
	if w.Reset != nil {
		cut, last = w.Reset.Index, w.Reset.Index
	}
	if n := len(w.Entries); n > 0 {
		last = mvcc.Index(w.Entries[n-1].GetIndex())
	}
	return cut, last
}

func entrySize(e *raftpb.Entry) int { return entryBound + len(e.GetData()) }

func writeBound(w *Write) int {
	size := 3 * recordBound
	for _, e := range w.Entries {
		size += entrySize(e)
	}
	return size
}

// Cut says that the group's entries up to p are not needed any more. It is remembered by
// the next Append; a crash before that brings the entries back.
func (l *Log) Cut(id routing.ShardID, p Position) {
	g := l.groups[id]
	if g == nil || p.Index <= g.cut.Index {
		return
	}
	g.cutTo(p)
	l.pending = append(l.pending, record{kind: recordCut, group: id, at: p})
}

// Remove forgets the group. It is remembered by the next Append; a crash before that brings
// the group back.
func (l *Log) Remove(id routing.ShardID) {
	g := l.groups[id]
	if g == nil {
		return
	}
	g.reset(Position{})
	delete(l.groups, id)
	l.pending = append(l.pending, record{kind: recordRemove, group: id})
}

// Close makes pending Cuts and Removes durable and marks the end, so that damage to the
// last batch cannot pass for a torn write.
func (l *Log) Close() error {
	if errors.Is(l.err, errClosed) {
		return nil
	}
	err := l.err
	if err == nil {
		if err = l.writePending(); err == nil {
			if err = l.mark(); err == nil {
				err = l.release()
			}
		}
	}
	l.err = errClosed
	l.spares.stop()
	return errors.Join(err, l.file.Close())
}

func (l *Log) mark() error {
	if err := l.room(recordBound); err != nil {
		return err
	}
	l.frame = appendRecord(l.frame, &record{kind: recordMark})
	return l.flush()
}

func (l *Log) group(id routing.ShardID) *group {
	g := l.groups[id]
	if g == nil {
		g = &group{}
		l.groups[id] = g
	}
	return g
}

func (l *Log) poison(err error) error {
	l.err = &PoisonedError{Cause: err}
	return l.err
}

// flush writes and syncs the frame in the making.
func (l *Log) flush() error {
	body := len(l.frame) - frameHeaderSize
	if body == 0 {
		return nil
	}
	h := frameHeader{Length: uint32(body), Seq: l.seq, Segment: l.current().number, First: l.first}
	if len(l.pending) == 0 && !l.heading {
		h.First = l.oldestNeeded()
	}
	h.Sum = l.id.sum(l.frame[frameHeaderSize:])
	h.encode(l.frame, l.id)
	size := blocks(len(l.frame))
	if l.offset+size > l.current().size {
		return fmt.Errorf("a frame of %d bytes does not fit %s behind %d", size, l.current().name(), l.offset)
	}
	padded := l.frame[:size]
	clear(padded[len(l.frame):])
	began := time.Now()
	if _, err := l.file.WriteAt(padded, l.offset); err != nil {
		return fmt.Errorf("write %s: %w", l.current().name(), err)
	}
	if err := l.file.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", l.current().name(), err)
	}
	l.stats.synced(size, body, time.Since(began))
	l.offset += size
	l.seq++
	l.first = h.First
	l.frame = l.frame[:frameHeaderSize]
	return nil
}

// room makes sure that n more bytes fit the frame, and the frame the segment.
func (l *Log) room(n int) error {
	if l.fits(n) && (len(l.frame)+n <= l.frameMax() || len(l.frame) == frameHeaderSize) && len(l.frame)+n <= cap(l.frame) {
		return nil
	}
	if err := l.flush(); err != nil {
		return err
	}
	for !l.fits(n) { // again, where what is written at its begin has filled the new one
		if err := l.rotate(); err != nil {
			return err
		}
	}
	if need := len(l.frame) + n; need > cap(l.frame) {
		grown := alignedBuffer(int(blocks(need)))
		copy(grown, l.frame)
		l.frame = grown[:len(l.frame)]
	}
	return nil
}

// fits says whether n more bytes of records leave the segment its last block, which is
// the seal's.
func (l *Log) fits(n int) bool {
	return l.offset+blocks(len(l.frame)+n)+blockSize <= l.current().size
}

// frameMax is what one write holds, single large entries apart.
func (l *Log) frameMax() int { return int(min(frameSizeMax, l.cfg.SegmentSize/4)) }

// frameBegin is the size of the first buffer, in whole blocks; it grows with the batches.
func (l *Log) frameBegin() int { return int(blocks(l.frameMax() / 8)) }
