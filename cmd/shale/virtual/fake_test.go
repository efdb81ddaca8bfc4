package virtual

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// asked is a fake table that writes down what it was asked.
type asked struct {
	rows    [][]any
	queries []Query
	open    int // scans that have begun and not ended
}

func (a *asked) scan(ctx context.Context, q *Query) iter.Seq2[[]any, error] {
	a.queries = append(a.queries, *q)
	return func(yield func([]any, error) bool) {
		a.open++
		defer func() { a.open-- }()
		for _, row := range a.rows {
			if !yield(row, ctx.Err()) {
				return
			}
		}
	}
}

// said is the queries as text, one a line.
func (a *asked) said() string {
	var out []string
	for _, q := range a.queries {
		out = append(out, q.text())
	}
	a.queries = nil
	return strings.Join(out, "; ")
}

func (q *Query) text() string {
	var parts []string
	columns := map[string]bool{}
	for _, m := range []map[string]Bound{q.Lows, q.Highs} {
		for c := range m {
			columns[c] = true
		}
	}
	for c := range q.Equals {
		columns[c] = true
	}
	for _, c := range slices.Sorted(maps.Keys(columns)) {
		if v, ok := q.Equals[c]; ok {
			parts = append(parts, fmt.Sprintf("%s=%#v", c, v))
		}
		if b, ok := q.Lows[c]; ok {
			parts = append(parts, fmt.Sprintf("%s>%s%#v", c, strings.Repeat("=", one01(b.Inclusive)), b.Value))
		}
		if b, ok := q.Highs[c]; ok {
			parts = append(parts, fmt.Sprintf("%s<%s%#v", c, strings.Repeat("=", one01(b.Inclusive)), b.Value))
		}
	}
	if q.Limit != 0 {
		parts = append(parts, fmt.Sprintf("limit %d", q.Limit))
	}
	if len(parts) == 0 {
		return "all"
	}
	return strings.Join(parts, " ")
}

func one01(b bool) int {
	if b {
		return 1
	}
	return 0
}

func open(t *testing.T, cfg Config) *Session {
	t.Helper()
	s, err := Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// all runs a statement to its end.
func all(s *Session, statement string) ([][]any, error) {
	return allIn(context.Background(), s, statement)
}

func allIn(ctx context.Context, s *Session, statement string) ([][]any, error) {
	rows, err := s.Query(ctx, statement)
	if err != nil {
		return nil, err
	}
	var out [][]any
	for rows.Next() {
		out = append(out, slices.Clone(rows.Row()))
	}
	if err := rows.Close(); err != nil {
		return nil, err
	}
	return out, rows.Err()
}

// text is the rows as the tests write them: values between blanks, rows between bars.
func text(t *testing.T, s *Session, statement string) string {
	t.Helper()
	rows, err := all(s, statement)
	require.NoError(t, err, statement)
	lines := make([]string, len(rows))
	for i, row := range rows {
		lines[i] = strings.TrimSuffix(fmt.Sprintln(row...), "\n")
	}
	return strings.Join(lines, " | ")
}

// store is a fake cluster: one map, and a clock.
type store struct {
	clock     uint64
	data      map[string]Entry
	log       []string // what was asked of its transactions
	commitErr error
	hook      func(what string) // called in begin and commit
	open      int
}

func newStore(pairs ...string) *store {
	st := &store{clock: 100, data: map[string]Entry{}}
	for i := 0; i < len(pairs); i += 2 {
		st.data[pairs[i]] = Entry{pairs[i], []byte(pairs[i+1]), 50}
	}
	return st
}

func (st *store) begin(context.Context) (Transaction, error) {
	if st.hook != nil {
		st.hook("begin")
	}
	st.open++
	st.clock++
	return &fakeTx{store: st, readTS: st.clock, writes: map[string]write{}, points: map[string]map[string]write{}}, nil
}

func (st *store) said() string {
	out := strings.Join(st.log, " ")
	st.log = nil
	return out
}

// now is what the store holds: k=v, in order.
func (st *store) now() string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(st.data)) {
		out = append(out, k+"="+string(st.data[k].Value))
	}
	return strings.Join(out, " ")
}

