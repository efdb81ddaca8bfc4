package directory

import (
	"fmt"
	"slices"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// ListArgs asks for all nodes and shards. Where Since is the version that the asker has
// already, the answer is that version alone.
type ListArgs struct{ Since uint64 }

// ListResult is the whole directory.
type ListResult struct {
	Version   uint64
	ClusterID string
	Nodes     []Node
	Shards    []routing.Descriptor
}

// LookupArgs asks for the shard that holds a key.
type LookupArgs struct{ Key mvcc.Key }

// LookupResult begins with the descriptors that cover the key, the newest first; after them
// come some of the shards to the right, for whoever reads on.
type LookupResult struct{ Shards []routing.Descriptor }

// JoinArgs asks for a node id for a directory.
type JoinArgs struct {
	StoreID string
	Address string
}

// JoinResult is the node's name in the cluster.
type JoinResult struct {
	Node      routing.NodeID
	ClusterID string
}

// ReportArgs is what a node says of itself and of the shards that it leads.
type ReportArgs struct {
	Node    routing.NodeID
	Address string
	Shards  []routing.Descriptor
}

// ReportResult says at which version the directory then is.
type ReportResult struct{ Version uint64 }

// AllocateArgs asks for the ids of a new shard and its replicas.
type AllocateArgs struct{ ReplicaCount int }

// AllocateResult has ids that were never given away before.
type AllocateResult struct {
	Shard    routing.ShardID
	Replicas []routing.ReplicaID
}

// neighbours is how many shards to the right a Lookup answers with.
const neighbours = 8

// replicasMax bounds the replicas of one shard.
const replicasMax = 15

// Owns says whether a request is the directory's.
func Owns(req routing.Request) bool {
	switch req.(type) {
	case *ListArgs, *LookupArgs, *JoinArgs, *ReportArgs, *AllocateArgs, *DrainArgs:
		return true
	}
	return false
}

// Evaluate answers a request by the state as it is. It changes nothing: the rows, if any, do,
// once they are applied, and only then is the answer true. Errors are the caller's mistakes.
func (s *State) Evaluate(req any) (rows []mvcc.SystemRow, answer any, err error) {
	switch a := req.(type) {
	case *ListArgs:
		return nil, s.list(a), nil
	case *LookupArgs:
		return nil, s.lookup(a), nil
	case *JoinArgs:
		return s.join(a)
	case *ReportArgs:
		return s.report(a)
	case *AllocateArgs:
		return s.allocate(a)
	case *DrainArgs:
		return s.drain(a)
	}
	return nil, nil, &mvcc.InvalidError{Reason: "REQUEST_UNKNOWN",
		What: fmt.Sprintf("the directory does not answer %T", req), Hint: "use a client of this version"}
}

func (s *State) list(a *ListArgs) *ListResult {
	if a.Since != 0 && a.Since == s.version {
		return &ListResult{Version: s.version, ClusterID: s.clusterID}
	}
	return &ListResult{Version: s.version, ClusterID: s.clusterID, Nodes: s.Nodes(), Shards: s.Shards()}
}

func (s *State) lookup(a *LookupArgs) *LookupResult {
	var covering, right []routing.Descriptor
	for _, d := range s.Shards() {
		switch {
		case d.Span.Contains(a.Key):
			covering = append(covering, d)
		case d.Span.Start > a.Key && len(right) < neighbours:
			right = append(right, d)
		}
	}
	// While a right shard is reported before its left, both cover the key: the one that
	// begins later is the newer one.
	slices.Reverse(covering)
	return &LookupResult{Shards: append(covering, right...)}
}

func (s *State) join(a *JoinArgs) ([]mvcc.SystemRow, any, error) {
	if a.StoreID == "" || a.Address == "" {
		return nil, nil, &mvcc.InvalidError{Reason: "JOIN_ARGS",
			What: "a node joins with its store's id and its address", Hint: "start it with --advertise"}
	}
	for _, n := range s.nodes {
		if n.StoreID != a.StoreID {
			continue
		}
		res := &JoinResult{Node: n.ID, ClusterID: s.clusterID}
		if n.Address == a.Address {
			return nil, res, nil
		}
		n.Address = a.Address
		return []mvcc.SystemRow{nodeRow(n), versionRow(s.version + 1)}, res, nil
	}
	next := s.next
	n := Node{ID: next.Node, StoreID: a.StoreID, Address: a.Address}
	next.Node++
	return []mvcc.SystemRow{nodeRow(n), {Name: rowNext, Value: encode(next)}, versionRow(s.version + 1)},
		&JoinResult{Node: n.ID, ClusterID: s.clusterID}, nil
}

// nodeUnknown is the mistake of naming a node that is none.
func nodeUnknown(id routing.NodeID, hint string) error {
	return &mvcc.InvalidError{Reason: "NODE_UNKNOWN",
		What: fmt.Sprintf("node %d is not a member of this cluster", id), Hint: hint}
}

func (s *State) report(a *ReportArgs) ([]mvcc.SystemRow, any, error) {
	n, known := s.nodes[a.Node]
	if !known {
		return nil, nil, nodeUnknown(a.Node, "let it join first")
	}
	var rows []mvcc.SystemRow
	if a.Address != "" && a.Address != n.Address {
		n.Address = a.Address
		rows = append(rows, nodeRow(n))
	}
	for _, d := range a.Shards {
		if s.news(d) {
			rows = append(rows, descriptorRow(d))
		}
	}
	if len(rows) == 0 {
		return nil, &ReportResult{Version: s.version}, nil
	}
	return append(rows, versionRow(s.version+1)), &ReportResult{Version: s.version + 1}, nil
}

// news says whether a reported descriptor moves the map on: a higher epoch, or another
// leader under the same one.
func (s *State) news(d routing.Descriptor) bool {
	old, ok := s.shards[d.ID]
	if !ok || d.Epoch.Newer(old.Epoch) {
		return true
	}
	return d.Epoch == old.Epoch && d.Leader != 0 && d.Leader != old.Leader
}

func (s *State) allocate(a *AllocateArgs) ([]mvcc.SystemRow, any, error) {
	if a.ReplicaCount < 1 || a.ReplicaCount > replicasMax {
		return nil, nil, &mvcc.InvalidError{Reason: "REPLICA_COUNT",
			What: fmt.Sprintf("a shard has 1 to %d replicas, not %d", replicasMax, a.ReplicaCount),
			Hint: "ask for as many as the shard to be split has"}
	}
	next := s.next
	res := &AllocateResult{Shard: next.Shard}
	next.Shard++
	for range a.ReplicaCount {
		res.Replicas = append(res.Replicas, next.Replica)
		next.Replica++
	}
	return []mvcc.SystemRow{{Name: rowNext, Value: encode(next)}}, res, nil
}
