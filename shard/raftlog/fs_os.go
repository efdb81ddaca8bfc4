package raftlog

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// osDir is a real directory.
type osDir struct {
	path   string
	direct bool // the current segment past the page cache, if the file system can
}

func (d *osDir) Names() ([]string, error) {
	list, err := os.ReadDir(d.path)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(list))
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names, nil
}

func (d *osDir) Open(name string, mode Mode) (File, error) {
	path := filepath.Join(d.path, name)
	switch mode {
	case ModeCreate:
		return openFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	case ModeWrite:
		return openFile(path, os.O_RDWR)
	case ModeAppend:
		return d.openAppend(path)
	}
	return openFile(path, os.O_RDONLY)
}

// openAppend prefers O_DIRECT|O_DSYNC: one system call and one device write with forced
// unit access, where a buffered write and fdatasync need two and a flush of the whole
// device cache. File systems without it get the two (overlay and some network ones refuse
// the flag at open, others the first write).
func (d *osDir) openAppend(path string) (File, error) {
	if d.direct {
		f, err := os.OpenFile(path, os.O_RDWR|unix.O_DIRECT|unix.O_DSYNC, 0)
		if err == nil {
			return &directFile{File: f, path: path}, nil
		}
		if !errors.Is(err, unix.EINVAL) {
			return nil, err
		}
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return &bufferedFile{osFile{f}}, nil
}

func (d *osDir) Rename(from, to string) error {
	return os.Rename(filepath.Join(d.path, from), filepath.Join(d.path, to))
}

func (d *osDir) Remove(name string) error { return os.Remove(filepath.Join(d.path, name)) }

func (d *osDir) SyncDir() error { return syncDir(d.path) }

func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// osFile syncs data and metadata: headers of new segments and what is rewritten at open.
type osFile struct{ *os.File }

func openFile(path string, flags int) (File, error) {
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// bufferedFile is a current segment behind the page cache. Its length never changes, so
// that fdatasync is enough.
type bufferedFile struct{ osFile }

func (f *bufferedFile) Sync() error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// directFile is a current segment past the page cache: what was written is durable.
type directFile struct {
	*os.File
	path   string
	behind *bufferedFile // set once the file system turned out to refuse direct writes
	wrote  bool
}

func (f *directFile) WriteAt(p []byte, off int64) (int, error) {
	if f.behind != nil {
		return f.behind.WriteAt(p, off)
	}
	n, err := f.File.WriteAt(p, off)
	if errors.Is(err, unix.EINVAL) && !f.wrote && n == 0 {
		plain, openErr := os.OpenFile(f.path, os.O_RDWR, 0)
		if openErr != nil {
			return 0, openErr
		}
		f.behind = &bufferedFile{osFile{plain}}
		return f.behind.WriteAt(p, off)
	}
	f.wrote = true
	return n, err
}

func (f *directFile) Sync() error {
	if f.behind != nil {
		return f.behind.Sync()
	}
	return nil
}

func (f *directFile) Size() (int64, error) { return osFile{f.File}.Size() }

func (f *directFile) Close() error {
	if f.behind != nil {
		return errors.Join(f.behind.Close(), f.File.Close())
	}
	return f.File.Close()
}
