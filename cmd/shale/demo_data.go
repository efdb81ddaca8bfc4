package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/txn"
)

// cities.csv has a city a line: name, country, and the people in and around it, rounded.
//
//go:embed cities.csv
var citiesCSV string

type demoCity struct {
	name       string
	Country    string `json:"country"`
	Population int    `json:"population"`
}

func demoCities() []demoCity {
	var out []demoCity
	for line := range strings.Lines(citiesCSV) {
		fields := strings.Split(strings.TrimSpace(line), ",")
		population, err := strconv.Atoi(fields[len(fields)-1])
		if err != nil || len(fields) != 3 {
			continue // the header
		}
		out = append(out, demoCity{fields[0], fields[1], population})
	}
	return out
}

// The bank of the demo.
const (
	demoAccounts = 100
	demoBalance  = 1000
)

func accountKey(n int) mvcc.Key { return mvcc.Key(fmt.Sprintf("account/%03d", n)) }

// demoSplits are where shards begin, the most useful first: transfers cross the first one.
func demoSplits() []mvcc.Key {
	return []mvcc.Key{"account/050", "city/", "city/M", "account/025", "account/075", "city/D", "city/S",
		"account/012", "account/037", "account/062", "account/087"}
}

// prepare splits the keys, spreads the leaders and loads the data, unless it is there.
func (d *demo) prepare(ctx context.Context, shards int) (loaded bool, err error) {
	marker, err := d.db.Get(ctx, accountKey(demoAccounts-1))
	if err != nil || marker.Found {
		return false, err
	}
	for _, k := range demoSplits()[:shards-1] {
		if _, err := splitShard(ctx, d.conn, k); err != nil {
			return false, err
		}
	}
	if err := settled(ctx, d.conn); err != nil {
		return false, err
	}
	d.spread(ctx)
	return true, d.load(ctx)
}

// spread gives every node its share of the leaders. Where it does not succeed the demo
// works all the same.
func (d *demo) spread(ctx context.Context) {
	all, err := listShards(ctx, d.conn, 0)
	if err != nil {
		return
	}
	for i, s := range all {
		to := s.Replicas[i%len(s.Replicas)].Node
		if s.LeaderNode != to {
			_, _ = transferLeader(ctx, d.conn, s.Id, to)
		}
	}
}

// load writes all in one transaction: there is no half of it to find next time. Then it reads
// all: an asynchronous commit is acknowledged while its rows are locks still, and whoever looks
// into the files next expects versions.
func (d *demo) load(ctx context.Context) error {
	if err := d.write(ctx); err != nil {
		return err
	}
	return d.db.View(ctx, func(tx *txn.Txn) error {
		for _, err := range tx.Scan(ctx, "", "", txn.KeysOnly()) {
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *demo) write(ctx context.Context) error {
	return d.db.Update(ctx, func(tx *txn.Txn) error {
		for _, c := range demoCities() {
			value, err := json.Marshal(c)
			if err != nil {
				return err
			}
			if err := tx.Put(mvcc.Key("city/"+c.name), value); err != nil {
				return err
			}
		}
		for i := range demoAccounts {
			if err := tx.Put(accountKey(i), []byte(strconv.Itoa(demoBalance))); err != nil {
				return err
			}
		}
		return nil
	})
}
