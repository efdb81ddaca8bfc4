package wire

import (
	"context"

	"connectrpc.com/connect"

	"github.com/shaledb/shale/mvcc"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/shard/routing"
)

// The hints say what the caller does next, by the contract's table.
const (
	hintRestart = "begin the transaction again"
	hintResend  = "send the same request again; a Commit only with its txn"
)

// table has one row for each type of error; it is constant. Where two rows match, the first
// one counts.
var table = [...]row{
	of(nodev1.ErrorKind_ERROR_KIND_OUTCOME_UNKNOWN, connect.CodeUnknown, "OUTCOME_UNKNOWN",
		"ask Outcome with the ids in the detail; do not send the Commit again",
		func(*OutcomeUnknownError, *nodev1.Error) {},
		func(*nodev1.Error) error { return &OutcomeUnknownError{Cause: &mvcc.UndeterminedError{}} },
		func(e *OutcomeUnknownError, d *shalev1.ErrorDetail) {
			d.TxnId, d.Key = uint64(e.Cause.StartTS), []byte(e.Cause.Primary)
		}),
	of(nodev1.ErrorKind_ERROR_KIND_UNDETERMINED, connect.CodeUnavailable, "OUTCOME_PENDING",
		"send the same Commit again with its txn, or ask Outcome",
		func(e *mvcc.UndeterminedError, m *nodev1.Error) {
			m.StartTs, m.Key = uint64(e.StartTS), []byte(e.Primary)
		},
		func(m *nodev1.Error) error {
			return &mvcc.UndeterminedError{StartTS: ts(m.GetStartTs()), Primary: mvcc.Key(m.GetKey())}
		},
		func(e *mvcc.UndeterminedError, d *shalev1.ErrorDetail) {
			d.TxnId, d.Key = uint64(e.StartTS), []byte(e.Primary)
		}),
	of(nodev1.ErrorKind_ERROR_KIND_WRITE_CONFLICT, connect.CodeAborted, "WRITE_CONFLICT", hintRestart,
		func(e *mvcc.WriteConflictError, m *nodev1.Error) {
			m.Key, m.StartTs, m.Ts, m.Final = []byte(e.Key), uint64(e.StartTS), uint64(e.ConflictTS), e.Final
		},
		func(m *nodev1.Error) error {
			return &mvcc.WriteConflictError{Key: mvcc.Key(m.GetKey()), StartTS: ts(m.GetStartTs()),
				ConflictTS: ts(m.GetTs()), Final: m.GetFinal()}
		},
		func(e *mvcc.WriteConflictError, d *shalev1.ErrorDetail) {
			d.Key, d.TxnId, d.CommitTimestamp = []byte(e.Key), uint64(e.StartTS), uint64(e.ConflictTS)
		}),
	of(nodev1.ErrorKind_ERROR_KIND_TXN_ABORTED, connect.CodeAborted, "TXN_ABORTED", hintRestart,
		func(e *mvcc.TxnAbortedError, m *nodev1.Error) { m.StartTs, m.Key = uint64(e.StartTS), []byte(e.Key) },
		func(m *nodev1.Error) error {
			return &mvcc.TxnAbortedError{StartTS: ts(m.GetStartTs()), Key: mvcc.Key(m.GetKey())}
		},
		func(e *mvcc.TxnAbortedError, d *shalev1.ErrorDetail) {
			d.TxnId, d.Key = uint64(e.StartTS), []byte(e.Key)
		}),
	of(nodev1.ErrorKind_ERROR_KIND_DEADLOCK, connect.CodeAborted, "DEADLOCK", hintRestart,
		func(e *mvcc.DeadlockError, m *nodev1.Error) {
			m.StartTs, m.Key, m.Cycle = uint64(e.StartTS), []byte(e.Key), encodeEdges(e.Cycle)
		},
		func(m *nodev1.Error) error {
			return &mvcc.DeadlockError{StartTS: ts(m.GetStartTs()), Key: mvcc.Key(m.GetKey()), Cycle: decodeEdges(m.GetCycle())}
		},
		func(e *mvcc.DeadlockError, d *shalev1.ErrorDetail) {
			d.TxnId, d.Key, d.Cycle = uint64(e.StartTS), []byte(e.Key), publicCycle(e.Cycle)
		}),
	of(nodev1.ErrorKind_ERROR_KIND_LOCKED, connect.CodeUnavailable, "LOCKED", hintResend,
		func(e *mvcc.LockedError, m *nodev1.Error) { m.Lock = encodeLock(&e.Lock) },
		decodeLocked,
		func(e *mvcc.LockedError, d *shalev1.ErrorDetail) {
			d.Key, d.TxnId = []byte(e.Lock.Key), uint64(e.Lock.StartTS)
		}),
	of(nodev1.ErrorKind_ERROR_KIND_ALREADY_EXISTS, connect.CodeAlreadyExists, "ALREADY_EXISTS", "use PUT to replace it",
		func(e *mvcc.AlreadyExistsError, m *nodev1.Error) { m.Key = []byte(e.Key) },
		func(m *nodev1.Error) error { return &mvcc.AlreadyExistsError{Key: mvcc.Key(m.GetKey())} },
		func(e *mvcc.AlreadyExistsError, d *shalev1.ErrorDetail) { d.Key = []byte(e.Key) }),
	of(nodev1.ErrorKind_ERROR_KIND_CHECK_FAILED, connect.CodeFailedPrecondition, "CHECK_FAILED", "read the key and decide",
		func(e *mvcc.CheckFailedError, m *nodev1.Error) { m.Key, m.Op = []byte(e.Key), uint32(e.Op) },
		func(m *nodev1.Error) error {
			return &mvcc.CheckFailedError{Key: mvcc.Key(m.GetKey()), Op: mvcc.MutationOp(m.GetOp())}
		},
		func(e *mvcc.CheckFailedError, d *shalev1.ErrorDetail) { d.Key = []byte(e.Key) }),
	of(nodev1.ErrorKind_ERROR_KIND_ATOMIC, connect.CodeFailedPrecondition, "ATOMIC_FAILED", "read the key and decide",
		func(e *mvcc.AtomicError, m *nodev1.Error) { m.Key, m.Op, m.What = []byte(e.Key), uint32(e.Op), e.What },
		func(m *nodev1.Error) error {
			return &mvcc.AtomicError{Key: mvcc.Key(m.GetKey()), Op: mvcc.MutationOp(m.GetOp()), What: m.GetWhat()}
		},
		func(e *mvcc.AtomicError, d *shalev1.ErrorDetail) { d.Key = []byte(e.Key) }),
	of(nodev1.ErrorKind_ERROR_KIND_DIGEST_MISMATCH, connect.CodeInvalidArgument, "CONTENT_MISMATCH",
		"a transaction commits one content: begin another one for this",
		func(e *mvcc.DigestMismatchError, m *nodev1.Error) {
			m.StartTs, m.Key = uint64(e.StartTS), []byte(e.Key)
		},
		func(m *nodev1.Error) error {
			return &mvcc.DigestMismatchError{StartTS: ts(m.GetStartTs()), Key: mvcc.Key(m.GetKey())}
		},
		func(e *mvcc.DigestMismatchError, d *shalev1.ErrorDetail) {
			d.TxnId, d.Key = uint64(e.StartTS), []byte(e.Key)
		}),
	of(nodev1.ErrorKind_ERROR_KIND_BELOW_SAFEPOINT, connect.CodeOutOfRange, "BELOW_SAFEPOINT", "read at a later timestamp",
		func(e *mvcc.BelowSafepointError, m *nodev1.Error) {
			m.Ts, m.StartTs = uint64(e.TS), uint64(e.Safepoint)
		},
		func(m *nodev1.Error) error {
			return &mvcc.BelowSafepointError{TS: ts(m.GetTs()), Safepoint: ts(m.GetStartTs())}
		},
		func(*mvcc.BelowSafepointError, *shalev1.ErrorDetail) {}),
	of(nodev1.ErrorKind_ERROR_KIND_EXPIRED, connect.CodeFailedPrecondition, "EXPIRED",
		"the outcome can no longer be asked: read what the transaction would have written",
		func(e *mvcc.ExpiredError, m *nodev1.Error) { m.StartTs, m.Ts = uint64(e.StartTS), uint64(e.Safepoint) },
		func(m *nodev1.Error) error {
			return &mvcc.ExpiredError{StartTS: ts(m.GetStartTs()), Safepoint: ts(m.GetTs())}
		},
		func(e *mvcc.ExpiredError, d *shalev1.ErrorDetail) { d.TxnId = uint64(e.StartTS) }),
	of(nodev1.ErrorKind_ERROR_KIND_FUTURE, connect.CodeOutOfRange, "IN_FUTURE", "read at an earlier timestamp",
		func(e *mvcc.FutureError, m *nodev1.Error) { m.Ts, m.StartTs = uint64(e.TS), uint64(e.Newest) },
		func(m *nodev1.Error) error {
			return &mvcc.FutureError{TS: ts(m.GetTs()), Newest: ts(m.GetStartTs())}
		},
		func(*mvcc.FutureError, *shalev1.ErrorDetail) {}),
	invalid(connect.CodePermissionDenied, func(e *mvcc.InvalidError) bool { return e.Reason == mvcc.ReasonKeySystem }),
	invalid(connect.CodeFailedPrecondition, func(e *mvcc.InvalidError) bool { return e.Reason == mvcc.ReasonTxnEnded }),
	invalid(connect.CodeInvalidArgument, func(*mvcc.InvalidError) bool { return true }),
	of(nodev1.ErrorKind_ERROR_KIND_CORRUPT, connect.CodeDataLoss, "CORRUPT", "the message names the remedy",
		func(e *mvcc.CorruptError, m *nodev1.Error) {
			m.File, m.Offset, m.Row, m.What, m.Hint = e.File, e.Offset, e.Row, e.What, e.Remedy
		},
		func(m *nodev1.Error) error {
			return &mvcc.CorruptError{File: m.GetFile(), Offset: m.GetOffset(), Row: m.GetRow(),
				What: m.GetWhat(), Remedy: m.GetHint()}
		},
		func(e *mvcc.CorruptError, d *shalev1.ErrorDetail) { d.Hint = e.Remedy }),
	of(nodev1.ErrorKind_ERROR_KIND_NOT_LEADER, connect.CodeUnavailable, "NOT_LEADER", hintResend,
		func(e *routing.NotLeaderError, m *nodev1.Error) { m.Shard, m.Node = uint64(e.Shard), uint64(e.Leader) },
		func(m *nodev1.Error) error {
			return &routing.NotLeaderError{Shard: routing.ShardID(m.GetShard()), Leader: routing.NodeID(m.GetNode())}
		},
		func(*routing.NotLeaderError, *shalev1.ErrorDetail) {}),
	of(nodev1.ErrorKind_ERROR_KIND_EPOCH_MISMATCH, connect.CodeUnavailable, "ROUTE_CHANGED", hintResend,
		func(e *routing.EpochMismatchError, m *nodev1.Error) {
			m.Shard, m.Current = uint64(e.Shard), EncodeDescriptors(e.Current)
		},
		func(m *nodev1.Error) error {
			current, err := DecodeDescriptors(m.GetCurrent())
			if err != nil {
				current = nil // it is only a hint
			}
			return &routing.EpochMismatchError{Shard: routing.ShardID(m.GetShard()), Current: current}
		},
		func(*routing.EpochMismatchError, *shalev1.ErrorDetail) {}),
	of(nodev1.ErrorKind_ERROR_KIND_UNKNOWN_SHARD, connect.CodeUnavailable, "UNKNOWN_SHARD", hintResend,
		func(e *routing.UnknownShardError, m *nodev1.Error) { m.Shard = uint64(e.Shard) },
		func(m *nodev1.Error) error { return &routing.UnknownShardError{Shard: routing.ShardID(m.GetShard())} },
		func(*routing.UnknownShardError, *shalev1.ErrorDetail) {}),
	of(nodev1.ErrorKind_ERROR_KIND_UNAVAILABLE, connect.CodeUnavailable, "UNAVAILABLE", hintResend,
		func(e *routing.UnavailableError, m *nodev1.Error) {
			m.Shard, m.What, m.Maybe = uint64(e.Shard), e.Why, e.Maybe
		},
		func(m *nodev1.Error) error {
			return &routing.UnavailableError{Shard: routing.ShardID(m.GetShard()), Why: m.GetWhat(), Maybe: m.GetMaybe()}
		},
		func(*routing.UnavailableError, *shalev1.ErrorDetail) {}),
	of(nodev1.ErrorKind_ERROR_KIND_OVERLOADED, connect.CodeResourceExhausted, "OVERLOADED", "slow down, then send it again",
		func(e *routing.OverloadedError, m *nodev1.Error) { m.Shard, m.What = uint64(e.Shard), e.Why },
		func(m *nodev1.Error) error {
			return &routing.OverloadedError{Shard: routing.ShardID(m.GetShard()), Why: m.GetWhat()}
		},
		func(*routing.OverloadedError, *shalev1.ErrorDetail) {}),
	of(nodev1.ErrorKind_ERROR_KIND_KEY_SYSTEM, connect.CodePermissionDenied, mvcc.ReasonKeySystem,
		"use keys whose first byte is not 0x00",
		func(e *routing.KeySystemError, m *nodev1.Error) { m.Key = []byte(e.Key) },
		func(m *nodev1.Error) error { return &routing.KeySystemError{Key: mvcc.Key(m.GetKey())} },
		func(e *routing.KeySystemError, d *shalev1.ErrorDetail) { d.Key = []byte(e.Key) }),
	of(nodev1.ErrorKind_ERROR_KIND_READ_ONLY, connect.CodeFailedPrecondition, "READ_ONLY",
		"begin a transaction that may write",
		func(*ReadOnlyError, *nodev1.Error) {},
		func(*nodev1.Error) error { return &ReadOnlyError{} },
		func(*ReadOnlyError, *shalev1.ErrorDetail) {}),
	of(nodev1.ErrorKind_ERROR_KIND_UNIMPLEMENTED, connect.CodeUnimplemented, "UNIMPLEMENTED",
		"a later release does it",
		func(e *UnimplementedError, m *nodev1.Error) { m.What = e.What },
		func(m *nodev1.Error) error { return &UnimplementedError{What: m.GetWhat()} },
		func(*UnimplementedError, *shalev1.ErrorDetail) {}),
	of(nodev1.ErrorKind_ERROR_KIND_NOT_FOUND, connect.CodeNotFound, "NOT_FOUND", "list what there is",
		func(e *NotFoundError, m *nodev1.Error) { m.What = e.What },
		func(m *nodev1.Error) error { return &NotFoundError{What: m.GetWhat()} },
		func(*NotFoundError, *shalev1.ErrorDetail) {}),
	of(nodev1.ErrorKind_ERROR_KIND_ANSWER_TOO_LARGE, connect.CodeResourceExhausted, "ANSWER_TOO_LARGE",
		"ask for less at once",
		func(e *AnswerTooLargeError, m *nodev1.Error) { m.What = e.What },
		func(m *nodev1.Error) error { return &AnswerTooLargeError{What: m.GetWhat()} },
		func(*AnswerTooLargeError, *shalev1.ErrorDetail) {}),
	is(context.DeadlineExceeded, nodev1.ErrorKind_ERROR_KIND_DEADLINE, connect.CodeDeadlineExceeded,
		"DEADLINE_EXCEEDED", "the time that the caller gave is over; of a Commit, ask Outcome"),
	is(context.Canceled, nodev1.ErrorKind_ERROR_KIND_CANCELED, connect.CodeCanceled,
		"CANCELED", "the caller gave up; of a Commit, ask Outcome"),
	of(nodev1.ErrorKind_ERROR_KIND_INTERNAL, connect.CodeInternal, "INTERNAL", hintInternal,
		func(e *InternalError, m *nodev1.Error) { m.What = e.What },
		func(m *nodev1.Error) error { return &InternalError{What: m.GetWhat()} },
		func(*InternalError, *shalev1.ErrorDetail) {}),
}

// invalid makes a row of the *mvcc.InvalidErrors that cond picks. They bring reason and
// hint along.
func invalid(code connect.Code, cond func(*mvcc.InvalidError) bool) row {
	r := of(nodev1.ErrorKind_ERROR_KIND_INVALID, code, "INVALID", "",
		func(e *mvcc.InvalidError, m *nodev1.Error) {
			m.Reason, m.Key, m.What, m.Hint = e.Reason, []byte(e.Key), e.What, e.Hint
		},
		func(m *nodev1.Error) error {
			return &mvcc.InvalidError{Reason: m.GetReason(), Key: mvcc.Key(m.GetKey()), What: m.GetWhat(), Hint: m.GetHint()}
		},
		func(e *mvcc.InvalidError, d *shalev1.ErrorDetail) {
			d.Reason, d.Key, d.Hint = e.Reason, []byte(e.Key), e.Hint
		})
	r.match = func(err error) bool {
		e, ok := err.(*mvcc.InvalidError)
		return ok && cond(e)
	}
	return r
}
