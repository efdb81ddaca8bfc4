package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/libc"
	ms "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/shaledb/shale/mvcc"
)

// boxesMax is how many inspections run at once in a process: each may read as fast as a disk
// can, and hold the write-ahead log of a store until it ends.
const boxesMax = 4

// boxWait is how long another one waits for its turn.
const boxWait = 2 * time.Second

// boxes is constant: those of the process.
var boxes = sync.OnceValue(newRack)

// rack holds the boxes that are free.
type rack struct{ free chan *box }

func newRack() *rack {
	r := &rack{free: make(chan *box, boxesMax)}
	for range boxesMax {
		r.free <- newBox()
	}
	return r
}

func (r *rack) take(ctx context.Context) (*box, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, boxWait,
		&BusyError{What: fmt.Sprintf("%d inspections are under way, which is as many as there may be: ask again", boxesMax)})
	defer cancel()
	select {
	case b := <-r.free:
		return b, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (r *rack) give(b *box) { r.free <- b }

// box is a driver with the functions that an inspection may call, one inspection at a time.
// SQLite asks nobody within a function, so that one that takes long does not end: those that
// may take long are here once more (inspect_text.go), and look up now and then.
type box struct {
	driver *ms.Driver
	ctx    atomic.Pointer[context.Context] // of the inspection
}

// run opens the file and runs the statement.
func (b *box) run(ctx context.Context, k look) (*Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	b.ctx.Store(&ctx)
	c, err := b.open(k)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := confine(c, k.limits); err != nil {
		return nil, err
	}
	stop, err := k.watch(ctx, cancel, c)
	if err != nil {
		return nil, err
	}
	res, err := read(c, k)
	stop() // before the connection is closed under it
	var greedy *GreedyError
	if errors.As(context.Cause(ctx), &greedy) {
		return nil, greedy
	}
	if err != nil && ctx.Err() == nil {
		return nil, place(c, k.query, err)
	}
	return res, err
}

func (b *box) open(k look) (driver.Conn, error) {
	path, err := filepath.Abs(k.path)
	if err != nil {
		return nil, err
	}
	// Only with the file: scheme does SQLite heed the mode. What it sorts or keeps meanwhile
	// is in memory, where it is watched, and on no disk.
	dsn := url.URL{Scheme: "file", Opaque: url.PathEscape(path),
		RawQuery: "mode=ro" + k.vfs + "&_defensive=1&_pragma=query_only(1)&_pragma=trusted_schema(0)" +
			"&_pragma=cell_size_check(1)&_pragma=temp_store(2)&_pragma=cache_size(-4096)"}
	return b.driver.Open(dsn.String())
}

// confine sets SQLite's own limits and the authorizer.
func confine(c driver.Conn, l Limits) error {
	handle, err := handleOf(c)
	if err != nil {
		return err
	}
	tls := libc.NewTLS()
	defer tls.Close()
	for _, x := range []struct{ id, value int32 }{
		{lib.SQLITE_LIMIT_LENGTH, mvcc.MaxValueSize + 1<<10}, {lib.SQLITE_LIMIT_SQL_LENGTH, 64 << 10},
		{lib.SQLITE_LIMIT_COLUMN, 64}, {lib.SQLITE_LIMIT_EXPR_DEPTH, 100}, {lib.SQLITE_LIMIT_COMPOUND_SELECT, 50},
		{lib.SQLITE_LIMIT_VDBE_OP, 5_000}, {lib.SQLITE_LIMIT_FUNCTION_ARG, 16}, {lib.SQLITE_LIMIT_ATTACHED, 0},
		{lib.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1 << 10}, {lib.SQLITE_LIMIT_WORKER_THREADS, 0},
	} {
		lib.Xsqlite3_limit(tls, handle, x.id, x.value)
	}
	a, ok := c.(ms.AuthorizerRegisterer)
	if !ok {
		return errors.New("the driver has no authorizer: nothing may be inspected without one")
	}
	tables, err := tablesOf(c)
	if err != nil {
		return err
	}
	return a.RegisterAuthorizer(tables.authorize)
}

// tables are what may be read: true; and what may not, by any name: doors into a file, or out
// of it, that some build of SQLite has (sqlite_dbpage, dbstat).
type tables map[string]bool

func tablesOf(c driver.Conn) (tables, error) {
	out := tables{}
	for _, from := range []struct {
		query string
		may   bool
	}{
		{"SELECT lower(name) FROM pragma_module_list", false},
		{"SELECT lower(name) FROM sqlite_schema WHERE type IN ('table', 'view')", true},
		{"VALUES ('sqlite_schema'), ('sqlite_master'), ('json_each')", true},
	} {
		found, err := read(c, look{query: from.query, limits: Limits{Rows: 1000, Bytes: 1 << 20}})
		if err != nil {
			return nil, err
		}
		for _, row := range found.Rows {
			if name, ok := row[0].(string); ok {
				out[name] = from.may
			}
		}
	}
	return out, nil
}

// may says whether a table may be read. Where no column of it is, SQLite asks for the names of
// a statement's own subqueries, too.
func (t tables) may(name, column string) bool {
	if pragma, ok := strings.CutPrefix(name, "pragma_"); ok {
		return readablePragma(pragma)
	}
	may, known := t[name]
	return may || !known && column == ""
}

// handleOf is SQLite's own handle of a connection. The driver ends a statement at its context's
// end within the first row alone; with the handle, one can be ended at any.
func handleOf(c driver.Conn) (uintptr, error) {
	if v := reflect.ValueOf(c); v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Struct {
		if f := v.Elem().FieldByName("db"); f.Kind() == reflect.Uintptr && f.Uint() != 0 {
			return uintptr(f.Uint()), nil
		}
	}
	return 0, errors.New("the driver has no handle: nothing may be inspected that cannot be stopped")
}

// watchEvery is how often an inspection is looked after.
const watchEvery = 5 * time.Millisecond

// watch ends the statement at its context's end, and the context where memory or the file's
// log grows too much. Stop must be called before the connection is closed.
func (k look) watch(ctx context.Context, cancel context.CancelCauseFunc, c driver.Conn) (stop func(), err error) {
	handle, err := handleOf(c)
	if err != nil {
		return nil, err
	}
	quit, gone := make(chan struct{}), make(chan struct{})
	memory, log := resident(), k.logSize()
	go func() {
		defer close(gone)
		tls := libc.NewTLS()
		defer tls.Close()
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
			}
			if grown := resident() - memory; grown > k.limits.Memory {
				cancel(&GreedyError{What: "the process", Grown: grown, Most: k.limits.Memory})
			}
			if grown := k.logSize() - log; grown > k.limits.Log {
				cancel(&GreedyError{What: "the store's write-ahead log", Grown: grown, Most: k.limits.Log})
			}
			if ctx.Err() != nil { // each time: one that comes between two rows may be lost
				lib.Xsqlite3_interrupt(tls, handle)
			}
		}
	}()
	return func() {
		close(quit)
		<-gone
	}, nil
}

