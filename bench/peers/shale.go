package main

import (
	"context"

	"github.com/shaledb/shale/bench"
	"github.com/shaledb/shale/txn"
)

func openShale(ctx context.Context, hosts []string) (bench.Store, func(), error) {
	db, err := txn.Open(ctx, hosts)
	if err != nil {
		return nil, nil, err
	}
	return bench.NewStore(db), func() { db.Close() }, nil
}
