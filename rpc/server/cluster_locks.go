package server

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

const (
	listDefault = 1000
	listMax     = 10_000
	// locksMax bounds how many locks are looked at to list their transactions.
	locksMax = 200_000
)

// limited is how much a listing answers with.
func limited(asked uint32, normal int) int {
	if asked == 0 {
		return normal
	}
	return int(min(asked, listMax))
}

// ListLocks lists the locks that stand.
func (h clusters) ListLocks(ctx context.Context, req *shalev1.ListLocksRequest) (*shalev1.ListLocksResponse, error) {
	span, err := wire.DecodeSpan(req.GetStart(), req.GetEnd())
	if err != nil {
		return nil, err
	}
	w, err := h.walk(ctx, routing.ShardID(req.GetShardId()))
	if err != nil {
		return nil, err
	}
	if req.GetShardId() != 0 && len(w.view.list.Shards) == 0 {
		return nil, &wire.NotFoundError{What: fmt.Sprintf("there is no shard %d", req.GetShardId())}
	}
	res := &shalev1.ListLocksResponse{Timestamp: h.oracleTime(ctx)}
	limit := limited(req.GetLimit(), listDefault)
	err = w.locks(ctx, span, func(l mvcc.Lock, shard routing.ShardID) bool {
		if len(res.Locks) == limit {
			res.More, res.ResumeKey = true, []byte(l.Key)
			return false
		}
		res.Locks = append(res.Locks, publicLock(&l, shard))
		return true
	})
	res.Unreachable = w.unreachable
	return res, err
}

// oracleTime is the oracle's time, zero where it does not answer soon.
func (h clusters) oracleTime(ctx context.Context) uint64 {
	m, err := h.s.cfg.member()
	if err != nil {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, shardTimeout)
	defer cancel()
	now, err := m.Cluster.Next(ctx)
	if err != nil {
		return 0
	}
	return uint64(now)
}

func publicLock(l *mvcc.Lock, shard routing.ShardID) *shalev1.Lock {
	kinds := map[mvcc.LockKind]shalev1.LockKind{
		mvcc.LockPut: shalev1.LockKind_LOCK_KIND_PUT, mvcc.LockDelete: shalev1.LockKind_LOCK_KIND_DELETE,
		mvcc.LockCheck: shalev1.LockKind_LOCK_KIND_CHECK, mvcc.LockClaim: shalev1.LockKind_LOCK_KIND_CLAIM}
	return &shalev1.Lock{Key: []byte(l.Key), TxnId: uint64(l.StartTS), Primary: []byte(l.Primary), Kind: kinds[l.Kind],
		MinCommitTimestamp: uint64(l.MinCommitTS), Expires: uint64(l.Expires), Async: l.Async, Shard: uint64(shard)}
}

// holders gathers locks by their transaction.
type holders map[timestamp.Timestamp]*shalev1.Transaction

func (t holders) add(l *mvcc.Lock, shard routing.ShardID) {
	tx := t[l.StartTS]
	if tx == nil {
		tx = &shalev1.Transaction{Id: uint64(l.StartTS), Primary: []byte(l.Primary)}
		t[l.StartTS] = tx
	}
	switch l.Kind {
	case mvcc.LockPut:
		tx.Puts++
	case mvcc.LockDelete:
		tx.Deletes++
	case mvcc.LockCheck:
		tx.Checks++
	case mvcc.LockClaim:
		tx.Claims++
	}
	if !slices.Contains(tx.Shards, uint64(shard)) {
		tx.Shards = append(tx.Shards, uint64(shard))
	}
	tx.Async = tx.Async || l.Async
	switch {
	case l.Key == l.Primary:
		tx.Primary, tx.PrimaryLocked, tx.Expires = []byte(l.Primary), true, uint64(l.Expires)
	case !tx.PrimaryLocked:
		tx.Expires = max(tx.Expires, uint64(l.Expires))
	}
}

// ListTransactions lists who holds locks.
func (h clusters) ListTransactions(ctx context.Context, req *shalev1.ListTransactionsRequest) (*shalev1.ListTransactionsResponse, error) {
	w, err := h.walk(ctx, 0)
	if err != nil {
		return nil, err
	}
	res := &shalev1.ListTransactionsResponse{Timestamp: h.oracleTime(ctx)}
	found, seen := holders{}, 0
	err = w.locks(ctx, everything(), func(l mvcc.Lock, shard routing.ShardID) bool {
		if seen++; seen > locksMax {
			res.Truncated = true
			return false
		}
		if uint64(l.StartTS) > req.GetAfter() {
			found.add(&l, shard)
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	for _, tx := range found {
		res.Transactions = append(res.Transactions, tx)
	}
	slices.SortFunc(res.Transactions, func(a, b *shalev1.Transaction) int { return cmp.Compare(a.Id, b.Id) })
	if limit := limited(req.GetLimit(), listDefault); len(res.Transactions) > limit {
		res.Transactions, res.More = res.Transactions[:limit], true
	}
	res.Unreachable = w.unreachable
	return res, nil
}
