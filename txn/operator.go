package txn

import (
	"context"

	"github.com/shaledb/shale/mvcc"
)

// Settle does at an operator's word what resolve does for a visitor: it has the lock's
// transaction decided at its primary, and turns the lock. It waits for nobody. Without force
// only what is decided already, or past its expiry, is touched; a Decision of Undecided in the
// answer then says that the transaction may be alive. With force a transaction that is alive
// is aborted now (P9). An asynchronous commit is never just aborted: while its primary's lock
// stands it is recovered, which fences what is missing and commits where all locks stand (P2).
func (c *Coordinator) Settle(ctx context.Context, l mvcc.Lock, force bool) (mvcc.TxnStatus, error) {
	now, err := c.Now(ctx)
	if err != nil {
		return mvcc.TxnStatus{}, err
	}
	status, err := c.status(ctx, l.Primary, &mvcc.CheckTxnArgs{Start: l.StartTS, Primary: l.Primary, Now: now,
		MetExpires: l.Expires, Force: force})
	if err != nil {
		return mvcc.TxnStatus{}, err
	}
	if status.Async && status.Decision == mvcc.Undecided && decides(l, status) {
		recovered, err := c.recover(ctx, l.StartTS, l.Primary, status, force || now >= status.Expires)
		if err != nil {
			return mvcc.TxnStatus{}, err
		}
		if recovered != nil {
			status = recovered
		}
	}
	turn := verdict(l, status)
	if turn == nil {
		if status.Expired {
			return *status, alive(l, status)
		}
		return *status, nil
	}
	if status.Decision == mvcc.Committed {
		if _, err := c.disclose(ctx, status.CommitTS); err != nil {
			return mvcc.TxnStatus{}, err
		}
	}
	_, err = c.one(ctx, l.Key, turn)
	return *status, c.turned(l, err)
}
