package routing

import (
	"fmt"

	"github.com/shaledb/shale/mvcc"
)

// ShardID names a shard for ever; ids are never used again.
type ShardID uint64

// SystemShard is the system group: it holds the directory and the timestamp oracle, and
// the keys below mvcc.FirstUserKey.
const SystemShard ShardID = 1

// NodeID names a node of the cluster; ids are never used again.
type NodeID uint64

// ReplicaID names a replica within its shard's Raft group. A replica that lost part of its
// log or its vote comes back only under a new one.
type ReplicaID uint64

// BoundsEpoch counts the changes of a shard's bounds, MembersEpoch those of its members.
type (
	BoundsEpoch  uint64
	MembersEpoch uint64
)

// Epoch is both counters. The descriptor with the higher epoch is the newer one.
type Epoch struct {
	Bounds  BoundsEpoch
	Members MembersEpoch
}

// Newer says whether e has moved on from o.
func (e Epoch) Newer(o Epoch) bool {
	return e.Bounds > o.Bounds || (e.Bounds == o.Bounds && e.Members > o.Members)
}

func (e Epoch) String() string { return fmt.Sprintf("%d.%d", e.Bounds, e.Members) }

// Role is what a replica does in its group.
type Role uint8

// The roles.
const (
	Voter Role = iota + 1
	Learner
)

// Replica is one member of a shard.
type Replica struct {
	ID   ReplicaID
	Node NodeID
	Role Role
}

// Descriptor says where a shard is: the unit of the shard map.
type Descriptor struct {
	ID       ShardID
	Span     mvcc.Span
	Epoch    Epoch
	Replicas []Replica
	// Leader is a hint, not a fact: the node last heard to lead; zero: not known.
	Leader NodeID
}

// On is the shard's replica on a node.
func (d *Descriptor) On(n NodeID) (Replica, bool) {
	for _, r := range d.Replicas {
		if r.Node == n {
			return r, true
		}
	}
	return Replica{}, false
}

func (d Descriptor) String() string {
	return fmt.Sprintf("shard %d [%s, %s) epoch %s", d.ID, mvcc.FormatKey(d.Span.Start),
		mvcc.FormatKey(d.Span.End), d.Epoch)
}
