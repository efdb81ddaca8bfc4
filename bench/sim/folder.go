package sim

import (
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"

	"github.com/shaledb/shale/shard/raftlog"
)

// folder is the directory of a node's log, as a disk keeps it: the real log writes to it. What
// was not synced is there after a power failure or not, sector by sector, a sector under way
// may hold anything, and names come and go in the order they were changed.
type folder struct {
	names   map[string]*inode
	durable map[string]*inode
	changes []nameChange // since the last SyncDir
	last    written      // to the segment in use: what a crash may pass for torn

	stop    int  // the operation that the process ends at; zero: none
	ended   bool // nothing is written any more
	failing bool // the next sync fails
	flipped *flip
}

// inode is a file: what its readers see, and what the disk holds of it.
type inode struct {
	cache, disk []byte
	dirty       []extent
}

type extent struct{ from, to int }

type written struct {
	n  *inode
	at extent
}

// nameChange gives a file a name, or, without one, takes it away.
type nameChange struct {
	name string
	n    *inode
}

const sectorSize = 512

var (
	errEnded = errors.New("the process is gone")
	errIO    = errors.New("input/output error")
)

var _ raftlog.FS = (*folder)(nil)

func newFolder() *folder {
	return &folder{names: map[string]*inode{}, durable: map[string]*inode{}}
}

// op counts what the end can come at. The operation that it comes at is begun.
func (f *folder) op() error {
	if f.stop > 0 {
		if f.stop--; f.stop == 0 {
			f.ended = true
			return errEnded
		}
	}
	if f.ended {
		return errEnded
	}
	return nil
}

func (f *folder) Names() ([]string, error) { return slices.Collect(maps.Keys(f.names)), nil }

func (f *folder) change(changes ...nameChange) error {
	if f.ended {
		return errEnded
	}
	err := f.op()
	for _, c := range changes {
		c.make(f.names)
	}
	f.changes = append(f.changes, changes...)
	return err
}

func (c nameChange) make(names map[string]*inode) {
	if c.n == nil {
		delete(names, c.name)
		return
	}
	names[c.name] = c.n
}

// Open opens a file, or makes one.
func (f *folder) Open(name string, mode raftlog.Mode) (raftlog.File, error) {
	n, ok := f.names[name]
	switch {
	case mode == raftlog.ModeCreate && ok:
		return nil, os.ErrExist
	case mode == raftlog.ModeCreate:
		n = &inode{}
		if err := f.change(nameChange{name, n}); err != nil {
			return nil, err
		}
	case !ok:
		return nil, os.ErrNotExist
	}
	return &handle{f, n, mode}, nil
}

// Rename replaces what has the new name.
func (f *folder) Rename(from, to string) error {
	return f.change(nameChange{to, f.names[from]}, nameChange{from, nil})
}

// Remove takes the name away.
func (f *folder) Remove(name string) error { return f.change(nameChange{name, nil}) }

// SyncDir makes the names durable.
func (f *folder) SyncDir() error {
	if err := f.op(); err != nil {
		return err
	}
	f.durable, f.changes = maps.Clone(f.names), nil
	return nil
}

// restart is what a process finds that begins again, the machine having run all the time.
func (f *folder) restart() { f.stop, f.ended, f.failing = 0, false, false }

// losePower leaves what the disk has, and of what it was not told to keep what luck decides.
// It says whether a write was torn.
func (f *folder) losePower(r *rand.Rand) (torn bool) {
	f.restart()
	for n := r.IntN(len(f.changes) + 1); n > 0 && len(f.changes) > 0; n-- {
		c := f.changes[0]
		f.changes = f.changes[1:]
		c.make(f.durable)
	}
	f.changes = nil
	f.names = maps.Clone(f.durable)
	for _, name := range slices.Sorted(maps.Keys(f.names)) {
		torn = f.names[name].losePower(r) || torn
	}
	return torn
}

func (n *inode) losePower(r *rand.Rand) (torn bool) {
	if len(n.disk) < len(n.cache) && r.IntN(2) == 0 {
		n.disk = append(n.disk, make([]byte, len(n.cache)-len(n.disk))...)
	}
	most := 1 + r.IntN(8) // of a write, mostly the front is there
	for _, x := range n.dirty {
		kept := 0
		for at := x.from; at < x.to; at += sectorSize {
			end := min(at+sectorSize, x.to, len(n.disk))
			if at >= end {
				break
			}
			switch luck := r.IntN(8); {
			case luck == 0:
				for i := at; i < end; i++ {
					n.disk[i] = byte(r.Uint32())
				}
			case luck == 1:
				clear(n.disk[at:end])
			case luck < most:
				copy(n.disk[at:end], n.cache[at:end])
				kept++
				continue
			}
			torn = true
		}
	}
	n.dirty = nil
	n.cache = slices.Clone(n.disk)
	return torn
}

// handle is an open file.
type handle struct {
	f    *folder
	n    *inode
	mode raftlog.Mode
}

func (h *handle) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(h.n.cache)) {
		return 0, io.EOF
	}
	n := copy(p, h.n.cache[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt writes into the page cache, whole or, where the process ends at it, up to a sector.
func (h *handle) WriteAt(p []byte, off int64) (int, error) {
	if h.f.ended {
		return 0, errEnded
	}
	err := h.f.op()
	if err != nil {
		p = p[:len(p)/2/sectorSize*sectorSize]
	}
	from, to := int(off), int(off)+len(p)
	if grow := to - len(h.n.cache); grow > 0 {
		h.n.cache = append(h.n.cache, make([]byte, grow)...)
	}
	copy(h.n.cache[from:], p)
	if b := h.f.flipped; b != nil && b.n == h.n && from <= b.at && b.at < to {
		h.f.flipped = nil // it lay behind the end, and is written over
	}
	h.n.dirty = append(h.n.dirty, extent{from, to})
	if h.mode == raftlog.ModeAppend {
		h.f.last = written{h.n, extent{from, to}}
	}
	return len(p), err
}

// Sync, where it fails, behaves as Linux does: the pages count as clean from then on, so that a
// second sync says that all is well, reads give the new bytes, and the disk has the old (P28).
func (h *handle) Sync() error {
	if err := h.f.op(); err != nil {
		return err
	}
	dirty := h.n.dirty
	h.n.dirty = nil
	if h.f.failing {
		h.f.failing = false
		return errIO
	}
	if grow := len(h.n.cache) - len(h.n.disk); grow > 0 {
		h.n.disk = append(h.n.disk, make([]byte, grow)...)
	}
	for _, x := range dirty {
		copy(h.n.disk[x.from:x.to], h.n.cache[x.from:x.to])
	}
	return nil
}

func (h *handle) Size() (int64, error) { return int64(len(h.n.cache)), nil }

func (h *handle) Close() error { return nil }
