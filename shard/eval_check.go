package shard

import (
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// checkTxn judges a transaction at its primary on behalf of a visitor. With Wait it parks
// while the transaction is alive: until its record appears, or its time, as oracle time
// measured from the visitor's Now, is over. Nobody polls.
type checkTxn struct {
	plain
	a     *mvcc.CheckTxnArgs
	until time.Duration // end of the wait; zero: it has not begun
	last  routing.Response
}

func (c *checkTxn) keys() []mvcc.Key { return []mvcc.Key{c.a.Primary} }

func (c *checkTxn) start() timestamp.Timestamp { return c.a.Start }

func (c *checkTxn) evaluate(v *view, l mvcc.Leader) (mvcc.Rows, routing.Response, error) {
	rows, res, err := mvcc.CheckTxn(v, c.a, l)
	return rows, &res, err
}

func (c *checkTxn) waits(r *Replica, t *task, res routing.Response) bool {
	status := res.(*mvcc.TxnStatus)
	if !c.a.Wait || status.Decision != mvcc.Undecided || status.Expired || status.Expires == 0 {
		return false
	}
	if c.until == 0 {
		left := status.Expires.Time().Sub(c.a.Now.Time()) + time.Millisecond
		c.until = r.now.Mono + max(left, 0)
		r.wakeAt(t, c.until)
	}
	if r.now.Mono >= c.until {
		return false
	}
	c.last = res
	r.unlatch(t)
	r.waitOn(t, c.a.Primary)
	return true
}

// expired: a visitor whose patience ends hears how things stood.
func (c *checkTxn) expired(r *Replica, t *task) bool {
	if c.last == nil || t.proposed {
		return false
	}
	r.finish(t, c.last, nil)
	return true
}
