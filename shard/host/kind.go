package host

import (
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// kind is what a request asks for: a label of metrics, of which there are few.
type kind uint8

const (
	kindOther kind = iota
	kindGet
	kindScan
	kindPrewrite
	kindClaim
	kindFence
	kindValidate
	kindCommit
	kindRollback
	kindCheckTxn
	kindOutcome
	kindHeartbeat
	kindTimestamp
	kindDirectory
	kindSplit
	kindTransfer
	kindStatus
	kindWait
	kindVictim
	kindInspect
	kinds
)

func (k kind) String() string {
	return [kinds]string{"other", "get", "scan", "prewrite", "claim", "fence", "validate", "commit", "rollback",
		"check_txn", "outcome", "heartbeat", "timestamp", "directory", "split", "transfer", "status", "wait",
		"victim", "inspect"}[k]
}

// kindOf is the request's kind and the transaction that it belongs to; zero: to none.
func kindOf(req routing.Request) (kind, timestamp.Timestamp) {
	switch a := req.(type) {
	case *mvcc.GetArgs:
		return kindGet, a.Own
	case *mvcc.ScanArgs:
		return kindScan, a.Own
	case *mvcc.PrewriteArgs:
		return kindPrewrite, a.Start
	case *mvcc.ClaimArgs:
		return kindClaim, a.Start
	case *mvcc.FenceArgs:
		return kindFence, a.Start
	case *mvcc.ValidateArgs:
		return kindValidate, a.Start
	case *mvcc.CommitArgs:
		return kindCommit, a.Start
	case *mvcc.RollbackArgs:
		return kindRollback, a.Start
	case *mvcc.CheckTxnArgs:
		return kindCheckTxn, a.Start
	case *mvcc.OutcomeArgs:
		return kindOutcome, a.Start
	case *mvcc.HeartbeatArgs:
		return kindHeartbeat, a.Start
	}
	return kindOfShard(req), 0
}

// kindOfShard knows the requests that belong to no transaction.
func kindOfShard(req routing.Request) kind {
	switch req.(type) {
	case *routing.TimestampArgs:
		return kindTimestamp
	case *routing.SplitArgs:
		return kindSplit
	case *routing.TransferArgs:
		return kindTransfer
	case *routing.StatusArgs:
		return kindStatus
	case *routing.WaitArgs:
		return kindWait
	case *routing.VictimArgs:
		return kindVictim
	case *mvcc.VersionsArgs, *mvcc.LocksArgs, *mvcc.RecordsArgs, *routing.QueueArgs, *routing.HotArgs:
		return kindInspect
	}
	if directory.Owns(req) {
		return kindDirectory
	}
	return kindOther
}
