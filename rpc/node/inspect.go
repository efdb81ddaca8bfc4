package node

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"connectrpc.com/connect"

	"github.com/shaledb/shale/mvcc/sqlite"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/shard/routing"
)

// inspectRowsMax bounds the rows of one answer, whatever is asked for.
const inspectRowsMax = 100_000

// Inspect runs one read-only statement on the file of this node's replica of a shard. The
// file may lag the replica by a flush.
func (n *Node) Inspect(ctx context.Context, req *nodev1.InspectRequest) (*nodev1.InspectResponse, error) {
	h := replicas{n}.running()
	if h == nil {
		return nil, wire.Public(&routing.UnavailableError{Why: errNoCluster.Error()})
	}
	id := routing.ShardID(req.Shard)
	if !slices.Contains(h.Shards(), id) {
		return nil, wire.Public(&wire.NotFoundError{What: fmt.Sprintf("this node has no replica of shard %d", id)})
	}
	limits := sqlite.Limits{Rows: int(min(req.MaxRows, inspectRowsMax))}
	found, err := sqlite.Inspect(ctx, h.File(id), req.Sql, limits)
	var refused *sqlite.RefusedError
	switch {
	case errors.As(err, &refused):
		return nil, connect.NewError(connect.CodePermissionDenied, fmt.Errorf("STATEMENT_REFUSED: %w", err))
	case errors.Is(err, context.DeadlineExceeded):
		return nil, connect.NewError(connect.CodeDeadlineExceeded, fmt.Errorf("STATEMENT_TIMEOUT: %w", err))
	case err != nil:
		return nil, connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("STATEMENT: %w", err))
	}
	res := &nodev1.InspectResponse{Columns: found.Columns, Truncated: found.Truncated}
	for _, row := range found.Rows {
		out := &nodev1.Row{}
		for _, v := range row {
			out.Values = append(out.Values, encodeValue(v))
		}
		res.Rows = append(res.Rows, out)
	}
	return res, nil
}

func encodeValue(v any) *nodev1.Value {
	switch x := v.(type) {
	case int64:
		return &nodev1.Value{Value: &nodev1.Value_Integer{Integer: x}}
	case float64:
		return &nodev1.Value{Value: &nodev1.Value_Real{Real: x}}
	case string:
		return &nodev1.Value{Value: &nodev1.Value_Text{Text: x}}
	case []byte:
		return &nodev1.Value{Value: &nodev1.Value_Blob{Blob: x}}
	}
	return &nodev1.Value{}
}