type write struct {
	value   []byte
	deleted bool
	insert  bool
}

type fakeTx struct {
	store  *store
	readTS uint64
	writes map[string]write
	points map[string]map[string]write
	ended  bool
}

func (tx *fakeTx) ReadTimestamp() uint64 { return tx.readTS }

func (tx *fakeTx) Get(_ context.Context, key string) ([]byte, bool, error) {
	tx.store.log = append(tx.store.log, "get:"+key)
	if w, ok := tx.writes[key]; ok {
		return w.value, !w.deleted, nil
	}
	e, ok := tx.store.data[key]
	return e.Value, ok, nil
}

func (tx *fakeTx) Scan(ctx context.Context, start, end string) iter.Seq2[Entry, error] {
	tx.store.log = append(tx.store.log, fmt.Sprintf("scan:%q-%q", start, end))
	return func(yield func(Entry, error) bool) {
		keys := map[string]bool{}
		for k := range tx.store.data {
			keys[k] = true
		}
		for k := range tx.writes {
			keys[k] = true
		}
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			if k < start || end != "" && k >= end {
				continue
			}
			e := tx.store.data[k]
			if w, ok := tx.writes[k]; ok {
				if w.deleted {
					continue
				}
				e = Entry{Key: k, Value: w.value}
			}
			if !yield(e, ctx.Err()) {
				return
			}
		}
	}
}

func (tx *fakeTx) set(key string, w write) error {
	if tx.ended {
		return fmt.Errorf("the transaction has ended")
	}
	tx.writes[key] = w
	return nil
}

func (tx *fakeTx) Put(_ context.Context, key string, value []byte) error {
	return tx.set(key, write{value: value})
}

func (tx *fakeTx) Insert(_ context.Context, key string, value []byte) error {
	if w, ok := tx.writes[key]; ok && w.deleted {
		return tx.set(key, write{value: value})
	}
	return tx.set(key, write{value: value, insert: true})
}

func (tx *fakeTx) Delete(_ context.Context, key string) error {
	return tx.set(key, write{deleted: true})
}

func (tx *fakeTx) Savepoint(name string) error {
	tx.store.log = append(tx.store.log, "savepoint")
	tx.points[name] = maps.Clone(tx.writes)
	return nil
}

func (tx *fakeTx) RollbackTo(name string) error {
	tx.store.log = append(tx.store.log, "return")
	w, ok := tx.points[name]
	if !ok {
		return fmt.Errorf("no savepoint %s", name)
	}
	tx.writes = maps.Clone(w)
	return nil
}

// existsError and conflictError have types of their own, for errors.As.
type existsError struct{ key string }

func (e *existsError) Error() string { return "ALREADY_EXISTS: " + e.key }

type conflictError struct{ key string }

func (e *conflictError) Error() string { return "WRITE_CONFLICT: " + e.key }

func (tx *fakeTx) Commit(ctx context.Context) (uint64, error) {
	st := tx.store
	if tx.ended {
		return 0, fmt.Errorf("committed twice")
	}
	tx.ended = true
	st.open--
	st.log = append(st.log, "commit")
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if st.commitErr != nil {
		return 0, st.commitErr
	}
	for k, w := range tx.writes {
		e, exists := st.data[k]
		if e.CommitTS > tx.readTS {
			return 0, &conflictError{k}
		}
		if w.insert && exists {
			return 0, &existsError{k}
		}
	}
	if st.hook != nil {
		st.hook("commit")
	}
	st.clock++
	for k, w := range tx.writes {
		if delete(st.data, k); !w.deleted {
			st.data[k] = Entry{k, w.value, st.clock}
		}
	}
	return st.clock, nil
}

func (tx *fakeTx) Rollback(context.Context) error {
	if tx.ended {
		return fmt.Errorf("rolled back after its end")
	}
	tx.ended = true
	tx.store.open--
	tx.store.log = append(tx.store.log, "rollback")
	return nil
}

type seq = iter.Seq2[[]any, error]
