package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"connectrpc.com/connect"

	"github.com/shaledb/shale/cmd/shale/tables"
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/sqlite"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
)

// inspector runs one read-only statement.
type inspector interface {
	inspect(ctx context.Context, statement string) (*sqlite.Result, error)
}

// fileInspector looks into a file of this machine.
type fileInspector struct {
	path string
	rows int
}

func (i *fileInspector) inspect(ctx context.Context, statement string) (*sqlite.Result, error) {
	res, err := sqlite.Inspect(ctx, i.path, statement, sqlite.Limits{Rows: i.rows})
	return res, localError(i.path, err)
}

// localError gives what the sandbox says the codes that a node gives it. The file's name is
// left out where the statement is wrong and not the file.
func localError(path string, err error) error {
	var corrupt *mvcc.CorruptError
	var refused *sqlite.RefusedError
	switch {
	case err == nil, errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &refused):
		return connect.NewError(connect.CodePermissionDenied, fmt.Errorf("STATEMENT_REFUSED: %w", err))
	case errors.As(err, &corrupt), errors.Is(err, fs.ErrNotExist):
		return err
	}
	return &statementError{Cause: errors.New(strings.TrimPrefix(err.Error(), path+": "))}
}

// replicaInspector looks into one live replica's file, on its node.
type replicaInspector struct {
	conn        *connection
	shard, node uint64
	rows        int
}

func (i *replicaInspector) inspect(ctx context.Context, statement string) (*sqlite.Result, error) {
	shards, err := listShards(ctx, i.conn, i.shard)
	if err != nil {
		return nil, err
	}
	nodes, err := listNodes(ctx, i.conn)
	if err != nil {
		return nil, err
	}
	node := i.node
	if node == 0 {
		node = bestReplica(shards[0], nodes)
	}
	return askNode(ctx, i.conn, nodes, node, i.shard, statement, i.rows)
}

// bestReplica is the node that leads the shard, or one that has a replica and lives.
func bestReplica(s *shalev1.Shard, nodes []*shalev1.Node) uint64 {
	if s.LeaderNode != 0 {
		return s.LeaderNode
	}
	for _, r := range s.Replicas {
		for _, n := range nodes {
			if n.Id == r.Node && n.Alive {
				return n.Id
			}
		}
	}
	return s.Replicas[0].Node
}

// askNode runs a statement on a node's replica of a shard.
func askNode(ctx context.Context, conn *connection, nodes []*shalev1.Node, node, shard uint64, statement string,
	rows int) (*sqlite.Result, error) {
	address := ""
	for _, n := range nodes {
		if n.Id == node {
			address = n.Address
		}
	}
	if address == "" {
		return nil, &missingError{What: fmt.Sprintf("there is no node %d", node)}
	}
	at := &connection{hosts: []string{address}, http: conn.http}
	res, err := anyHost(ctx, at, func(ctx context.Context, host string) (*nodev1.InspectResponse, error) {
		return at.node(host).Inspect(ctx, &nodev1.InspectRequest{Shard: shard, Sql: statement, MaxRows: uint32(rows)})
	})
	if err != nil {
		return nil, &statementError{Cause: err}
	}
	out := &sqlite.Result{Columns: res.Columns, Truncated: res.Truncated}
	for _, r := range res.Rows {
		row := make([]any, len(r.Values))
		for i, v := range r.Values {
			row[i] = tables.DecodeValue(v)
		}
		out.Rows = append(out.Rows, row)
	}
	return out, nil
}
