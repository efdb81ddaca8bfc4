package routing

import (
	"fmt"

	"github.com/shaledb/shale/mvcc"
)

// NotLeaderError: send the request to the leader. Nothing of it was done.
type NotLeaderError struct {
	Shard  ShardID
	Leader NodeID // zero: not known at the moment, try the replicas in turn
}

func (e *NotLeaderError) Error() string {
	if e.Leader == 0 {
		return fmt.Sprintf("shard %d has no leader known here", e.Shard)
	}
	return fmt.Sprintf("shard %d is led by node %d", e.Shard, e.Leader)
}

// EpochMismatchError: the request's route is wrong. Nothing of it was done. Current holds
// the descriptors known here that cover the request's keys; it may be empty.
type EpochMismatchError struct {
	Shard   ShardID
	Current []Descriptor
}

func (e *EpochMismatchError) Error() string {
	return fmt.Sprintf("shard %d has other bounds than the request assumes", e.Shard)
}

// UnknownShardError: this node has no replica of the shard. Nothing was done; look the
// route up again.
type UnknownShardError struct{ Shard ShardID }

func (e *UnknownShardError) Error() string {
	return fmt.Sprintf("this node has no replica of shard %d", e.Shard)
}

// UnavailableError: send the same request again, later or elsewhere. Maybe says whether
// the request may have been done or may still be: a lost reply, a proposal of an old
// term. Where it is false, nothing was done and nothing will be.
type UnavailableError struct {
	Shard ShardID // zero: not one shard's matter
	Why   string
	Maybe bool
}

func (e *UnavailableError) Error() string {
	if e.Shard == 0 {
		return e.Why
	}
	return fmt.Sprintf("shard %d: %s", e.Shard, e.Why)
}

// OverloadedError: slow down, then send again. Nothing was done.
type OverloadedError struct {
	Shard ShardID
	Why   string
}

func (e *OverloadedError) Error() string { return fmt.Sprintf("shard %d: %s", e.Shard, e.Why) }

// KeySystemError: the key is the system's own.
type KeySystemError struct{ Key mvcc.Key }

func (e *KeySystemError) Error() string {
	return fmt.Sprintf("key %s belongs to the system: keys that begin with the byte 0x00 are its own",
		mvcc.FormatKey(e.Key))
}
