package raftlog

import (
	"errors"
	"fmt"
	"io"
)

// scanned is one segment as it was found.
type scanned struct {
	segment *segment
	header  segmentHeader
	frames  []foundFrame
	end     int64  // behind the last whole frame
	torn    int64  // bytes of a torn frame behind it
	sealed  uint64 // the next segment, where it was sealed
	data    []byte
}

type foundFrame struct {
	offset  int64
	header  frameHeader
	records []byte
}

// recover reads what is there. The newest segment tells which is the oldest one needed;
// from that on they are replayed in order.
func (l *Log) recover(numbers []uint64) error {
	newest, err := l.scan(numbers[len(numbers)-1], true)
	if err != nil {
		return err
	}
	if newest.sealed != 0 {
		return corrupt(l.name, segmentName(newest.sealed), 0, "the segment is missing")
	}
	l.id, l.first = newest.header.ID, newest.header.First
	if n := len(newest.frames); n > 0 {
		l.first = newest.frames[n-1].header.First
	}
	if err := l.complete(numbers); err != nil {
		return err
	}
	last := newest.segment.number
	l.seq = 0
	for number := l.first; number < last; number++ {
		s, err := l.scan(number, number == last-1 && len(newest.frames) == 0)
		if err != nil {
			return err
		}
		if err := l.replay(s); err != nil {
			return err
		}
		if number == last-1 && len(newest.frames) == 0 {
			if err := l.reseal(s, newest); err != nil {
				return err
			}
		} else if s.sealed != number+1 {
			return corrupt(l.name, s.segment.name(), s.end, "the segment ends without its seal: records are lost")
		}
		s.data = nil
	}
	if err := l.replay(newest); err != nil {
		return err
	}
	for id, g := range l.groups {
		if !g.whole() {
			return corrupt(l.name, newest.segment.name(), newest.end,
				fmt.Sprintf("entries of group %d between its cut at %d and its end at %d are missing", id, g.cut.Index, g.last))
		}
	}
	return l.resume(newest, numbers)
}

// complete: every needed segment must be there; left-overs below are none of ours.
func (l *Log) complete(numbers []uint64) error {
	want := l.first
	for _, n := range numbers {
		if n < l.first {
			continue
		}
		if n != want {
			break
		}
		want++
	}
	if newest := numbers[len(numbers)-1]; want != newest+1 {
		return corrupt(l.name, segmentName(want), 0, "the segment is missing")
	}
	return nil
}

// scan reads a segment's frames. Only where it may have a torn end does a bad frame end
// the scan; and even there a later frame, which was written after this one's sync had
// come back, proves that this one was whole once.
func (l *Log) scan(number uint64, mayTear bool) (*scanned, error) {
	s := &scanned{segment: &segment{number: number}, end: blockSize}
	if err := l.load(s); err != nil {
		return nil, err
	}
	for s.end < int64(len(s.data)) && s.sealed == 0 {
		var h frameHeader
		rest := s.data[s.end:]
		whole := h.decode(rest, s.header.ID, number)
		var records []byte
		if whole {
			records, whole = h.records(rest, s.header.ID)
		}
		if !whole {
			return s, l.judge(s, mayTear)
		}
		if want := s.header.FirstSeq + uint64(len(s.frames)); h.Seq != want {
			return nil, corrupt(l.name, s.segment.name(), s.end,
				fmt.Sprintf("frame %d stands where frame %d belongs", h.Seq, want))
		}
		s.frames = append(s.frames, foundFrame{s.end, h, records})
		if len(records) > 0 && recordKind(records[0]) == recordSeal {
			d := decoder{rest: records}
			r, err := d.next()
			if err != nil {
				return nil, corrupt(l.name, s.segment.name(), s.end, err.Error())
			}
			s.sealed = r.segment
		}
		s.end += blocks(frameHeaderSize + len(records))
	}
	return s, nil
}

// load reads the file and checks its header.
func (l *Log) load(s *scanned) error {
	name := s.segment.name()
	f, err := l.fs.Open(name, ModeRead)
	if err != nil {
		return fmt.Errorf("raft log: %w", err)
	}
	size, err := f.Size()
	if err == nil { // a file of another size is refused below, whatever is in it
		s.data = make([]byte, min(size, segmentSizeMax))
		_, err = io.ReadFull(io.NewSectionReader(f, 0, size), s.data)
		if len(s.data) == 0 && errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("raft log: read %s: %w", name, err)
	}
	if wrong := s.header.decode(s.data); wrong != "" {
		return corrupt(l.name, name, 0, wrong)
	}
	switch {
	case s.header.Segment != s.segment.number:
		return corrupt(l.name, name, 0, fmt.Sprintf("the file is segment %d under another name", s.header.Segment))
	case s.header.Size != size:
		return corrupt(l.name, name, min(size, s.header.Size), fmt.Sprintf("the file has %d bytes instead of %d", size, s.header.Size))
	case l.id != (logID{}) && s.header.ID != l.id:
		return corrupt(l.name, name, 0, "the segment belongs to another log")
	}
	s.segment.size = size
	return nil
}

