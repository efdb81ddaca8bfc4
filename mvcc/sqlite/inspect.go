package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/shaledb/shale/mvcc"
)

// Limits bound one look into a file. The zero value means the defaults.
type Limits struct {
	Rows    int           // 10,000
	Bytes   int           // of all values; 16 MiB
	Timeout time.Duration // 10 s, the wait for a place included; the caller's own end comes first
	Memory  int64         // by which the process may grow meanwhile; 256 MiB
	Log     int64         // by which the file's write-ahead log may, which it pins (P25); 128 MiB
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
	if l.Memory <= 0 {
		l.Memory = 256 << 20
	}
	if l.Log <= 0 {
		l.Log = 128 << 20
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

// BusyError: there are as many inspections as there may be at once. Ask again later.
type BusyError struct{ What string }

func (e *BusyError) Error() string { return e.What }

// GreedyError: what the statement holds grew more than it may. Ask for less.
type GreedyError struct {
	What        string
	Grown, Most int64
}

func (e *GreedyError) Error() string {
	return fmt.Sprintf("the statement was stopped: %s grew by %d MiB meanwhile, and may by %d: ask for less at a time, "+
		"or look at a copy of the file", e.What, e.Grown>>20, e.Most>>20)
}

// StatementError: SQLite does not understand the statement, and where.
type StatementError struct {
	What   string
	Offset int    // of the byte where it begins to be wrong; -1: nobody knows
	Place  string // for people: which character, and the line around it
}

func (e *StatementError) Error() string {
	if e.Offset < 0 {
		return e.What
	}
	return fmt.Sprintf("%s, at %s", e.What, e.Place)
}

// Inspect runs one read-only statement on a store's file, alive or dead, on a connection of
// its own, in a sandbox: the file is opened read-only and query-only, an authorizer allows
// reading and a list of functions alone, and rows, bytes, time, memory and the inspections at
// once are bounded (P30: no one of these is enough). Raw tables and views may be read alike.
// Its read transaction, and what it keeps of the write-ahead log, end with it (P25).
func Inspect(ctx context.Context, path, query string, l Limits) (*Result, error) {
	return inspect(ctx, look{path: path, vfs: "&vfs=" + useVFS(), query: query, limits: l.withDefaults()})
}

// InspectCopy is Inspect on a file that is no store's: rows that were gathered from several,
// on pages without sums.
func InspectCopy(ctx context.Context, path, query string, l Limits) (*Result, error) {
	return inspect(ctx, look{path: path, query: query, limits: l.withDefaults()})
}

// look is one look into one file.
type look struct {
	path, vfs, query string
	limits           Limits
}

// outcome is how a look ended.
type outcome struct {
	res *Result
	err error
}

// stragglers is how long after its end a statement may take to notice. Who asked is answered
// then; the box is given back when the statement has really ended.
const stragglers = 50 * time.Millisecond

func inspect(ctx context.Context, k look) (*Result, error) {
	if err := single(k.query); err != nil {
		return nil, err
	}
	if _, err := os.Stat(k.path); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, k.limits.Timeout)
	defer cancel()
	box, err := boxes().take(ctx)
	if err != nil {
		return nil, k.explain(ctx, err)
	}
	done := make(chan outcome, 1)
	go func() {
		defer boxes().give(box)
		res, err := box.run(ctx, k)
		done <- outcome{res, err}
	}()
	select {
	case o := <-done:
		return o.res, k.explain(ctx, o.err)
	case <-ctx.Done():
	}
	select {
	case o := <-done:
		return o.res, k.explain(ctx, o.err)
	case <-time.After(stragglers):
		return nil, k.explain(ctx, ctx.Err())
	}
}

// explain says in whose words it failed: the caller's, the sandbox's, or the file's.
func (k look) explain(ctx context.Context, err error) error {
	var greedy *GreedyError
	var busy *BusyError
	var wrong *StatementError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &greedy), errors.As(err, &busy), errors.As(err, &wrong):
		return err
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("the statement was stopped after %s: %w", k.limits.Timeout, context.DeadlineExceeded)
	case ctx.Err() != nil:
		return fmt.Errorf("the statement was stopped: %w", ctx.Err())
	case refusal(err):
		return &RefusedError{What: fmt.Sprintf("not allowed in an inspection: %v", err)}
	}
	var corrupt *mvcc.CorruptError
	if err := damage(k.path, err); errors.As(err, &corrupt) {
		return err
	}
	return fmt.Errorf("%s: %w", k.path, err)
}
