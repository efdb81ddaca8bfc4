package server

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"

	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// refused is a failed_precondition: the caller decides what to do.
func refused(reason, what, hint string) error {
	err := connect.NewError(connect.CodeFailedPrecondition, errors.New(reason+": "+what))
	if d, e := connect.NewErrorDetail(&shalev1.ErrorDetail{Reason: reason, Hint: hint}); e == nil {
		err.AddDetail(d)
	}
	return err
}

// ResolveLock decides a lock's transaction, and turns the lock; or all locks of a transaction.
// What is decided, the primary's shard decides, and recovery where the commit is asynchronous.
func (h clusters) ResolveLock(ctx context.Context, req *shalev1.ResolveLockRequest) (*shalev1.ResolveLockResponse, error) {
	if (len(req.GetKey()) == 0) == (req.GetTxnId() == 0) {
		return nil, &mvcc.InvalidError{Reason: "RESOLVE_ARGS", What: "either a key or a transaction's id is resolved",
			Hint: "list the locks"}
	}
	m, err := h.s.cfg.member()
	if err != nil {
		return nil, err
	}
	locks, err := h.locksToResolve(ctx, m, req)
	if err != nil {
		return nil, err
	}
	res := &shalev1.ResolveLockResponse{TxnId: uint64(locks[0].StartTS), State: statePending}
	var failed error
	for _, l := range locks {
		status, err := m.Txns.Settle(ctx, l, req.GetForce())
		switch {
		case err != nil:
			failed = err
			res.Left = append(res.Left, []byte(l.Key))
		case status.Decision == mvcc.Undecided:
			return nil, lives(&l, &status)
		default:
			res.State, res.CommitTimestamp = stateOf(status.Decision), uint64(status.CommitTS)
			res.Keys = append(res.Keys, []byte(l.Key))
		}
	}
	if len(res.Keys) == 0 {
		return nil, failed
	}
	return res, nil
}

// lives refuses to touch a transaction that may be alive.
func lives(l *mvcc.Lock, status *mvcc.TxnStatus) error {
	expires := max(status.Expires, l.Expires)
	return refused("TXN_ALIVE", fmt.Sprintf("transaction %d, which locks %s, may be alive: it has time until %s",
		l.StartTS, mvcc.FormatKey(l.Key), expires.Time().UTC().Format("15:04:05.000 UTC")),
		"wait, or resolve it by force, which aborts it unless it may be committed")
}

// resolvedMax bounds the locks that one request resolves: it is sent again for the rest.
const resolvedMax = listMax

func (h clusters) locksToResolve(ctx context.Context, m *Member, req *shalev1.ResolveLockRequest) ([]mvcc.Lock, error) {
	if key := mvcc.Key(req.GetKey()); key != "" {
		if err := mvcc.ValidateKey(key); err != nil {
			return nil, err
		}
		page, _, err := m.Txns.Locks(ctx, mvcc.LocksArgs{Span: mvcc.KeySpan(key), Limit: 1})
		if err == nil && len(page.Locks) == 0 {
			err = &wire.NotFoundError{What: "no lock stands on " + mvcc.FormatKey(key)}
		}
		if err != nil {
			return nil, err
		}
		return page.Locks, nil
	}
	w, err := h.walk(ctx, 0)
	if err != nil {
		return nil, err
	}
	var locks []mvcc.Lock
	err = w.locks(ctx, everything(), func(l mvcc.Lock, _ routing.ShardID) bool {
		if l.StartTS == timestamp.Timestamp(req.GetTxnId()) {
			locks = append(locks, l)
		}
		return len(locks) < resolvedMax
	})
	switch {
	case err != nil:
		return nil, err
	case len(locks) == 0 && len(w.unreachable) > 0:
		return nil, &routing.UnavailableError{Why: fmt.Sprintf("no lock of transaction %d was found, but shards %v do not answer",
			req.GetTxnId(), w.unreachable)}
	case len(locks) == 0:
		return nil, &wire.NotFoundError{What: fmt.Sprintf("transaction %d holds no locks", req.GetTxnId())}
	}
	return locks, nil
}
