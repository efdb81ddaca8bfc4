package isolation

import (
	"context"
	"errors"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/txn"
)

// settled does something that commits once. Where a machine is so busy that a call's answer comes
// later than anybody waits for it, the outcome is unknown (P1): then it is decided, and what is
// not committed is done again.
func settled(ctx context.Context, db *txn.DB, do func() error) error {
	for {
		err := do()
		var unknown *mvcc.UndeterminedError
		if !errors.As(err, &unknown) || ctx.Err() != nil {
			return err
		}
		status, e := db.Coordinator().Rollback(ctx, txn.Transaction{Start: unknown.StartTS, Primary: unknown.Primary})
		if e != nil {
			return errors.Join(err, e)
		}
		if status.Decision == mvcc.Committed {
			return nil
		}
	}
}
