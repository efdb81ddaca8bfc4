package raftlog

import (
	"errors"
	"fmt"
	"strings"
)

// spares are files of a segment's size, zero-filled or recycled, so that an append never
// allocates blocks: its sync then has no metadata to write.
type spares struct {
	names   []string
	counter uint64
	making  chan made // nil: none is in the making
}

type made struct {
	name string
	err  error
}

const (
	sparePrefix = "spare-"
	sparesKept  = 2
)

func (s *spares) nextName() string {
	s.counter++
	return fmt.Sprintf("%s%08d", sparePrefix, s.counter)
}

// prepare has a spare made in the background, unless one is there.
func (s *spares) prepare(l *Log) {
	if len(s.names) > 0 || s.making != nil || l.cfg.FS != nil {
		return
	}
	done, name := make(chan made, 1), s.nextName()
	s.making = done
	go func() { done <- made{name, fillSpare(l.fs, name, l.cfg.SegmentSize)} }()
}

// take gives a spare away; where none is there it is made now.
func (s *spares) take(l *Log) (string, error) {
	if n := len(s.names); n > 0 {
		name := s.names[n-1]
		s.names = s.names[:n-1]
		return name, nil
	}
	if s.making != nil {
		m := <-s.making
		s.making = nil
		return m.name, m.err
	}
	name := s.nextName()
	return name, fillSpare(l.fs, name, l.cfg.SegmentSize)
}

// give recycles a segment's file or, where enough are there, removes it. The name is gone
// from the disk before the file may be written to: else a crash could bring the old name
// back over new content.
func (s *spares) give(l *Log, old *segment) error {
	if len(s.names) >= sparesKept || old.size != l.cfg.SegmentSize {
		return errors.Join(l.fs.Remove(old.name()), l.fs.SyncDir())
	}
	name := s.nextName()
	if err := l.fs.Rename(old.name(), name); err != nil {
		return err
	}
	s.names = append(s.names, name)
	return l.fs.SyncDir()
}

// adopt takes over the spares of an earlier run, or removes them where they do not fit.
func (s *spares) adopt(l *Log, names []string) error {
	for _, name := range names {
		if !strings.HasPrefix(name, sparePrefix) {
			continue
		}
		var n uint64
		if _, err := fmt.Sscanf(name, sparePrefix+"%d", &n); err == nil {
			s.counter = max(s.counter, n)
		}
		f, err := l.fs.Open(name, ModeRead)
		if err != nil {
			return err
		}
		size, err := f.Size()
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		if size == l.cfg.SegmentSize && len(s.names) < sparesKept {
			s.names = append(s.names, name)
		} else if err := l.fs.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

// stop waits for a spare in the making.
func (s *spares) stop() {
	if s.making != nil {
		<-s.making
		s.making = nil
	}
}

// fillSpare writes zeros: space that is only reserved would have its metadata written at
// the first sync of every block.
func fillSpare(fs FS, name string, size int64) error {
	if err := writeFile(fs, name, nil, size); err != nil {
		return fmt.Errorf("prepare a segment of %d bytes: %w", size, err)
	}
	return nil
}

// writeFile makes a file of begin and zeros behind it, durable but for its name.
func writeFile(fs FS, name string, begin []byte, size int64) error {
	f, err := fs.Open(name, ModeCreate)
	if err != nil {
		return err
	}
	at := int64(len(begin))
	if at > 0 {
		_, err = f.WriteAt(begin, 0)
	}
	zeros := alignedBuffer(int(min(size, 1<<20)))
	for ; at < size && err == nil; at += int64(len(zeros)) {
		_, err = f.WriteAt(zeros[:min(int64(len(zeros)), size-at)], at)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func isSpare(name string) bool { return strings.HasPrefix(name, sparePrefix) }
