package raftlog

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// MissingError: there is no log where one is expected.
type MissingError struct{ Dir string }

func (e *MissingError) Error() string {
	return fmt.Sprintf("no raft log in %s; what this node promised its groups is lost with it: bring the directory back, or remove the node's replicas from their shards and let it join anew", e.Dir)
}

// ExistsError: a new log was to be made where one stands.
type ExistsError struct{ Dir string }

func (e *ExistsError) Error() string {
	return fmt.Sprintf("%s holds a raft log already; open it instead, or choose an empty directory", e.Dir)
}

// remedyLoss is what is left to do where records are gone: a replica must not vote again
// under its old identity.
const remedyLoss = "promises of this node's replicas are lost: bring the file back unharmed, or remove the replicas from their shards and let the node join anew with an empty directory"

func corrupt(dir, file string, offset int64, what string) error {
	return &mvcc.CorruptError{File: filepath.Join(dir, file), Offset: offset, What: what, Remedy: remedyLoss}
}

// Open opens the log in a directory and reads it: see Config.Create for new ones. A torn
// tail, as a crash in the middle of an Append leaves it, is cut. Anything else that is
// not as it was written is a *mvcc.CorruptError, and nothing is answered.
func Open(dir string, cfg Config) (*Log, map[routing.ShardID]*Replayed, error) {
	cfg, err := cfg.validate()
	if err != nil {
		return nil, nil, err
	}
	l := &Log{cfg: cfg, fs: cfg.FS, name: dir, groups: make(map[routing.ShardID]*group)}
	if l.fs == nil {
		if cfg.Create {
			if err := makeDir(dir); err != nil {
				return nil, nil, fmt.Errorf("raft log: %w", err)
			}
		}
		l.fs = &osDir{path: dir, direct: !cfg.Buffered}
	}
	names, err := l.fs.Names()
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, &MissingError{Dir: dir}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("raft log: %w", err)
	}
	slices.Sort(names)
	if err := l.open(names); err != nil {
		if l.file != nil {
			err = errors.Join(err, l.file.Close())
		}
		l.spares.stop()
		return nil, nil, err
	}
	out := make(map[routing.ShardID]*Replayed, len(l.groups))
	for id, g := range l.groups {
		out[id] = g.replayed()
	}
	return l, out, nil
}

func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

func (l *Log) open(names []string) error {
	numbers, err := l.segmentNumbers(names)
	if err != nil {
		return err
	}
	if l.cfg.Create && len(numbers) > 0 {
		return &ExistsError{Dir: l.name}
	}
	if !l.cfg.Create && len(numbers) == 0 {
		return &MissingError{Dir: l.name}
	}
	if err := l.spares.adopt(l, names); err != nil {
		return fmt.Errorf("raft log: %w", err)
	}
	l.frame = alignedBuffer(l.frameBegin())[:frameHeaderSize]
	if l.cfg.Create {
		err = l.create()
	} else {
		err = l.recover(numbers)
	}
	if err != nil {
		return err
	}
	// From here on damage to anything found can be told from a torn write.
	if err := l.writeHeads(); err != nil {
		return fmt.Errorf("raft log: %w", err)
	}
	if err := l.release(); err != nil {
		return fmt.Errorf("raft log: %w", err)
	}
	l.spares.prepare(l)
	return nil
}

// segmentNumbers refuses files that nobody here has written.
func (l *Log) segmentNumbers(names []string) ([]uint64, error) {
	var numbers []uint64
	for _, name := range names {
		if n, ok := parseSegmentName(name); ok {
			numbers = append(numbers, n)
		} else if !isSpare(name) {
			return nil, &mvcc.CorruptError{File: filepath.Join(l.name, name), Offset: -1,
				What: "the file does not belong to a raft log", Remedy: "move it elsewhere"}
		}
	}
	return numbers, nil
}

func (l *Log) create() error {
	if _, err := rand.Read(l.id[:]); err != nil {
		return fmt.Errorf("raft log: %w", err)
	}
	l.seq, l.first = 1, 1
	s := &segment{number: 1, size: l.cfg.SegmentSize}
	if err := l.install(s, 1); err != nil {
		return fmt.Errorf("raft log: %w", err)
	}
	if err := l.enter(s); err != nil {
		return fmt.Errorf("raft log: %w", err)
	}
	return nil
}
