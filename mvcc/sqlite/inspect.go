package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	ms "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/shaledb/shale/mvcc"
)

// Limits bound one look into a file. The zero value means the defaults.
type Limits struct {
	Rows    int           // 10,000
	Bytes   int           // of all values; 16 MiB
	Timeout time.Duration // 10 s
}

func (l Limits) withDefaults() Limits {
	if l.Rows <= 0 {
		l.Rows = 10_000
	}
	if l.Bytes <= 0 {
		l.Bytes = 16 << 20
	}
	if l.Timeout <= 0 {
		l.Timeout = 10 * time.Second
	}
	return l
}

// Result is what a statement found. A value is nil, int64, float64, string or []byte.
type Result struct {
	Columns   []string
	Rows      [][]any
	Truncated bool // there was more than the limits allow
}

// RefusedError: the statement is not one that may be run here. The hint says what may.
type RefusedError struct{ What string }

func (e *RefusedError) Error() string { return e.What }

// Inspect runs one read-only statement on a store's file, alive or dead, on a connection of
// its own, in a sandbox: the file is opened read-only and query-only, an authorizer allows
// reading and a list of functions alone, and rows, bytes and time are bounded (P30: no one
// of these is enough). Raw tables and views may be read alike.
func Inspect(ctx context.Context, path, query string, l Limits) (*Result, error) {
	return inspect(ctx, sandbox{path: path, vfs: "&vfs=" + useVFS()}, query, l)
}

// InspectCopy is Inspect on a file that is no store's: rows that were gathered from several,
// on pages without sums.
func InspectCopy(ctx context.Context, path, query string, l Limits) (*Result, error) {
	return inspect(ctx, sandbox{path: path}, query, l)
}

func inspect(ctx context.Context, box sandbox, query string, l Limits) (*Result, error) {
	path := box.path
	l = l.withDefaults()
	if err := single(query); err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	db := sql.OpenDB(box)
	defer db.Close()
	db.SetMaxOpenConns(1)
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, damage(path, err)
	}
	defer c.Close()
	if err := confine(c, l); err != nil {
		return nil, err
	}
	res, err := look(ctx, c, query, l)
	switch {
	case err == nil:
		return res, nil
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("the statement was stopped after %s: %w", l.Timeout, context.DeadlineExceeded)
	case refusal(err):
		return nil, &RefusedError{What: fmt.Sprintf("not allowed in an inspection: %v", err)}
	}
	return nil, damage(path, err)
}

func refusal(err error) bool {
	var e *ms.Error
	return errors.As(err, &e) && e.Code()&0xff == lib.SQLITE_AUTH
}

// sandbox opens read-only connections.
type sandbox struct{ path, vfs string }

func (s sandbox) Driver() driver.Driver { return &ms.Driver{} }

func (s sandbox) Connect(context.Context) (driver.Conn, error) {
	path, err := filepath.Abs(s.path)
	if err != nil {
		return nil, err
	}
	// Only with the file: scheme does SQLite heed the mode.
	dsn := url.URL{Scheme: "file", Opaque: url.PathEscape(path),
		RawQuery: "mode=ro" + s.vfs + "&_defensive=1&_pragma=query_only(1)&_pragma=trusted_schema(0)&_pragma=cell_size_check(1)"}
	return (&ms.Driver{}).Open(dsn.String())
}

// confine sets SQLite's own limits and the authorizer.
func confine(c *sql.Conn, l Limits) error {
	limits := []struct{ id, value int }{
		{lib.SQLITE_LIMIT_LENGTH, max(l.Bytes, mvcc.MaxValueSize+1<<10)}, {lib.SQLITE_LIMIT_SQL_LENGTH, 1 << 20},
		{lib.SQLITE_LIMIT_COLUMN, 200}, {lib.SQLITE_LIMIT_EXPR_DEPTH, 200}, {lib.SQLITE_LIMIT_COMPOUND_SELECT, 50},
		{lib.SQLITE_LIMIT_VDBE_OP, 100_000}, {lib.SQLITE_LIMIT_FUNCTION_ARG, 32}, {lib.SQLITE_LIMIT_ATTACHED, 0},
		{lib.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1 << 10}, {lib.SQLITE_LIMIT_WORKER_THREADS, 0},
	}
	for _, x := range limits {
		if _, err := ms.Limit(c, x.id, x.value); err != nil {
			return err
		}
	}
	return c.Raw(func(raw any) error {
		a, ok := raw.(ms.AuthorizerRegisterer)
		if !ok {
			return errors.New("the driver has no authorizer: nothing may be inspected without one")
		}
		return a.RegisterAuthorizer(authorize)
	})
}

// authorize allows what reads and nothing else.
func authorize(action ms.AuthorizerActionCode, arg1, arg2, _, _ string) ms.AuthorizerReturnCode {
	switch action {
	case ms.AuthSelect, ms.AuthRead, ms.AuthRecursive:
		return ms.AuthorizerOK
	case ms.AuthFunction:
		if harmless(strings.ToLower(arg2)) {
			return ms.AuthorizerOK
		}
	case ms.AuthPragma:
		switch strings.ToLower(arg1) {
		case "table_info", "table_xinfo", "table_list", "index_list", "index_info":
			return ms.AuthorizerOK
		}
	}
	return ms.AuthorizerDeny
}

// harmless says whether a function neither leaves the statement nor makes much of little.
func harmless(name string) bool {
	switch name {
	case "abs", "avg", "ceil", "ceiling", "char", "coalesce", "concat", "concat_ws", "count", "cume_dist", "date",
		"datetime", "dense_rank", "first_value", "floor", "format", "glob", "group_concat", "hex", "ifnull", "if", "iif",
		"instr", "json", "json_array", "json_array_length", "json_each", "json_extract", "json_group_array",
		"json_group_object", "json_object", "json_type", "json_valid", "->", "->>", "julianday", "lag", "last_value",
		"lead", "length", "like", "likelihood", "likely", "ln", "log", "log10", "log2", "lower", "ltrim", "max", "min",
		"mod", "nth_value", "ntile", "nullif", "octet_length", "percent_rank", "pow", "power", "printf", "quote", "rank",
		"replace", "round", "row_number", "rtrim", "sign", "sqrt", "strftime", "string_agg", "substr", "substring",
		"subtype", "sum", "time", "timediff", "total", "trim", "trunc", "typeof", "unhex", "unicode", "unistr", "unixepoch",
		"unlikely", "upper":
		return true
	}
	return false
}

// look runs the statement and reads at most what the limits allow.
func look(ctx context.Context, c *sql.Conn, query string, l Limits) (*Result, error) {
	rows, err := c.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	res := &Result{}
	if res.Columns, err = rows.Columns(); err != nil {
		return nil, err
	}
	left := l.Bytes
	for rows.Next() {
		row, to := make([]any, len(res.Columns)), make([]any, len(res.Columns))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		for _, v := range row {
			left -= sizeOf(v)
		}
		if len(res.Rows) == l.Rows || left < 0 {
			res.Truncated = true
			return res, nil
		}
		res.Rows = append(res.Rows, row)
	}
	return res, rows.Err()
}

func sizeOf(v any) int {
	switch x := v.(type) {
	case string:
		return len(x) + 8
	case []byte:
		return len(x) + 8
	}
	return 8
}
