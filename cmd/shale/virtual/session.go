package virtual

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"

	"modernc.org/sqlite"
)

// Config says what a session shows.
type Config struct {
	Tables    []*Table
	Functions []*Function
	// Begin opens a distributed transaction; nil: this session only looks, and has no kv.
	// Where StatementOf(ctx).AsOf is not zero, the transaction is to read at that timestamp.
	Begin func(ctx context.Context) (Transaction, error)
}

// Session runs statements, one at a time. It belongs to one goroutine.
type Session struct {
	config    Config
	tables    map[string]*Table
	list      []*Table
	functions []*Function
	module    *module
	conn      connection
	handle    *handle
	seed      maphash.Seed

	write bool
	asOf  uint64

	run        *run  // the statement under way
	rows       *Rows // what it answers, while it is open
	internal   bool  // the session's own statement: the authorizer lets it pass
	tx         *transaction
	collations bool // a table of the user's has a collation of its own
	// The user's tables changed since SQLite counted them. It takes a table for a million rows
	// until it has counted, and would read a whole cluster to join it with ten.
	grown bool
}

// connection is the driver's connection, as far as it goes.
type connection interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	sqlite.AuthorizerRegisterer
}

// ErrClosed is what a closed session answers.
var ErrClosed = errors.New("the session is closed")

// Open makes a session with a database in memory of its own. What it registers no other
// session sees.
func Open(cfg Config) (*Session, error) {
	s := &Session{config: cfg, tables: map[string]*Table{}, seed: maphash.MakeSeed()}
	s.module = &module{session: s}
	s.list = append(s.list, cfg.Tables...)
	if cfg.Begin != nil {
		s.list = append(s.list, s.kv())
	}
	s.functions = append(timeFunctions(), cfg.Functions...)
	d := &sqlite.Driver{}
	if err := s.register(d); err != nil {
		return nil, err
	}
	conn, err := d.Open(":memory:?_defensive=1&_dqs=0")
	if err != nil {
		return nil, err
	}
	if err := s.start(conn); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// register puts the module and the functions on the session's own driver.
func (s *Session) register(d *sqlite.Driver) error {
	for _, t := range s.list {
		if err := t.check(); err != nil {
			return err
		}
		if key := strings.ToLower(t.Name); s.tables[key] != nil {
			return fmt.Errorf("two tables are called %s", t.Name)
		} else {
			s.tables[key] = t
		}
	}
	for _, f := range s.functions {
		if !name.MatchString(f.Name) || f.Call == nil {
			return fmt.Errorf("a function cannot be called %q", f.Name)
		}
		if err := s.module.function(d, f); err != nil {
			return err
		}
	}
	return d.RegisterModule(moduleName, s.module)
}

// start fills the new database with the tables, and shuts its doors.
func (s *Session) start(conn driver.Conn) (err error) {
	var ok bool
	if s.conn, ok = conn.(connection); !ok {
		return fmt.Errorf("the SQLite driver's %T does not take an authorizer", conn)
	}
	if s.handle, err = handleOf(conn); err != nil {
		return err
	}
	s.handle.limit()
	if err := s.conn.RegisterAuthorizer(s.authorize); err != nil {
		return err
	}
	ctx := context.Background()
	for _, t := range s.list {
		if err := s.execute(ctx, `CREATE VIRTUAL TABLE "`+t.Name+`" USING `+moduleName); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	return s.execute(ctx, fmt.Sprintf("PRAGMA max_page_count = %d; PRAGMA analysis_limit = 1000", pagesMax))
}

// pagesMax bounds what the user keeps in the session's own database: 1 GiB.
const pagesMax = 1 << 30 / 4096

// execute runs a statement of the session's own.
func (s *Session) execute(ctx context.Context, statement string) error {
	s.internal = true
	defer func() { s.internal = false }()
	_, err := s.conn.ExecContext(ctx, statement, nil)
	return err
}

// Close ends the statement under way and rolls an open transaction back.
func (s *Session) Close() error {
	if s.conn == nil {
		return nil
	}
	if s.rows != nil {
		s.rows.Close()
	}
	err := s.abandon(context.Background())
	s.module.session = nil
	err = errors.Join(err, s.conn.Close())
	s.handle.close()
	s.conn = nil
	return err
}

// SetWrite allows the session to change keys.
func (s *Session) SetWrite(on bool) { s.write = on }

// Write says whether it may.
func (s *Session) Write() bool { return s.write }

// SetAsOf sets the timestamp that statements outside of a transaction see; zero: the newest.
func (s *Session) SetAsOf(ts uint64) { s.asOf = ts }

// AsOf is that timestamp.
func (s *Session) AsOf() uint64 { return s.asOf }

// Tables are the session's own, kv among them.
func (s *Session) Tables() []*Table { return s.list }

// Functions are the scalar ones that the session adds to SQLite's.
func (s *Session) Functions() []*Function { return s.functions }

// collated says whether a comparison of text may be by another rule than its bytes.
func (s *Session) collated() bool { return s.collations || s.run != nil && s.run.collated }

// fail keeps the error of the statement under way: SQLite hands on its text alone.
func (s *Session) fail(err error) error {
	if s.run != nil {
		return s.run.fail(err)
	}
	return err
}
