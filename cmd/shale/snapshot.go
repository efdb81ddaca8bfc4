package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"

	"github.com/shaledb/shale/txn"
)

// latestEntry is a row of the table latest.
type latestEntry struct {
	Key       []byte `db:"key"`
	Value     []byte `db:"value"`
	KeyText   string `db:"key_text"`
	ValueText string `db:"value_text"`
	Committed string `db:"committed"`
	CommitTS  int64  `db:"commit_ts"`
}

const (
	latestTable = `CREATE TABLE latest (key, value, key_text, value_text, committed, commit_ts)`
	// The columns are named so that sqlx repeats the VALUES for each row of a batch.
	latestInsert = `INSERT INTO latest (key, value, key_text, value_text, committed, commit_ts)
  VALUES (:key, :value, :key_text, :value_text, :committed, :commit_ts)`
	latestBatch = 500
)

// snapshot fills the table latest, where the statement speaks of it: the newest value of
// every key, read in one transaction. Unlike the copied tables, which are of several
// moments, it is right to the cent.
func (i *clusterInspector) snapshot(ctx context.Context, to *sqlx.DB, statement string, left int) error {
	if _, err := to.ExecContext(ctx, latestTable); err != nil {
		return err
	}
	if !strings.Contains(strings.ToLower(statement), "latest") {
		return nil
	}
	db := i.db
	if db == nil {
		var err error
		if db, err = txn.Open(ctx, i.conn.hosts); err != nil {
			return err
		}
		// It only read: nothing is lost however this ends.
		defer func() { _ = db.Close() }()
	}
	return db.View(ctx, func(tx *txn.Txn) error {
		var batch []latestEntry
		store := func() error {
			if len(batch) == 0 {
				return nil
			}
			_, err := to.NamedExecContext(ctx, latestInsert, batch)
			batch = batch[:0]
			return err
		}
		for e, err := range tx.Scan(ctx, "", "") {
			if err != nil {
				return err
			}
			if left--; left < 0 {
				return &statementError{Cause: fmt.Errorf("the shards hold more than %d rows: raise --copy-max", i.copyMax)}
			}
			batch = append(batch, latestEntry{[]byte(e.Key), e.Value, string(e.Key), string(e.Value),
				moment(uint64(e.CommitTS)), int64(e.CommitTS)})
			if len(batch) == latestBatch {
				if err := store(); err != nil {
					return err
				}
			}
		}
		return store()
	})
}
