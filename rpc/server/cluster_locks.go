package server

import (
	"context"

	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/rpc/wire"
)

// ListLocks lists the locks that stand.
func (clusters) ListLocks(context.Context, *shalev1.ListLocksRequest) (*shalev1.ListLocksResponse, error) {
	return nil, &wire.UnimplementedError{What: "ListLocks"}
}

// ListTransactions lists who holds locks.
func (clusters) ListTransactions(context.Context, *shalev1.ListTransactionsRequest) (*shalev1.ListTransactionsResponse, error) {
	return nil, &wire.UnimplementedError{What: "ListTransactions"}
}

// ShowTransaction finds what there is of one transaction.
func (clusters) ShowTransaction(context.Context, *shalev1.ShowTransactionRequest) (*shalev1.ShowTransactionResponse, error) {
	return nil, &wire.UnimplementedError{What: "ShowTransaction"}
}

// ResolveLock decides a lock's transaction.
func (clusters) ResolveLock(context.Context, *shalev1.ResolveLockRequest) (*shalev1.ResolveLockResponse, error) {
	return nil, &wire.UnimplementedError{What: "ResolveLock"}
}

// Activity says what the leaders were asked.
func (clusters) Activity(context.Context, *shalev1.ActivityRequest) (*shalev1.ActivityResponse, error) {
	return nil, &wire.UnimplementedError{What: "Activity"}
}