// logSize is that of the write-ahead log. Its end is cut off never, so that it has grown says
// that it could not begin anew.
func (k look) logSize() int64 {
	info, err := os.Stat(k.path + "-wal")
	if err != nil {
		return 0
	}
	return info.Size()
}

// read runs the statement and reads at most what the limits allow.
func read(c driver.Conn, k look) (*Result, error) {
	s, err := c.Prepare(k.query)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	//lint:ignore SA1019 the watch ends it, and not a context
	rows, err := s.Query(nil)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	res, left := &Result{Columns: rows.Columns()}, k.limits.Bytes
	for {
		row := make([]driver.Value, len(res.Columns))
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return res, nil
		case err != nil:
			return nil, err
		}
		out := make([]any, len(row))
		for i, v := range row {
			out[i] = v
			left -= sizeOf(v)
		}
		if len(res.Rows) == k.limits.Rows || left < 0 {
			res.Truncated = true
			return res, nil
		}
		res.Rows = append(res.Rows, out)
	}
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

func refusal(err error) bool {
	var e *ms.Error
	return errors.As(err, &e) && e.Code()&0xff == lib.SQLITE_AUTH
}

// authorize allows what reads and nothing else.
func (t tables) authorize(action ms.AuthorizerActionCode, arg1, arg2, _, _ string) ms.AuthorizerReturnCode {
	switch action {
	case ms.AuthSelect, ms.AuthRecursive:
		return ms.AuthorizerOK
	case ms.AuthRead:
		if t.may(strings.ToLower(arg1), arg2) {
			return ms.AuthorizerOK
		}
	case ms.AuthFunction:
		if harmless(strings.ToLower(arg2)) {
			return ms.AuthorizerOK
		}
	case ms.AuthPragma:
		if readablePragma(strings.ToLower(arg1)) {
			return ms.AuthorizerOK
		}
	}
	return ms.AuthorizerDeny
}

func readablePragma(name string) bool {
	switch name {
	case "table_info", "table_xinfo", "table_list", "index_list", "index_info":
		return true
	}
	return false
}

// harmless says whether a function neither leaves the statement nor makes much of little, as
// printf does: it is how a bomb of constants begins, which SQLite computes in one go.
func harmless(name string) bool {
	switch name {
	case "abs", "avg", "ceil", "ceiling", "char", "coalesce", "concat", "concat_ws", "count", "cume_dist", "date",
		"datetime", "dense_rank", "first_value", "floor", "glob", "group_concat", "hex", "ifnull", "if", "iif",
		"instr", "json", "json_array", "json_array_length", "json_each", "json_extract", "json_group_array",
		"json_group_object", "json_object", "json_type", "json_valid", "->", "->>", "julianday", "lag", "last_value",
		"lead", "length", "like", "likelihood", "likely", "ln", "log", "log10", "log2", "lower", "ltrim", "max", "min",
		"mod", "nth_value", "ntile", "nullif", "octet_length", "percent_rank", "pow", "power", "quote", "rank",
		"replace", "round", "row_number", "rtrim", "sign", "sqrt", "strftime", "string_agg", "substr", "substring",
		"subtype", "sum", "time", "timediff", "total", "trim", "trunc", "typeof", "unhex", "unicode", "unistr", "unixepoch",
		"unlikely", "upper":
		return true
	}
	return false
}
