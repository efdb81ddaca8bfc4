package shell

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/shaledb/shale/cmd/shale/output"
	"github.com/shaledb/shale/cmd/shale/virtual"
)

// fake is an engine that remembers what it was asked, and a small store with transactions.
type fake struct {
	asked   []string
	store   map[string]string
	write   bool
	asOf    uint64
	open    *fakeTxn
	commits uint64
	retries int // how often Do runs its function for nothing first
	failing error
}

func newFake() *fake { return &fake{store: map[string]string{}} }

// pointed is a syntax error with a place.
type pointed struct{ at string }

func (e *pointed) Error() string { return fmt.Sprintf("near %q: syntax error", e.at) }
func (e *pointed) Caret() string { return "SELEC 1\n^" }

// fakeRows are a listing that can be closed, fail at its end, and commit.
type fakeRows struct {
	*output.Listing
	failing   error
	committed uint64
	closed    bool
}

func (r *fakeRows) Err() error        { return r.failing }
func (r *fakeRows) Close() error      { r.closed = true; return nil }
func (r *fakeRows) Committed() uint64 { return r.committed }

func rowsOf(columns string, rows ...[]any) *fakeRows {
	return &fakeRows{Listing: &output.Listing{Header: strings.Fields(columns), Values: rows}}
}

// Query understands a few statements to the letter.
func (f *fake) Query(ctx context.Context, statement string) (Rows, error) {
	f.asked = append(f.asked, statement)
	verb, rest, _ := strings.Cut(strings.ToUpper(statement), " ")
	switch verb {
	case "BEGIN":
		f.open = &fakeTxn{engine: f, own: map[string]*string{}}
		return rowsOf(""), nil
	case "COMMIT":
		if f.open == nil {
			return nil, errors.New("no transaction is open")
		}
		r := rowsOf("")
		r.committed = f.commit(f.open)
		f.open = nil
		return r, nil
	case "ROLLBACK":
		f.open = nil
		return rowsOf(""), nil
	case "SELEC":
		return nil, &pointed{at: "SELEC"}
	case "FAIL":
		return nil, errors.New(strings.ToLower(rest))
	case "HALF":
		r := rowsOf("n", []any{int64(1)}, []any{int64(2)})
		r.failing = errors.New("shard 3 is gone")
		return r, nil
	case "SLEEP":
		<-ctx.Done()
		return nil, ctx.Err()
	case "MANY":
		n, err := strconv.Atoi(rest)
		r := rowsOf("n")
		for i := range n {
			r.Add(int64(i))
		}
		return r, err
	}
	if strings.HasPrefix(statement, "SELECT ts('2026") {
		return rowsOf("ts", []any{int64(467000)}), nil
	}
	if strings.HasPrefix(statement, "SELECT ts(") {
		return rowsOf("ts", []any{nil}), nil
	}
	return rowsOf("answer", []any{int64(len(f.asked))}), nil
}

// Relations are three tables, a function and a scalar function.
func (f *fake) Relations(context.Context) ([]Relation, error) {
	key := Column{Name: "key", Type: "TEXT", Doc: "the key"}
	return []Relation{
		{Name: "versions", Doc: "every version", Columns: []Column{{Name: "shard", Type: "INTEGER"}, key, {Name: "commit_ts", Type: "INTEGER", Doc: "when"}}},
		{Name: "locks", Doc: "undecided writes", Columns: []Column{key, {Name: "start_ts", Type: "INTEGER"}, {Name: "primary_key", Type: "TEXT"}}},
		{Name: "kv", Doc: "keys and values", Columns: []Column{key, {Name: "value", Type: "TEXT"}}},
		{Name: "history", Kind: TableFunction, Doc: "the versions of a key", Columns: []Column{
			{Name: "op", Type: "TEXT"}, {Name: "key", Type: "TEXT", Argument: true, Doc: "whose"}, {Name: "limit", Type: "INTEGER", Argument: true, Optional: true}}},
		{Name: "ts_now", Kind: Scalar, Signature: "ts_now()", Doc: "now"},
		{Name: "ts_time", Kind: Scalar, Signature: "ts_time(ts)", Doc: "a timestamp's time"},
	}, f.failing
}

func (f *fake) SetWrite(on bool)    { f.write = on }
func (f *fake) Write() bool         { return f.write }
func (f *fake) SetAsOf(ts uint64)   { f.asOf = ts }
func (f *fake) AsOf() uint64        { return f.asOf }
func (f *fake) InTransaction() bool { return f.open != nil }

func (f *fake) commit(t *fakeTxn) uint64 {
	if len(t.own) == 0 {
		return 0
	}
	for k, v := range t.own {
		if delete(f.store, k); v != nil {
			f.store[k] = *v
		}
	}
	f.commits++
	return 1000 + f.commits
}

func (f *fake) Do(_ context.Context, _ bool, work func(virtual.Transaction) error) (uint64, error) {
	if f.failing != nil {
		return 0, f.failing
	}
	if f.open != nil {
		return 0, work(f.open)
	}
	for range f.retries {
		_ = work(&fakeTxn{engine: f, own: map[string]*string{}})
	}
	t := &fakeTxn{engine: f, own: map[string]*string{}}
	if err := work(t); err != nil {
		return 0, err
	}
	return f.commit(t), nil
}

// fakeTxn sees its own writes over the store. nil: deleted.
type fakeTxn struct {
	virtual.Transaction
	engine *fake
	own    map[string]*string
}

func (t *fakeTxn) Get(_ context.Context, key string) ([]byte, bool, error) {
	if v, ok := t.own[key]; ok {
		if v == nil {
			return nil, false, nil
		}
		return []byte(*v), true, nil
	}
	v, ok := t.engine.store[key]
	return []byte(v), ok, nil
}

func (t *fakeTxn) Put(_ context.Context, key string, value []byte) error {
	v := string(value)
	t.own[key] = &v
	return nil
}

func (t *fakeTxn) Delete(_ context.Context, key string) error {
	t.own[key] = nil
	return nil
}

func (t *fakeTxn) Scan(ctx context.Context, start, end string) iter.Seq2[virtual.Entry, error] {
	all := maps.Clone(t.engine.store)
	for k, v := range t.own {
		if delete(all, k); v != nil {
			all[k] = *v
		}
	}
	return func(yield func(virtual.Entry, error) bool) {
		for _, k := range slices.Sorted(maps.Keys(all)) {
			if k < start || end != "" && k >= end {
				continue
			}
			e := virtual.Entry{Key: k, Value: []byte(all[k]), CommitTS: 1000}
			if _, own := t.own[k]; own {
				e.CommitTS = 0
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// ran is a shell on a fake, and what it printed.
type ran struct {
	*fake
	shell    *Shell
	out, say bytes.Buffer
	err      error
}

func newRan(cfg Config) *ran {
	r := &ran{fake: newFake()}
	if cfg.Engine == nil {
		cfg.Engine = r.fake
	}
	cfg.Out, cfg.Say = &r.out, &r.say
	r.shell = New(cfg)
	return r
}
