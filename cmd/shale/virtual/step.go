package virtual

import (
	"database/sql/driver"
	"fmt"
	"reflect"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// steps runs a prepared statement of the driver's row by row. The driver's own rows take
// SQLite's mutex three times for a value, and read a column called DATETIME as another type.
type steps struct {
	*handle
	stmt    driver.Stmt
	p       uintptr
	columns []string
}

func (h *handle) steps(stmt driver.Stmt) (*steps, error) {
	v := reflect.Indirect(reflect.ValueOf(stmt))
	if v.Kind() == reflect.Struct {
		if p := v.FieldByName("pstmt"); p.IsValid() && p.Kind() == reflect.Uintptr && p.Uint() != 0 {
			st := &steps{handle: h, stmt: stmt, p: uintptr(p.Uint())}
			if sqlite3.Xsqlite3_bind_parameter_count(h.tls, st.p) > 0 {
				return nil, &RefusedError{"a parameter (?, :name) has no value here; write the value in its place"}
			}
			for i := range sqlite3.Xsqlite3_column_count(h.tls, st.p) {
				st.columns = append(st.columns, libc.GoString(sqlite3.Xsqlite3_column_name(h.tls, st.p, i)))
			}
			return st, nil
		}
	}
	return nil, fmt.Errorf("the SQLite driver's %T has no handle; this program and modernc.org/sqlite do not fit", stmt)
}

// next takes a step; false without an error: that was the last row.
func (st *steps) next() (bool, error) {
	switch rc := sqlite3.Xsqlite3_step(st.tls, st.p); rc {
	case sqlite3.SQLITE_ROW:
		return true, nil
	case sqlite3.SQLITE_DONE:
		return false, nil
	default:
		return false, &Error{int(rc), libc.GoString(sqlite3.Xsqlite3_errmsg(st.tls, st.db))}
	}
}

// read fills the row with values of their own.
func (st *steps) read(row []any) {
	for i := range row {
		v := sqlite3.Xsqlite3_column_value(st.tls, st.p, int32(i))
		switch sqlite3.Xsqlite3_value_type(st.tls, v) {
		case sqlite3.SQLITE_INTEGER:
			row[i] = int64(sqlite3.Xsqlite3_value_int64(st.tls, v))
		case sqlite3.SQLITE_FLOAT:
			row[i] = float64(sqlite3.Xsqlite3_value_double(st.tls, v))
		case sqlite3.SQLITE_TEXT:
			row[i] = string(st.view(sqlite3.Xsqlite3_value_text(st.tls, v), v))
		case sqlite3.SQLITE_BLOB:
			row[i] = append([]byte{}, st.view(sqlite3.Xsqlite3_value_blob(st.tls, v), v)...)
		default:
			row[i] = nil
		}
	}
}

// view is SQLite's memory, until the next step.
func (st *steps) view(p, v uintptr) []byte {
	if n := sqlite3.Xsqlite3_value_bytes(st.tls, v); n > 0 && p != 0 {
		return libc.GoBytes(p, int(n))
	}
	return nil
}
