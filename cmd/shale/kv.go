package main

import (
	"context"

	"github.com/spf13/cobra"

	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/txn"
)

func newKVCommand() *cobra.Command {
	return group("kv", "Read and write keys",
		newKVGetCommand(), newKVPutCommand(), newKVDelCommand(), newKVScanCommand())
}

// openDB begins a command that runs transactions: within --timeout, on a DB that done closes.
func (o *connectOptions) openDB(ctx context.Context, others ...validator) (_ context.Context, _ *txn.DB, done func(), err error) {
	ctx, _, end, err := o.open(ctx, others...)
	if err != nil {
		return nil, nil, nil, err
	}
	db, err := txn.Open(ctx, o.hosts)
	if err != nil {
		end()
		return nil, nil, nil, err
	}
	// The end of a program: there is nobody left to whom a failing Close matters.
	return ctx, db, func() { _ = db.Close(); end() }, nil
}

// entryListing begins a listing of entries.
func entryListing(keysOnly bool) *listing {
	if keysOnly {
		return &listing{header: []string{"key", "committed", "commit_ts"}}
	}
	return &listing{header: []string{"key", "value", "committed", "commit_ts"}}
}

func (l *listing) addEntry(e txn.Entry, keysOnly bool, keys *keyOptions) *shalev1.Entry {
	m := &shalev1.Entry{Key: []byte(e.Key), Found: e.Found, Value: e.Value, CommitTimestamp: uint64(e.CommitTS)}
	row := []string{keys.format(m.Key)}
	if !keysOnly {
		row = append(row, keys.format(m.Value))
	}
	l.add(m, append(row, moment(m.CommitTimestamp), decimal(m.CommitTimestamp))...)
	return m
}