// judge decides between a torn frame and damage at s.end.
func (l *Log) judge(s *scanned, mayTear bool) error {
	if !mayTear {
		return corrupt(l.name, s.segment.name(), s.end, "a frame does not match its checksum")
	}
	var h frameHeader
	for at := s.end + blockSize; at < int64(len(s.data)); at += blockSize {
		if h.decode(s.data[at:], s.header.ID, s.segment.number) && h.Seq > s.header.FirstSeq+uint64(len(s.frames)) {
			return corrupt(l.name, s.segment.name(), s.end,
				fmt.Sprintf("a frame does not match its checksum, although frame %d at offset %d was written after it was safe", h.Seq, at))
		}
	}
	if h.decode(s.data[s.end:], s.header.ID, s.segment.number) {
		s.torn = min(blocks(frameHeaderSize+int(h.Length)), int64(len(s.data))-s.end)
	}
	return nil
}

// replay carries out a segment's records.
func (l *Log) replay(s *scanned) error {
	name := s.segment.name()
	if l.seq != 0 && s.header.FirstSeq != l.seq {
		return corrupt(l.name, name, 0, fmt.Sprintf("the segment begins with frame %d where frame %d belongs", s.header.FirstSeq, l.seq))
	}
	l.segments = append(l.segments, s.segment)
	for _, f := range s.frames {
		d := decoder{rest: f.records}
		for d.more() {
			r, err := d.next()
			if err != nil {
				return corrupt(l.name, name, f.offset, err.Error())
			}
			if wrong := l.apply(&r, s.segment); wrong != "" {
				return corrupt(l.name, name, f.offset, wrong)
			}
		}
	}
	l.seq = s.header.FirstSeq + uint64(len(s.frames))
	return nil
}

// apply changes the group as its record says, or says what does not fit.
func (l *Log) apply(r *record, in *segment) (wrong string) {
	if r.kind == recordSeal || r.kind == recordMark {
		return ""
	}
	if r.kind == recordRemove {
		if g := l.groups[r.group]; g != nil {
			g.reset(Position{})
			delete(l.groups, r.group)
		}
		return ""
	}
	g := l.group(r.group)
	fine := true
	switch r.kind {
	case recordState:
		g.hard = r.hard
	case recordCut:
		g.cutTo(r.at)
	case recordReset:
		g.reset(r.at)
	case recordEntries:
		fine = g.append(r.entries, in)
	case recordRewrite:
		fine = g.rewrite(r.entries, in)
	case recordHead:
		g.hard = r.hard
		g.cutTo(r.at)
		if len(g.entries) == 0 {
			g.cut, g.last = r.at, r.last
		}
		fine = g.last == r.last
	}
	if !fine {
		return fmt.Sprintf("a record of group %d does not follow what stands before it", r.group)
	}
	return ""
}

// reseal: a crash came between making the newest segment and sealing the one before.
func (l *Log) reseal(s, newest *scanned) error {
	want := newest.header.FirstSeq
	if s.sealed == newest.segment.number && l.seq == want {
		return l.refresh(s)
	}
	if s.sealed != 0 || l.seq+1 != want {
		return corrupt(l.name, s.segment.name(), s.end, "records before the newest segment are lost")
	}
	if err := l.refresh(s); err != nil {
		return err
	}
	f, err := l.fs.Open(s.segment.name(), ModeAppend)
	if err != nil {
		return fmt.Errorf("raft log: %w", err)
	}
	l.file, l.offset = f, s.end
	if err := l.seal(newest.segment.number); err != nil {
		return fmt.Errorf("raft log: %w", err)
	}
	l.file = nil
	return f.Close()
}

// refresh puts a new file with the segment's whole frames in the old one's place. What a
// failed sync left in the page cache is read back as if it were safe: only a new write
// makes it so, and not over the old bytes, which may be all there is when the power fails.
func (l *Log) refresh(s *scanned) error {
	name := l.spares.nextName()
	err := writeFile(l.fs, name, s.data[:s.end], s.segment.size)
	if err == nil {
		err = l.fs.Rename(name, s.segment.name())
	}
	if err == nil {
		err = l.fs.SyncDir()
	}
	if err != nil {
		return fmt.Errorf("raft log: rewrite %s: %w", s.segment.name(), err)
	}
	return nil
}

// resume goes on behind the last whole frame.
func (l *Log) resume(newest *scanned, numbers []uint64) error {
	if err := l.refresh(newest); err != nil {
		return err
	}
	for _, s := range l.segments {
		l.stats.segments.Add(1)
		l.stats.bytes.Add(s.size)
	}
	l.segments = l.segments[:len(l.segments)-1]
	l.stats.segments.Add(-1)
	l.stats.bytes.Add(-newest.segment.size)
	if err := l.enter(newest.segment); err != nil {
		return fmt.Errorf("raft log: %w", err)
	}
	l.offset = newest.end
	l.stats.torn.Store(newest.torn)
	return l.leftovers(numbers)
}

// leftovers removes segments whose release a crash interrupted.
func (l *Log) leftovers(numbers []uint64) error {
	for _, n := range numbers {
		if n < l.first {
			if err := l.fs.Remove(segmentName(n)); err != nil {
				return fmt.Errorf("raft log: %w", err)
			}
		}
	}
	return nil
}
