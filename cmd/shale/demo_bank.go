package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/txn"
)

// demoBank moves money between accounts while somebody looks. It is slow on purpose: the
// versions it leaves behind are never collected.
type demoBank struct {
	db        *txn.DB
	transfers atomic.Int64
	cancel    context.CancelFunc
	clerks    sync.WaitGroup
}

const (
	demoClerks    = 2
	transferEvery = 200 * time.Millisecond // a clerk
	transferMost  = 50
)

func startDemoBank(db *txn.DB) *demoBank {
	ctx, cancel := context.WithCancel(context.Background())
	b := &demoBank{db: db, cancel: cancel}
	for range demoClerks {
		b.clerks.Go(func() { b.clerk(ctx) })
	}
	return b
}

func (b *demoBank) stop() {
	b.cancel()
	b.clerks.Wait()
}

func (b *demoBank) clerk(ctx context.Context) {
	ticks := time.NewTicker(transferEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		// One from each half, so that the transfer crosses shards.
		from := accountKey(rand.IntN(demoAccounts / 2))
		to := accountKey(demoAccounts/2 + rand.IntN(demoAccounts/2))
		if rand.IntN(2) == 0 {
			from, to = to, from
		}
		// A transfer that fails is one that does not happen; the next one comes soon.
		if err := b.transfer(ctx, from, to, 1+rand.IntN(transferMost)); err == nil {
			b.transfers.Add(1)
		}
	}
}

// transfer moves as much as there is, up to amount.
func (b *demoBank) transfer(ctx context.Context, from, to mvcc.Key, amount int) error {
	return b.db.Update(ctx, func(tx *txn.Txn) error {
		entries, err := tx.MultiGet(ctx, from, to)
		if err != nil {
			return err
		}
		var balances [2]int
		for i, e := range entries {
			if balances[i], err = strconv.Atoi(string(e.Value)); err != nil {
				return fmt.Errorf("account %s: %w", mvcc.FormatKey(e.Key), err)
			}
		}
		moved := min(amount, balances[0])
		if err := tx.Put(from, []byte(strconv.Itoa(balances[0]-moved))); err != nil {
			return err
		}
		return tx.Put(to, []byte(strconv.Itoa(balances[1]+moved)))
	})
}

// total adds up all accounts, all of one moment.
func (b *demoBank) total(ctx context.Context) (int, error) {
	sum := 0
	err := b.db.View(ctx, func(tx *txn.Txn) error {
		for e, err := range tx.Scan(ctx, "account/", "account0") {
			if err != nil {
				return err
			}
			n, err := strconv.Atoi(string(e.Value))
			if err != nil {
				return fmt.Errorf("account %s: %w", mvcc.FormatKey(e.Key), err)
			}
			sum += n
		}
		return nil
	})
	return sum, err
}

// command proves that transfers keep the money together.
func (b *demoBank) command(ctx context.Context, out io.Writer, _ []string) error {
	total, err := b.total(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "the accounts hold %d, after %d transfers of this run\n", total, b.transfers.Load())
	return err
}
