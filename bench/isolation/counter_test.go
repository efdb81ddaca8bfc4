package isolation

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/txn"
)

// adders is how many clients add to one counter.
const adders = 64

// addWay is one of the ways in which a client can add to the counter of that name.
type addWay struct {
	name    string
	counter string
	adds    int // of each client
	add     func(ctx context.Context, db *txn.DB, l *lane, a addition) error
}

// addition is one add of one client.
type addition struct {
	counter   mvcc.Key
	client, i int
}

// testCounter has 64 clients add to one counter, by every way there is. The sum is exact and no
// client hears of an abort: there is nothing here that begins again.
func testCounter(t *testing.T, w *world) {
	w.onEach(t, "counter", func(t *testing.T, l *lane) {
		for _, way := range []addWay{
			{"alone", "u", 4, addAlone},
			{"in a transaction", "v", 4, addWithin},
			{"over two keys", "x", 2, addAndPut},
		} {
			t.Run(way.name, func(t *testing.T) {
				if way.name != "alone" || l.mode == optimistic { // alone has no mode
					testAdds(t, l, way)
				}
			})
		}
	})
}

func testAdds(t *testing.T, l *lane, way addWay) {
	ctx, cancel := context.WithTimeout(t.Context(), 6*stepTimeout)
	defer cancel()
	counter, sum := l.key(way.counter), adders*way.adds
	require.NoError(t, l.w.db(0).Put(ctx, counter, []byte("1000")))
	began := time.Now()
	var clients sync.WaitGroup
	for c := range adders {
		clients.Go(func() {
			for i := range way.adds {
				err := settled(ctx, l.w.db(c), func() error { return way.add(ctx, l.w.db(c), l, addition{counter, c, i}) })
				if err != nil {
					t.Errorf("client %d: %v", c, err)
					return
				}
			}
		})
	}
	l.moveUnder(t, ctx, way.counter)
	clients.Wait()
	e, err := l.w.db(1).Get(ctx, counter)
	require.NoError(t, err)
	require.Equal(t, strconv.Itoa(1000+sum), string(e.Value))
	took := time.Since(began)
	t.Logf("%d adds in %s, %.0f/s", sum, took.Round(time.Millisecond), float64(sum)/took.Seconds())
}

func addAlone(ctx context.Context, db *txn.DB, _ *lane, a addition) error {
	return db.Add(ctx, a.counter, 1)
}

func addWithin(ctx context.Context, db *txn.DB, l *lane, a addition) error {
	tx, err := db.Begin(ctx, l.options()...)
	if err != nil {
		return err
	}
	if err := tx.Add(a.counter, 1); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// addAndPut has each client keep its own count beside the common one, in the other shard where
// there are two.
func addAndPut(ctx context.Context, db *txn.DB, l *lane, a addition) error {
	tx, err := db.Begin(ctx, l.options()...)
	if err != nil {
		return err
	}
	own := l.key(fmt.Sprintf("z%02d", a.client))
	if err := tx.Put(own, strconv.AppendInt(nil, int64(a.i+1), 10)); err != nil {
		return err
	}
	if err := tx.Add(a.counter, 1); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// transfers is how many each client makes.
const transfers = 8

// testTwoCounters moves one from counter to counter, in either direction at once. Two that
// wait for each other are told so, and Update begins them again: the sum stays.
func testTwoCounters(t *testing.T, w *world) {
	w.onEach(t, "two-counters", func(t *testing.T, l *lane) {
		ctx, cancel := context.WithTimeout(t.Context(), 6*stepTimeout)
		defer cancel()
		var again atomic.Int64
		var clients sync.WaitGroup
		for c := range 4 {
			from, to := l.key("x"), l.key("y")
			if c%2 == 1 {
				from, to = to, from
			}
			clients.Go(func() {
				for range transfers {
					if err := settled(ctx, l.w.db(c), func() error { return transfer(ctx, l, c, from, to, &again) }); err != nil {
						t.Errorf("client %d: %v", c, err)
						return
					}
				}
			})
		}
		l.moveUnder(t, ctx, "y")
		clients.Wait()
		got, err := readPair(ctx, w.db(2), l, l.options()...)
		require.NoError(t, err)
		require.Equal(t, [2]int{0, 0}, got)
		t.Logf("%d transfers, begun again %d times", 4*transfers, again.Load())
	})
}

func transfer(ctx context.Context, l *lane, client int, from, to mvcc.Key, again *atomic.Int64) error {
	tries := 0
	err := l.w.db(client).Update(ctx, func(tx *txn.Txn) error {
		tries++
		if err := tx.Add(from, -1); err != nil {
			return err
		}
		return tx.Add(to, 1)
	}, l.options()...)
	again.Add(int64(tries - 1))
	return err
}

// readPair reads x and y in one transaction; what is absent counts as 0.
func readPair(ctx context.Context, db *txn.DB, l *lane, options ...txn.TxnOption) ([2]int, error) {
	var pair [2]int
	tx, err := db.Begin(ctx, options...)
	if err != nil {
		return pair, err
	}
	for i, name := range []string{"x", "y"} {
		value, err := tx.Get(ctx, l.key(name))
		if err != nil {
			return pair, err
		}
		if value == nil {
			continue
		}
		if pair[i], err = strconv.Atoi(string(value)); err != nil {
			return pair, err
		}
	}
	return pair, tx.Commit(ctx)
}
