package raftlog

import (
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
)

const sectorSize = 512

var (
	errCrashed = errors.New("the machine is off")
	errIO      = errors.New("input/output error")
)

// disk is a directory that forgets: what was not synced may be there after a crash or
// not, sector by sector, and names likewise in the order they were changed.
type disk struct {
	names   map[string]*inode
	durable map[string]*inode
	changes []func(map[string]*inode) // names changed since the last SyncDir
	ops     int                       // that changed something
	crashAt int                       // the op that the power goes out at; zero: none
	failAt  int                       // the file sync that fails; zero: none
	syncs   int
	off     bool
}

type inode struct {
	cache, disk []byte
	dirty       map[int]bool // sectors
}

func newDisk() *disk {
	return &disk{names: map[string]*inode{}, durable: map[string]*inode{}}
}

// op counts what a crash can come before.
func (d *disk) op() error {
	d.ops++
	if d.off || d.ops == d.crashAt {
		d.off = true
		return errCrashed
	}
	return nil
}

func (d *disk) Names() ([]string, error) { return slices.Collect(maps.Keys(d.names)), nil }

func (d *disk) change(f func(map[string]*inode)) error {
	if err := d.op(); err != nil {
		return err
	}
	f(d.names)
	d.changes = append(d.changes, f)
	return nil
}

func (d *disk) Open(name string, mode Mode) (File, error) {
	node, ok := d.names[name]
	switch {
	case mode == ModeCreate && ok:
		return nil, os.ErrExist
	case mode == ModeCreate:
		node = &inode{dirty: map[int]bool{}}
		if err := d.change(func(m map[string]*inode) { m[name] = node }); err != nil {
			return nil, err
		}
	case !ok:
		return nil, os.ErrNotExist
	}
	return &handle{d, node}, nil
}

func (d *disk) Rename(from, to string) error {
	return d.change(func(m map[string]*inode) { m[to] = m[from]; delete(m, from) })
}

func (d *disk) Remove(name string) error {
	return d.change(func(m map[string]*inode) { delete(m, name) })
}

func (d *disk) SyncDir() error {
	if err := d.op(); err != nil {
		return err
	}
	d.durable, d.changes = maps.Clone(d.names), nil
	return nil
}

// crash is what the next start finds. garbage: a sector under way may hold anything.
func (d *disk) crash(r *rand.Rand, garbage bool) *disk {
	for _, f := range d.changes[:r.IntN(len(d.changes)+1)] {
		f(d.durable)
	}
	after := newDisk()
	for _, name := range slices.Sorted(maps.Keys(d.durable)) {
		n := d.durable[name]
		b := slices.Clone(n.disk)
		if len(b) < len(n.cache) && r.IntN(2) == 0 {
			b = append(b, make([]byte, len(n.cache)-len(b))...)
		}
		for _, s := range slices.Sorted(maps.Keys(n.dirty)) {
			from, to := min(s*sectorSize, len(b)), min((s+1)*sectorSize, len(b))
			switch pick := r.IntN(8); {
			case pick == 0 && garbage:
				for i := from; i < to; i++ {
					b[i] = byte(r.Uint32())
				}
			case pick == 1 && garbage:
				clear(b[from:to])
			case pick < 5:
				copy(b[from:to], n.cache[from:])
			}
		}
		after.put(name, b)
	}
	return after
}

func (d *disk) put(name string, b []byte) {
	n := &inode{cache: b, disk: slices.Clone(b), dirty: map[int]bool{}}
	d.names[name], d.durable[name] = n, n
}

// clone is a disk of its own with the same synced content.
func (d *disk) clone() *disk {
	c := newDisk()
	for name, n := range d.names {
		c.put(name, slices.Clone(n.cache))
	}
	return c
}

func (d *disk) segments() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(d.names)) {
		if _, ok := parseSegmentName(name); ok {
			out = append(out, name)
		}
	}
	return out
}

type handle struct {
	d *disk
	n *inode
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

func (h *handle) WriteAt(p []byte, off int64) (int, error) {
	crashed := h.d.op() // what is under way may still reach the disk
	if h.d.off && crashed != nil && h.d.ops != h.d.crashAt {
		return 0, crashed
	}
	if grow := int(off) + len(p) - len(h.n.cache); grow > 0 {
		h.n.cache = append(h.n.cache, make([]byte, grow)...)
	}
	copy(h.n.cache[off:], p)
	for s := int(off) / sectorSize; s*sectorSize < int(off)+len(p); s++ {
		h.n.dirty[s] = true
	}
	if crashed != nil {
		return 0, crashed
	}
	return len(p), nil
}

// Sync, where it fails, behaves as Linux does: the pages count as clean from then on, so
// that a second sync says all is well, reads give the new bytes, and the disk has the old.
func (h *handle) Sync() error {
	if err := h.d.op(); err != nil {
		return err
	}
	h.d.syncs++
	if h.d.syncs == h.d.failAt {
		clear(h.n.dirty)
		return errIO
	}
	if len(h.n.disk) < len(h.n.cache) {
		h.n.disk = append(h.n.disk, make([]byte, len(h.n.cache)-len(h.n.disk))...)
	}
	for s := range h.n.dirty {
		from, to := s*sectorSize, min((s+1)*sectorSize, len(h.n.cache))
		copy(h.n.disk[from:to], h.n.cache[from:to])
	}
	clear(h.n.dirty)
	return nil
}

func (h *handle) Size() (int64, error) { return int64(len(h.n.cache)), nil }
func (h *handle) Close() error         { return nil }
