package directory

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// Node is a member of the cluster.
type Node struct {
	ID      routing.NodeID `json:"id"`
	StoreID string         `json:"storeId"` // of its directory
	Address string         `json:"address"` // host:port
	// Draining: it is to lead nothing. Whoever moves leaders asks this; Raft's own elections
	// do not, and the node gives back what they bring it.
	Draining bool `json:"draining,omitempty"`
}

// State is the directory at one applied index. It belongs to one goroutine; what it returns
// is the caller's.
type State struct {
	clusterID string
	nodes     map[routing.NodeID]Node
	shards    map[routing.ShardID]routing.Descriptor
	next      nextIDs
	ceiling   timestamp.Timestamp
	version   uint64 // counts applied changes that a listing shows
}

// nextIDs are the least ids not yet given away.
type nextIDs struct {
	Node    routing.NodeID    `json:"node"`
	Shard   routing.ShardID   `json:"shard"`
	Replica routing.ReplicaID `json:"replica"`
}

// The rows' names.
const (
	rowCluster = "cluster"
	rowNext    = "next"
	rowCeiling = "ceiling"
	rowVersion = "version"
	nodeRows   = "node/"
	shardRows  = "shard/"
)

type clusterRow struct {
	ID string `json:"id"`
}

// shardRow is a descriptor as it is stored. Keys are bytes, hence base64 in JSON.
type shardRow struct {
	ID       routing.ShardID      `json:"id"`
	Start    []byte               `json:"start"`
	End      []byte               `json:"end"`
	Bounds   routing.BoundsEpoch  `json:"bounds"`
	Members  routing.MembersEpoch `json:"members"`
	Replicas []replicaRow         `json:"replicas"`
	Leader   routing.NodeID       `json:"leader"`
}

type replicaRow struct {
	ID   routing.ReplicaID `json:"id"`
	Node routing.NodeID    `json:"node"`
	Role routing.Role      `json:"role"`
}

// Load makes the state of its rows.
func Load(rows []mvcc.SystemRow) (*State, error) {
	s := &State{nodes: map[routing.NodeID]Node{}, shards: map[routing.ShardID]routing.Descriptor{}}
	if err := s.Apply(rows); err != nil {
		return nil, err
	}
	return s, nil
}

// Apply changes the state by the rows of one entry. An error means that the rows are not
// the directory's; nothing was applied of the row that is named, and the replica stops.
func (s *State) Apply(rows []mvcc.SystemRow) error {
	for i := range rows {
		if err := s.apply(&rows[i]); err != nil {
			return fmt.Errorf("system row %q: %w", rows[i].Name, err)
		}
	}
	return nil
}

func (s *State) apply(row *mvcc.SystemRow) error {
	switch {
	case row.Name == rowCluster:
		var c clusterRow
		if err := json.Unmarshal(row.Value, &c); err != nil {
			return err
		}
		s.clusterID = c.ID
	case row.Name == rowNext:
		return json.Unmarshal(row.Value, &s.next)
	case row.Name == rowCeiling:
		n, err := strconv.ParseUint(string(row.Value), 10, 63)
		if err != nil {
			return err
		}
		s.ceiling = max(s.ceiling, timestamp.Timestamp(n))
	case row.Name == rowVersion:
		n, err := strconv.ParseUint(string(row.Value), 10, 64)
		if err != nil {
			return err
		}
		s.version = n
	case strings.HasPrefix(row.Name, nodeRows):
		return s.applyNode(row)
	case strings.HasPrefix(row.Name, shardRows):
		return s.applyShard(row)
	default:
		return fmt.Errorf("unknown name")
	}
	return nil
}

func (s *State) applyNode(row *mvcc.SystemRow) error {
	id, err := strconv.ParseUint(strings.TrimPrefix(row.Name, nodeRows), 10, 64)
	if err != nil {
		return err
	}
	if row.Value == nil {
		delete(s.nodes, routing.NodeID(id))
		return nil
	}
	var n Node
	if err := json.Unmarshal(row.Value, &n); err != nil {
		return err
	}
	s.nodes[n.ID] = n
	return nil
}

