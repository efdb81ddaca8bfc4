package sim

import (
	"bytes"
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

// inode is a file: what its readers see, and what the disk holds of it. A page is never changed
// in place, so that both can share it; nil is one of zeros.
type inode struct {
	cache, disk []*page
	dirty       []int // pages
}

const (
	pageSize   = 4096 // the log writes whole ones
	sectorSize = 512
)

type page [pageSize]byte

func (n *inode) grow(pages int) {
	for len(n.cache) < pages {
		n.cache = append(n.cache, nil)
	}
}

// written are the pages of a write.
type written struct {
	n        *inode
	from, to int
}

// nameChange gives a file a name, or, without one, takes it away.
type nameChange struct {
	name string
	n    *inode
}

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
		n.disk = append(n.disk, make([]*page, len(n.cache)-len(n.disk))...)
	}
	luck := r.IntN(9) // how much of a write is there
	for _, i := range n.dirty {
		if i < len(n.disk) {
			var whole bool
			n.disk[i], whole = tear(r, luck, n.disk[i], n.cache[i])
			torn = torn || !whole
		}
	}
	n.dirty = nil
	n.cache = slices.Clone(n.disk)
	return torn
}

// tear is what is left of a page that was being written over another.
func tear(r *rand.Rand, luck int, before, after *page) (*page, bool) {
	left, whole := page{}, true
	if before != nil {
		left = *before
	}
	for at := 0; at < pageSize; at += sectorSize {
		sector := left[at : at+sectorSize]
		switch n := r.IntN(8); {
		case n < luck && after != nil:
			copy(sector, after[at:])
			continue
		case n < luck:
			clear(sector)
			continue
		case n == 7:
			for i := range sector {
				sector[i] = byte(r.Uint32())
			}
		case n == 6:
			clear(sector)
		}
		whole = false
	}
	return &left, whole
}

// handle is an open file.
type handle struct {
	f    *folder
	n    *inode
	mode raftlog.Mode
}

func (h *handle) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) {
		i, at := int(off)/pageSize, int(off)%pageSize
		if i >= len(h.n.cache) {
			return n, io.EOF
		}
		part := p[n:min(len(p), n+pageSize-at)]
		if from := h.n.cache[i]; from != nil {
			copy(part, from[at:])
		} else {
			clear(part)
		}
		n, off = n+len(part), off+int64(len(part))
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
		p = p[:len(p)/2/pageSize*pageSize]
	}
	from, to := int(off)/pageSize, (int(off)+len(p))/pageSize
	if int(off)%pageSize != 0 || len(p)%pageSize != 0 {
		panic("the log writes a part of a page")
	}
	h.n.grow(to)
	for i := from; i < to; i++ {
		h.n.cache[i] = pageOf(p[(i-from)*pageSize:])
		h.n.dirty = append(h.n.dirty, i)
	}
	if b := h.f.flipped; b != nil && b.n == h.n && from <= b.at/pageSize && b.at/pageSize < to {
		h.f.flipped = nil // it lay behind the end, and is written over
	}
	if h.mode == raftlog.ModeAppend {
		h.f.last = written{h.n, from, to}
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
		h.n.disk = append(h.n.disk, make([]*page, grow)...)
	}
	for _, i := range dirty {
		h.n.disk[i] = h.n.cache[i]
	}
	return nil
}

// pageOf copies a page, unless it is all zeros.
func pageOf(b []byte) *page {
	var zeros page
	if bytes.Equal(b[:pageSize], zeros[:]) {
		return nil
	}
	p := page(b[:pageSize])
	return &p
}

func (h *handle) Size() (int64, error) { return int64(len(h.n.cache)) * pageSize, nil }

func (h *handle) Close() error { return nil }
