package sqlite

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"

	ms "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/shaledb/shale/mvcc"
)

// conn is one connection with the statements it has prepared. It belongs to one goroutine
// at a time (P32: two on one connection corrupt memory).
type conn struct {
	raw   driver.Conn
	path  string
	stmts map[string]driver.Stmt
	sums  summer

	values *Values // nil: values beside their rows are always read
	space  uint64  // of the store's values there
}

// connect opens the file, which exists. Mode is SQLite's: rw, or ro. Where the kernel has them,
// locks belong to the open file and not to the process, so that nobody in the process who
// opens and closes the file drops them (P29), and syncs spare the file's timestamps.
func connect(path, mode string, pragmas ...string) (*conn, error) {
	_, _ = ms.OFDLocking(true) // once for the process; an error means that POSIX locks are used
	_, _ = ms.Fdatasync(true)  // an error means that fsync is used
	dsn := url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: "mode=" + mode + "&vfs=" + useVFS()}
	raw, err := (&ms.Driver{}).Open(dsn.String())
	if err != nil {
		return nil, damage(path, err)
	}
	c := &conn{raw: raw, path: path, stmts: map[string]driver.Stmt{}}
	for _, p := range pragmas {
		if err := c.exec("PRAGMA " + p); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

func (c *conn) close() error {
	for _, s := range c.stmts {
		s.Close()
	}
	return c.raw.Close()
}

// prepare is the prepared statement for a text.
func (c *conn) prepare(sql string) (driver.Stmt, error) {
	if s, ok := c.stmts[sql]; ok {
		return s, nil
	}
	s, err := c.raw.Prepare(sql)
	if err != nil {
		return nil, c.wrap(err)
	}
	c.stmts[sql] = s
	return s, nil
}

// exec runs a text once, without keeping it.
func (c *conn) exec(sql string, args ...driver.Value) error {
	s, err := c.raw.Prepare(sql)
	if err != nil {
		return c.wrap(err)
	}
	defer s.Close()
	//lint:ignore SA1019 the driver's own interface: one goroutine, no context
	_, err = s.Exec(args)
	return c.wrap(err)
}

// run executes a prepared statement.
func (c *conn) run(sql string, args ...driver.Value) error {
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	//lint:ignore SA1019 as above
	_, err = s.Exec(args)
	return c.wrap(err)
}

// query runs a prepared statement and calls f for each row until it says stop. The row's
// slices are the callee's to keep, the row itself is not.
func (c *conn) query(sql string, f func(row []driver.Value) (more bool, err error), args ...driver.Value) error {
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	//lint:ignore SA1019 as above
	rows, err := s.Query(args)
	if err != nil {
		return c.wrap(err)
	}
	defer rows.Close()
	row := make([]driver.Value, len(rows.Columns()))
	for {
		err := rows.Next(row)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return c.wrap(err)
		}
		if more, err := f(row); err != nil || !more {
			return err
		}
	}
}

// wrap turns what SQLite says about a damaged file into a *mvcc.CorruptError.
func (c *conn) wrap(err error) error {
	if err == nil {
		return nil
	}
	return damage(c.path, err)
}

// remedy is what to do about a file that is bad.
const remedy = "this replica stops; copy the shard's folder from another node that holds it whole, both nodes stopped"

func damage(path string, err error) error {
	var e *ms.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("%s: %w", path, err)
	}
	switch e.Code() & 0xff {
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB, lib.SQLITE_IOERR, lib.SQLITE_FORMAT, lib.SQLITE_CANTOPEN:
		what := e.Error()
		if e.Code() == lib.SQLITE_IOERR_DATA {
			what = "a page does not match its checksum"
		}
		return &mvcc.CorruptError{File: path, Offset: firstBadPage(path), What: what, Remedy: remedy}
	}
	return fmt.Errorf("%s: %w", path, err)
}

// rotten says that a row does not match its checksum.
func (c *conn) rotten(table string, key any) error {
	name := fmt.Sprint(key)
	if k, ok := key.([]byte); ok {
		name = mvcc.FormatKey(mvcc.Key(k))
	}
	return &mvcc.CorruptError{File: c.path, Offset: -1, Row: fmt.Sprintf("table %s, row %s", table, name),
		What: "the row does not match its checksum", Remedy: remedy}
}
