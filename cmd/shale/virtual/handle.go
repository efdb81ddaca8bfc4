package virtual

import (
	"context"
	"database/sql/driver"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"modernc.org/libc"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// handle is SQLite's own handle behind the driver's connection, for what the driver does not
// hand through: an interrupt while rows stream (the driver watches the first step alone), the
// place of an error in the text, the conflict clause of an INSERT, limits.
type handle struct {
	db  uintptr
	tls *libc.TLS // for the calls of the session's goroutine
}

// handleOf reads the handle out of the connection. The driver is pinned, and the session's
// tests fail where the field moves.
func handleOf(c driver.Conn) (*handle, error) {
	v := reflect.Indirect(reflect.ValueOf(c))
	if v.Kind() == reflect.Struct {
		if db := v.FieldByName("db"); db.IsValid() && db.Kind() == reflect.Uintptr && db.Uint() != 0 {
			return &handle{db: uintptr(db.Uint()), tls: libc.NewTLS()}, nil
		}
	}
	return nil, fmt.Errorf("the SQLite driver's %T has no handle; this program and modernc.org/sqlite do not fit", c)
}

func (h *handle) close() { h.tls.Close() }

// watch interrupts what SQLite does as soon as ctx ends. The answer must be called before the
// connection is closed: it waits for an interrupt under way.
func (h *handle) watch(ctx context.Context) (stop func()) {
	var done sync.WaitGroup
	done.Add(1)
	over := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer done.Done()
		tls := libc.NewTLS() // the session's is in use by the statement (P32)
		defer tls.Close()
		for {
			sqlite3.Xsqlite3_interrupt(tls, h.db)
			select {
			case <-over:
				return
			case <-time.After(interruptEvery): // SQLite forgets one that came before its first step
			}
		}
	})
	return func() {
		close(over)
		if !cancel() {
			done.Wait()
		}
	}
}

const interruptEvery = 10 * time.Millisecond

// errorOffset is the byte of the last statement where its error is; -1: not known.
func (h *handle) errorOffset() int { return int(sqlite3.Xsqlite3_error_offset(h.tls, h.db)) }

// inTransaction says whether BEGIN or SAVEPOINT is open.
func (h *handle) inTransaction() bool { return sqlite3.Xsqlite3_get_autocommit(h.tls, h.db) == 0 }

// changes is how many rows the last statement that changes rows did change.
func (h *handle) changes() int64 { return sqlite3.Xsqlite3_changes64(h.tls, h.db) }

// conflict is what the INSERT or UPDATE under way says after OR.
func (h *handle) conflict() conflict {
	switch sqlite3.Xsqlite3_vtab_on_conflict(h.tls, h.db) {
	case sqlite3.SQLITE_REPLACE:
		return conflictReplace
	case sqlite3.SQLITE_IGNORE:
		return conflictIgnore
	}
	return conflictFail
}

type conflict int

const (
	conflictFail conflict = iota
	conflictReplace
	conflictIgnore
)

// limit bounds what one statement can ask of this process's memory.
func (h *handle) limit() {
	for id, most := range map[int32]int32{
		sqlite3.SQLITE_LIMIT_LENGTH:         64 << 20,
		sqlite3.SQLITE_LIMIT_ATTACHED:       2,
		sqlite3.SQLITE_LIMIT_SQL_LENGTH:     statementMax,
		sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
	} {
		sqlite3.Xsqlite3_limit(h.tls, h.db, id, most)
	}
}

// statementMax bounds a statement's text, in bytes.
const statementMax = 1 << 20

// reason is the driver's error without what it puts around SQLite's words.
func (h *handle) reason(e *sqlite.Error) string {
	text := e.Error()
	if i := strings.LastIndex(text, " ("); i >= 0 {
		text = text[:i]
	}
	general := libc.GoString(sqlite3.Xsqlite3_errstr(h.tls, int32(e.Code())))
	return strings.TrimPrefix(text, general+": ")
}
