package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"connectrpc.com/connect"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/sqlite"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/shard/routing"
)

// inspectRowsMax bounds the rows of one answer, whatever is asked for.
const inspectRowsMax = 100_000

// Inspect runs one read-only statement on the file of this node's replica of a shard, until
// the caller has gone or its time is over. The file may lag the replica by a flush. Whether the
// caller may, the server has asked (server.Config.operator).
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
	if err != nil {
		return nil, inspectError(err)
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

// OffsetHeader is where in the statement, in bytes, a refused one begins to be wrong.
const OffsetHeader = "Shale-Statement-Offset"

// inspectError gives what the sandbox says a code, a reason and a hint.
func inspectError(err error) error {
	var refused *sqlite.RefusedError
	var busy *sqlite.BusyError
	var greedy *sqlite.GreedyError
	var wrong *sqlite.StatementError
	var corrupt *mvcc.CorruptError
	switch {
	case errors.As(err, &refused):
		return told(connect.CodePermissionDenied, "STATEMENT_REFUSED", "read tables and views, with plain functions", err)
	case errors.As(err, &busy):
		return told(connect.CodeResourceExhausted, "STATEMENT_BUSY", "ask again when another inspection has ended", err)
	case errors.As(err, &greedy):
		return told(connect.CodeResourceExhausted, "STATEMENT_TOO_LARGE", "ask for less at a time", err)
	case errors.Is(err, context.DeadlineExceeded):
		return told(connect.CodeDeadlineExceeded, "STATEMENT_TIMEOUT", "ask for less at a time", err)
	case errors.Is(err, context.Canceled):
		return told(connect.CodeCanceled, "STATEMENT_CANCELED", "", err)
	case errors.As(err, &wrong):
		out := told(connect.CodeInvalidArgument, "STATEMENT", "correct the statement", err)
		if wrong.Offset >= 0 {
			out.Meta().Set(OffsetHeader, strconv.Itoa(wrong.Offset))
		}
		return out
	case errors.As(err, &corrupt):
		return wire.Public(err)
	}
	return told(connect.CodeInvalidArgument, "STATEMENT", "correct the statement", err)
}

func told(code connect.Code, reason, hint string, err error) *connect.Error {
	out := connect.NewError(code, fmt.Errorf("%s: %w", reason, err))
	if d, e := connect.NewErrorDetail(&shalev1.ErrorDetail{Reason: reason, Hint: hint}); e == nil {
		out.AddDetail(d)
	}
	return out
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
