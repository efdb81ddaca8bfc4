package tables

import (
	"context"
	"fmt"
	"strings"

	"github.com/shaledb/shale/mvcc/sqlite"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/shard/routing"
)

// replicas are the files of one node that runs.
type replicas struct {
	ops     operators
	address string
	own     routing.NodeID
}

// OpenReplica looks at the files of one running node, for all shards that it has, as they are:
// behind what was acknowledged by a flush, and on a follower by more.
func OpenReplica(ctx context.Context, cfg Config, node routing.NodeID) (*Files, error) {
	cfg.fill()
	r := &replicas{ops: operators{http: cfg.HTTP, hosts: cfg.Hosts}, own: node}
	nodes, err := r.ops.listNodes(ctx)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, n := range nodes {
		if n.Id == uint64(node) {
			r.address = n.Address
		}
		ids = append(ids, fmt.Sprint(n.Id))
	}
	if r.address == "" {
		return nil, &NoNodeError{Node: node, There: ids}
	}
	return &Files{&files{r}}, nil
}

// NoNodeError: the cluster has no such node.
type NoNodeError struct {
	Node  routing.NodeID
	There []string
}

func (e *NoNodeError) Error() string {
	return fmt.Sprintf("there is no node %d: there are %s", e.Node, strings.Join(e.There, ", "))
}

func (r *replicas) shards(ctx context.Context) ([]routing.ShardID, error) {
	all, err := r.ops.listShards(ctx)
	if err != nil {
		return nil, err
	}
	var out []routing.ShardID
	for _, s := range all {
		if on(s, r.own) {
			out = append(out, routing.ShardID(s.Id))
		}
	}
	return out, nil
}

func on(s *shalev1.Shard, node routing.NodeID) bool {
	for _, r := range s.Replicas {
		if r.Node == uint64(node) {
			return true
		}
	}
	return false
}

func (r *replicas) look(ctx context.Context, id routing.ShardID, sql string, rows int) (*sqlite.Result, error) {
	res, err := r.ops.node(r.address).Inspect(ctx, &nodev1.InspectRequest{Shard: uint64(id), Sql: sql, MaxRows: uint32(rows)})
	if err != nil {
		return nil, err
	}
	out := &sqlite.Result{Columns: res.Columns, Truncated: res.Truncated, Rows: make([][]any, len(res.Rows))}
	for i, row := range res.Rows {
		out.Rows[i] = make([]any, len(row.Values))
		for j, v := range row.Values {
			out.Rows[i][j] = DecodeValue(v)
		}
	}
	return out, nil
}

func (r *replicas) size(routing.ShardID) int64 { return 0 }

func (r *replicas) node() routing.NodeID { return r.own }

// DecodeValue is a value of SQL as a node sends it: nil, int64, float64, string or []byte.
func DecodeValue(v *nodev1.Value) any {
	switch x := v.GetValue().(type) {
	case *nodev1.Value_Integer:
		return x.Integer
	case *nodev1.Value_Real:
		return x.Real
	case *nodev1.Value_Text:
		return x.Text
	case *nodev1.Value_Blob:
		return x.Blob
	}
	return nil
}
