package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/shaledb/shale/mvcc/sqlite"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/txn"
)

// clusterInspector runs a statement over all the users' shards: it copies their rows, page
// by page, from the leaders' files into a temporary one. Each page is as of its moment.
type clusterInspector struct {
	conn    *connection
	db      *txn.DB // nil: opened where a statement needs it
	rows    int
	copyMax int
	page    int // rows asked for at once; a node's own bounds may give fewer
}

// source is a table that is copied: its columns, and those that order it.
type source struct {
	name    string
	columns []string
	order   []orderedBy
	seenAs  []string // words in a statement that need it
}

type orderedBy struct {
	column int
	desc   bool
}

// sources are the tables that every shard has for people.
func sources() []source {
	return []source{
		{"versions", []string{"key", "commit_ts", "start_ts", "op", "value"},
			[]orderedBy{{0, false}, {1, true}, {2, false}}, []string{"versions", "readable"}},
		{"locks", []string{"key", "start_ts", "primary_key", "kind", "min_commit_ts", "expires", "value"},
			[]orderedBy{{0, false}}, []string{"locks"}},
		{"marks", []string{"key", "commit_ts", "start_ts"},
			[]orderedBy{{0, false}, {1, true}, {2, false}}, []string{"marks"}},
		{"txns", []string{"start_ts", "key", "state", "commit_ts"},
			[]orderedBy{{0, false}, {1, false}}, []string{"txns"}},
	}
}

// gatheredViews stand beside the copied tables, as in a shard's file.
const gatheredViews = `
CREATE VIEW readable AS
  SELECT CAST(key AS TEXT) AS key_text,
    strftime('%Y-%m-%d %H:%M:%f', (commit_ts >> 18) / 1000.0, 'unixepoch') AS commit_time,
    op, CAST(value AS TEXT) AS value_text, commit_ts, start_ts, shard
  FROM versions;
`

