package sqlite

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"modernc.org/libc"
	ms "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// place says where a statement begins to be wrong, where SQLite says it. Of another error
// nothing is changed.
func place(c driver.Conn, query string, err error) error {
	var e *ms.Error
	if !errors.As(err, &e) || !faulty(e.Code()) {
		return err
	}
	handle, cause := handleOf(c)
	if cause != nil {
		return err
	}
	tls := libc.NewTLS()
	defer tls.Close()
	at := int(lib.Xsqlite3_error_offset(tls, handle))
	what := strings.TrimPrefix(e.Error(), "SQL logic error: ")
	what = strings.TrimSuffix(what, fmt.Sprintf(" (%d)", e.Code()))
	if at < 0 || at > len(query) {
		return &StatementError{What: what, Offset: -1}
	}
	return &StatementError{What: what, Offset: at,
		Place: fmt.Sprintf("character %d: %s", utf8.RuneCountInString(query[:at])+1, excerpt(query, at))}
}

// faulty says whether an error is the statement's.
func faulty(code int) bool {
	switch code & 0xff {
	case lib.SQLITE_ERROR, lib.SQLITE_TOOBIG, lib.SQLITE_MISMATCH, lib.SQLITE_RANGE:
		return true
	}
	return false
}

// around is how much of a statement is shown on either side of the place.
const around = 24

// excerpt is the line of the statement around a place, with a mark before it.
func excerpt(query string, at int) string {
	start := strings.LastIndexByte(query[:at], '\n') + 1
	end := len(query)
	if i := strings.IndexByte(query[at:], '\n'); i >= 0 {
		end = at + i
	}
	before, after := query[start:at], query[at:end]
	if len(before) > around {
		before = "…" + before[cutAt(before, len(before)-around):]
	}
	if len(after) > around {
		after = after[:cutAt(after, around)] + "…"
	}
	return before + "▸" + after
}

// cutAt moves a place in a text back to where a character begins.
func cutAt(s string, at int) int {
	for at > 0 && !utf8.RuneStart(s[at]) {
		at--
	}
	return at
}
