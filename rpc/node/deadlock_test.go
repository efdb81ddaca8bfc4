package node

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/txn"
)

// TestTwoSessionsDeadlock: two sessions at two nodes claim in opposite order. One is told the
// cycle, the other gets on, and the nodes' metrics say that it happened. S23
func TestTwoSessionsDeadlock(t *testing.T) {
	c := newTrio(t, 3)
	session := func(i int, k mvcc.Key) *txn.Transaction {
		start, err := c.nodes[i].txns.Now(c.ctx())
		require.NoError(t, err)
		tx := &txn.Transaction{Start: start, Pessimistic: true}
		_, err = c.nodes[i].txns.Claim(c.ctx(), tx, []mvcc.Key{k})
		require.NoError(t, err)
		return tx
	}
	txs := []*txn.Transaction{session(0, "a"), session(1, "b")}
	ends := make(chan int, 2)
	errs := make([]error, 2)
	began := time.Now()
	for i, k := range []mvcc.Key{"b", "a"} {
		go func() {
			if _, errs[i] = c.nodes[i].txns.Claim(c.ctx(), txs[i], []mvcc.Key{k}); errs[i] != nil {
				_, _ = c.nodes[i].txns.Rollback(c.ctx(), *txs[i])
			}
			ends <- i
		}()
	}
	victim, other := <-ends, <-ends
	t.Logf("both were through after %s", time.Since(began))
	if errs[victim] == nil {
		victim, other = other, victim
	}
	var deadlock *mvcc.DeadlockError
	require.ErrorAs(t, errs[victim], &deadlock)
	require.Len(t, deadlock.Cycle, 2)
	require.Equal(t, txs[victim].Start, deadlock.Cycle[0].Waiter)
	require.Equal(t, txs[other].Start, deadlock.Cycle[1].Waiter)
	require.NoError(t, errs[other])

	found := ""
	for i := range c.nodes {
		found += c.metrics(i)
	}
	require.Contains(t, found, "shale_deadlocks_total 1")
	require.Contains(t, found, "shale_deadlock_victims_total 1")
	for _, name := range []string{"entries_proposed", "log_syncs", "sqlite_transactions", "oracle_requests", "lock_waits"} {
		require.Regexp(t, "(?m)^shale_"+name+"_total [1-9]", found)
	}
	require.Regexp(t, "(?m)^shale_lock_wait_seconds_count [1-9]", found)
}

// metrics is a node's page of counters.
func (c *trio) metrics(i int) string {
	req, err := http.NewRequestWithContext(c.ctx(), http.MethodGet, "http://"+c.addresses[i]+"/metrics", nil)
	require.NoError(c.t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(c.t, err)
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	require.NoError(c.t, err)
	return string(page)
}