func (i *clusterInspector) inspect(ctx context.Context, statement string) (*sqlite.Result, error) {
	dir, err := os.MkdirTemp("", "shale-sql-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "gathered.db")
	if err := i.gather(ctx, path, statement); err != nil {
		return nil, err
	}
	res, err := sqlite.InspectCopy(ctx, path, statement, sqlite.Limits{Rows: i.rows})
	return res, localError(path, err)
}

// gather copies the tables that the statement speaks of.
func (i *clusterInspector) gather(ctx context.Context, path, statement string) error {
	db, err := sqlx.Open("sqlite", "file:"+path+"?_pragma=synchronous(0)&_pragma=journal_mode(off)")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	shards, err := flushed(ctx, i.conn)
	if err != nil {
		return err
	}
	nodes, err := listNodes(ctx, i.conn)
	if err != nil {
		return err
	}
	left := i.copyMax
	for _, src := range sources() {
		if _, err := db.ExecContext(ctx, "CREATE TABLE "+src.name+" (shard, "+strings.Join(src.columns, ", ")+")"); err != nil {
			return err
		}
		if !src.needed(statement) {
			continue
		}
		for _, s := range shards {
			if err := i.copyTable(ctx, db, &src, s, nodes, &left); err != nil {
				return err
			}
		}
	}
	if _, err := db.ExecContext(ctx, gatheredViews); err != nil {
		return err
	}
	return i.snapshot(ctx, db, statement, left)
}

func (s *source) needed(statement string) bool {
	statement = strings.ToLower(statement)
	for _, word := range s.seenAs {
		if strings.Contains(statement, word) {
			return true
		}
	}
	return false
}

// pageRows is a page, unless the inspector says otherwise.
const pageRows = 5000

// copyTable copies one shard's rows of one table.
func (i *clusterInspector) copyTable(ctx context.Context, db *sqlx.DB, src *source, s *shalev1.Shard,
	nodes []*shalev1.Node, left *int) error {
	var last []any
	for {
		res, err := askNode(ctx, i.conn, nodes, bestReplica(s, nodes), s.Id, src.pageOf(s, last, i.page), i.page)
		if err != nil {
			return fmt.Errorf("shard %d: %w", s.Id, err)
		}
		if *left -= len(res.Rows); *left < 0 {
			return &statementError{Cause: fmt.Errorf("the shards hold more than %d rows: ask one of them with --shard, "+
				"or raise --copy-max", i.copyMax)}
		}
		if err := src.store(ctx, db, s.Id, res.Rows); err != nil {
			return err
		}
		if len(res.Rows) == 0 || len(res.Rows) < i.page && !res.Truncated {
			return nil
		}
		last = res.Rows[len(res.Rows)-1]
	}
}

// pageOf asks for a shard's next rows. Those that a split left outside its bounds, until they
// are deleted, are another shard's now and not counted twice.
func (s *source) pageOf(shard *shalev1.Shard, last []any, rows int) string {
	where := "key >= " + literal(shard.StartKey)
	if len(shard.EndKey) > 0 {
		where += " AND key < " + literal(shard.EndKey)
	}
	if last != nil {
		where += " AND " + s.after(last)
	}
	return fmt.Sprintf("SELECT %s FROM %s WHERE %s ORDER BY %s LIMIT %d",
		strings.Join(s.columns, ", "), s.name, where, s.orderBy(), rows)
}

func (s *source) orderBy() string {
	terms := make([]string, len(s.order))
	for i, o := range s.order {
		terms[i] = s.columns[o.column]
		if o.desc {
			terms[i] += " DESC"
		}
	}
	return strings.Join(terms, ", ")
}

// after is the condition for the rows behind one: the first column bounds the search, the
// rest tells the ties.
func (s *source) after(row []any) string {
	var either []string
	same := ""
	for _, o := range s.order {
		column, value := s.columns[o.column], literal(row[o.column])
		sign := " > "
		if o.desc {
			sign = " < "
		}
		either = append(either, "("+same+column+sign+value+")")
		same += column + " = " + value + " AND "
	}
	first := s.order[0].column
	return s.columns[first] + " >= " + literal(row[first]) + " AND (" + strings.Join(either, " OR ") + ")"
}

// store writes rows in one transaction.
func (s *source) store(ctx context.Context, db *sqlx.DB, shard uint64, rows [][]any) error {
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	insert, err := tx.PreparexContext(ctx, "INSERT INTO "+s.name+" VALUES (?"+strings.Repeat(", ?", len(s.columns))+")")
	if err != nil {
		return err
	}
	for _, row := range rows {
		if _, err := insert.ExecContext(ctx, append([]any{int64(shard)}, row...)...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// literal writes a key or a number as SQL.
func literal(v any) string {
	switch x := v.(type) {
	case []byte:
		return "X'" + hex.EncodeToString(x) + "'"
	case int64:
		return strconv.FormatInt(x, 10)
	}
	return "NULL"
}

// How often the leaders are asked how far their files are, and after how long without any
// progress they are believed to have nothing to flush: entries without rows are not flushed.
const (
	flushedPoll  = 25 * time.Millisecond
	flushedStill = 250 * time.Millisecond
	flushedWait  = 5 * time.Second
)

// flushed lists the users' shards when their leaders' files hold all that was applied when
// it was called: a file lags its replica by a flush, and whoever wrote a moment ago wants to
// see it. A leader that does not flush is read as it is.
func flushed(ctx context.Context, conn *connection) ([]*shalev1.Shard, error) {
	waits := map[uint64]*flushWait{}
	for {
		all, err := listShards(ctx, conn, 0)
		if err != nil {
			return nil, err
		}
		shards, behind := all[:0], false
		for _, s := range all {
			if s.Id == uint64(routing.SystemShard) {
				continue
			}
			shards = append(shards, s)
			if waits[s.Id] == nil {
				waits[s.Id] = &flushWait{}
			}
			behind = waits[s.Id].on(s, time.Now()) || behind
		}
		if !behind {
			return shards, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(flushedPoll):
		}
	}
}

// flushWait is the wait for one leader's file.
type flushWait struct {
	wanted, had  uint64
	begun, moved time.Time
}

// on says whether to wait on. A shard that was split off a moment ago has no leader yet, and
// perhaps no file.
func (w *flushWait) on(s *shalev1.Shard, now time.Time) bool {
	if w.begun.IsZero() {
		w.begun = now
	}
	if s.LeaderNode == 0 {
		return now.Sub(w.begun) < flushedWait
	}
	applied, flushed := indexes(s)
	if w.wanted == 0 {
		w.wanted = applied
	}
	if w.had != flushed {
		w.had, w.moved = flushed, now
	}
	return flushed < w.wanted && now.Sub(w.moved) < flushedStill && now.Sub(w.begun) < flushedWait
}

// indexes are those of the leader's replica.
func indexes(s *shalev1.Shard) (applied, flushed uint64) {
	for _, r := range s.Replicas {
		if r.Node == s.LeaderNode {
			return r.AppliedIndex, r.FlushedIndex
		}
	}
	return 0, 0
}