func (s *State) applyShard(row *mvcc.SystemRow) error {
	id, err := strconv.ParseUint(strings.TrimPrefix(row.Name, shardRows), 10, 64)
	if err != nil {
		return err
	}
	if row.Value == nil {
		delete(s.shards, routing.ShardID(id))
		return nil
	}
	var r shardRow
	if err := json.Unmarshal(row.Value, &r); err != nil {
		return err
	}
	s.shards[r.ID] = r.descriptor()
	return nil
}

func (r *shardRow) descriptor() routing.Descriptor {
	d := routing.Descriptor{ID: r.ID, Span: mvcc.Span{Start: mvcc.Key(r.Start), End: mvcc.Key(r.End)},
		Epoch: routing.Epoch{Bounds: r.Bounds, Members: r.Members}, Leader: r.Leader}
	for _, m := range r.Replicas {
		d.Replicas = append(d.Replicas, routing.Replica(m))
	}
	return d
}

// Ceiling is the oracle's persisted ceiling.
func (s *State) Ceiling() timestamp.Timestamp { return s.ceiling }

// ClusterID names the cluster.
func (s *State) ClusterID() string { return s.clusterID }

// Nodes lists the nodes by id.
func (s *State) Nodes() []Node {
	nodes := make([]Node, 0, len(s.nodes))
	for _, id := range slices.Sorted(maps.Keys(s.nodes)) {
		nodes = append(nodes, s.nodes[id])
	}
	return nodes
}

// Shards lists the shards in the order of their keys.
func (s *State) Shards() []routing.Descriptor {
	list := make([]routing.Descriptor, 0, len(s.shards))
	for _, d := range s.shards {
		d.Replicas = slices.Clone(d.Replicas)
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b routing.Descriptor) int {
		if c := strings.Compare(string(a.Span.Start), string(b.Span.Start)); c != 0 {
			return c
		}
		return int(a.ID) - int(b.ID)
	})
	return list
}

// CeilingRow persists a ceiling of the oracle. A lower one than stands changes nothing.
func CeilingRow(ts timestamp.Timestamp) mvcc.SystemRow {
	return mvcc.SystemRow{Name: rowCeiling, Value: strconv.AppendUint(nil, uint64(ts), 10)}
}

// Bootstrap is the rows of a new cluster with its first nodes and shards.
func Bootstrap(clusterID string, nodes []Node, shards []routing.Descriptor) []mvcc.SystemRow {
	next := nextIDs{Node: 1, Shard: 1, Replica: 1}
	rows := []mvcc.SystemRow{{Name: rowCluster, Value: encode(clusterRow{ID: clusterID})}}
	for _, n := range nodes {
		next.Node = max(next.Node, n.ID+1)
		rows = append(rows, nodeRow(n))
	}
	for _, d := range shards {
		next.Shard = max(next.Shard, d.ID+1)
		for _, r := range d.Replicas {
			next.Replica = max(next.Replica, r.ID+1)
		}
		rows = append(rows, descriptorRow(d))
	}
	return append(rows, mvcc.SystemRow{Name: rowNext, Value: encode(next)}, versionRow(1))
}

func nodeRow(n Node) mvcc.SystemRow {
	return mvcc.SystemRow{Name: fmt.Sprintf("%s%010d", nodeRows, n.ID), Value: encode(n)}
}

func descriptorRow(d routing.Descriptor) mvcc.SystemRow {
	r := shardRow{ID: d.ID, Start: []byte(d.Span.Start), End: []byte(d.Span.End),
		Bounds: d.Epoch.Bounds, Members: d.Epoch.Members, Leader: d.Leader}
	for _, m := range d.Replicas {
		r.Replicas = append(r.Replicas, replicaRow(m))
	}
	return mvcc.SystemRow{Name: fmt.Sprintf("%s%010d", shardRows, d.ID), Value: encode(r)}
}

func versionRow(v uint64) mvcc.SystemRow {
	return mvcc.SystemRow{Name: rowVersion, Value: strconv.AppendUint(nil, v, 10)}
}

// encode never fails: the types are this package's own.
func encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("directory: encode %T: %v", v, err))
	}
	return raw
}
