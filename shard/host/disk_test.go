package host

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/shaledb/shale/shard/raftlog"
)

// brokenFS is a directory whose files cannot be written any more once it is told so.
type brokenFS struct {
	dir string
	now atomic.Bool
}

var errBroken = errors.New("input/output error")

func (d *brokenFS) path(name string) string { return filepath.Join(d.dir, name) }

func (d *brokenFS) Names() ([]string, error) {
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return nil, err
	}
	list, err := os.ReadDir(d.dir)
	names := make([]string, 0, len(list))
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names, err
}

func (d *brokenFS) Open(name string, mode raftlog.Mode) (raftlog.File, error) {
	flags := os.O_RDWR
	if mode == raftlog.ModeCreate {
		flags |= os.O_CREATE | os.O_EXCL
	}
	f, err := os.OpenFile(d.path(name), flags, 0o600)
	if err != nil {
		return nil, err
	}
	return &brokenFile{f, &d.now}, nil
}

func (d *brokenFS) Rename(from, to string) error { return os.Rename(d.path(from), d.path(to)) }
func (d *brokenFS) Remove(name string) error     { return os.Remove(d.path(name)) }
func (d *brokenFS) SyncDir() error               { return syncPath(d.dir) }

type brokenFile struct {
	*os.File
	now *atomic.Bool
}

func (f *brokenFile) WriteAt(p []byte, off int64) (int, error) {
	if f.now.Load() {
		return 0, errBroken
	}
	return f.File.WriteAt(p, off)
}

func (f *brokenFile) Size() (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}
