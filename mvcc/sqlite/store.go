package sqlite

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/shaledb/shale/mvcc"
)

// Config is a store's settings. The zero value means the defaults.
type Config struct {
	CacheKiB int // of the writer's page cache; 8 MiB
	Readers  int // idle read connections kept; 4
	// Values is shared with other stores; nil: large values are not kept in memory.
	Values *Values
}

// Store is one replica's rows in one SQLite file. Its writer, for Flush, Checkpoint,
// DeleteOutside and Load, is for one goroutine at a time; View, Copy and MakeSpan may be
// called by others meanwhile.
type Store struct {
	path   string
	cfg    Config
	writer *conn
	space  uint64 // in cfg.Values

	mu     sync.Mutex
	idle   []*conn // read connections
	closed bool
}

// Create makes a new file that stands at an index: no file may be there. It is durable when
// Create returns.
func Create(path string, meta []mvcc.MetaRow, system []mvcc.SystemRow, index mvcc.Index, term uint64) error {
	if err := create(path); err != nil {
		return err
	}
	c, err := connect(path, "rw", "journal_mode=MEMORY", "synchronous=OFF")
	if err != nil {
		return err
	}
	b := &mvcc.Batch{Index: index, Term: term, Meta: meta, System: system}
	err = c.transaction(func() error { return c.write(b) })
	if e := c.close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return syncFile(path)
}

// create makes the file with its schema and nothing in it.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(emptyFile(pageSize))
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	c, err := connect(path, "rw", "journal_mode=MEMORY", "synchronous=OFF")
	if err != nil {
		return err
	}
	defer c.close()
	return c.script(schema)
}

// syncFile makes a file and its name durable.
func syncFile(path string) error {
	for _, p := range []string{path, filepath.Dir(path)} {
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		err = f.Sync()
		if e := f.Close(); err == nil {
			err = e
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Open opens a store that Create or Copy made. A file that is not one, or not whole, is a
// *mvcc.CorruptError. No other part of the process may open the file but through this
// package: with POSIX locks, closing it elsewhere would drop SQLite's (P29).
func Open(path string, cfg Config) (*Store, error) {
	if cfg.CacheKiB <= 0 {
		cfg.CacheKiB = 8 << 10
	}
	if cfg.Readers <= 0 {
		cfg.Readers = 4
	}
	if err := checkHeader(path); err != nil {
		return nil, err
	}
	c, err := connect(path, "rw", "busy_timeout=5000", "journal_mode=WAL", "wal_autocheckpoint=0",
		"synchronous=NORMAL", fmt.Sprintf("cache_size=-%d", cfg.CacheKiB), "trusted_schema=OFF")
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, cfg: cfg, writer: c}
	if cfg.Values != nil {
		s.space = cfg.Values.space()
	}
	if err := s.checkWhole(); err != nil {
		c.close()
		return nil, err
	}
	return s, nil
}

// checkWhole refuses a file that lost its end, as far as the header and the schema can tell
// without reading the data.
func (s *Store) checkWhole() error {
	if _, _, err := s.writer.at(); err != nil {
		return err
	}
	pages, err := s.writer.number("PRAGMA page_count")
	if err != nil {
		return err
	}
	size, err := s.writer.number("PRAGMA page_size")
	if err != nil {
		return err
	}
	frames, _, err := s.writer.walFrames()
	if err != nil {
		return err
	}
	st, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	if frames == 0 && st.Size() < pages*size {
		return &mvcc.CorruptError{File: s.path, Offset: st.Size(),
			What: fmt.Sprintf("the file ends here but has %d pages of %d bytes", pages, size), Remedy: remedy}
	}
	return nil
}

// Load reads the image and checks every row of it. Versions are not read (P23).
func (s *Store) Load() (*mvcc.Image, error) {
	c := s.writer
	im := &mvcc.Image{}
	var err error
	if im.Index, im.Term, err = c.at(); err != nil {
		return nil, err
	}
	err = c.query(sqlLocks, func(row []driver.Value) (bool, error) {
		l, err := c.lock(row)
		im.Locks = append(im.Locks, l)
		return true, err
	})
	if err != nil {
		return nil, err
	}
	err = c.query(sqlMeta, func(row []driver.Value) (bool, error) {
		name, value, err := c.named("meta", row)
		if name != metaIndex && name != metaTerm {
			im.Meta = append(im.Meta, mvcc.MetaRow{Name: name, Value: value})
		}
		return true, err
	})
	if err != nil {
		return nil, err
	}
	err = c.query(sqlSystem, func(row []driver.Value) (bool, error) {
		name, value, err := c.named("system", row)
		im.System = append(im.System, mvcc.SystemRow{Name: name, Value: value})
		return true, err
	})
	if err != nil {
		return nil, err
	}
	return im, nil
}

// at is the index and term of the state.
func (c *conn) at() (index mvcc.Index, term uint64, err error) {
	seen := 0
	err = c.query(sqlAt, func(row []driver.Value) (bool, error) {
		name, value, err := c.named("meta", row)
		if err != nil {
			return false, err
		}
		n, err := strconv.ParseUint(string(value), 10, 64)
		if err != nil {
			return false, c.rotten("meta", name)
		}
		seen++
		if name == metaIndex {
			index = mvcc.Index(n)
		} else {
			term = n
		}
		return true, nil
	})
	if err == nil && seen != 2 {
		err = c.rotten("meta", "applied_index (missing)")
	}
	return index, term, err
}

// number is the single integer of a statement.
func (c *conn) number(sql string) (n int64, err error) {
	err = c.query(sql, func(row []driver.Value) (bool, error) {
		n = integer(row[0])
		return true, nil
	})
	return n, err
}

// walFrames is how many frames the write-ahead log has, and how many of them are in the
// file already.
func (c *conn) walFrames() (frames, done int64, err error) {
	err = c.query("PRAGMA wal_checkpoint(NOOP)", func(row []driver.Value) (bool, error) {
		frames, done = integer(row[1]), integer(row[2])
		return true, nil
	})
	return max(frames, 0), max(done, 0), err
}

// WALSize is the bytes that the write-ahead log has since it began anew, and how many of them
// are not in the file yet.
func (s *Store) WALSize() (size, left int64) {
	frames, done, err := s.writer.walFrames()
	if err != nil {
		return 0, 0 // the next flush says what is wrong
	}
	return frames * pageSize, (frames - done) * pageSize
}

// Checkpoint folds the write-ahead log into the file, as far as no reader stands in the way,
// and says how many bytes of it are left. It proves nothing about durability (S14): for
// that there is Flush with durable set.
func (s *Store) Checkpoint() (left int64, err error) {
	err = s.writer.query("PRAGMA wal_checkpoint(PASSIVE)", func(row []driver.Value) (bool, error) {
		left = (max(integer(row[1]), 0) - max(integer(row[2]), 0)) * pageSize
		return true, nil
	})
	return left, err
}

// Size is the file's bytes, without its write-ahead log.
func (s *Store) Size() int64 {
	st, err := os.Stat(s.path)
	if err != nil {
		return 0
	}
	return st.Size()
}

// Close closes every connection; the last one folds the write-ahead log into the file and
// removes it. Views must be closed before.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return errors.New("the store was closed before")
	}
	s.closed = true
	idle := s.idle
	s.idle = nil
	s.mu.Unlock()
	var first error
	for _, c := range idle {
		if err := c.close(); err != nil && first == nil {
			first = err
		}
	}
	if err := s.writer.exec("PRAGMA synchronous=FULL"); err != nil && first == nil {
		first = err
	}
	if err := s.writer.close(); err != nil && first == nil {
		first = err
	}
	return first
}
