package tables

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/cmd/shale/virtual"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
)

// TestExplainTable: the parts of all nodes by time, the gateway's and the shards' together.
func TestExplainTable(t *testing.T) {
	asked := uint64(0)
	table := ExplainTable(func(_ context.Context, id uint64) ([]*nodev1.Phase, error) {
		asked = id
		if id == 9 {
			return nil, nil
		}
		return []*nodev1.Phase{
			{Txn: 7, Node: 2, Shard: 3, Request: "prewrite", Phase: "total", AtNanos: 5_000_000, TookMicros: 20, Result: "ok"},
			{Txn: 7, Node: 1, Request: "commit/async", Phase: "total", AtNanos: 2_000_000, TookMicros: 4000, Result: "ok"},
			{Txn: 7, Node: 1, Request: "commit/async", Phase: "prewrite", AtNanos: 2_000_000, TookMicros: 3999},
		}, nil
	})
	rows := func(id any) (out [][]any, err error) {
		q := &virtual.Query{Equals: map[string]any{}}
		if id != nil {
			q.Equals["id"] = id
		}
		for row, e := range table.Scan(t.Context(), q) {
			if e != nil {
				return out, e
			}
			require.Len(t, row, len(table.Columns)-1)
			out = append(out, row[:7])
		}
		return out, nil
	}
	got, err := rows(int64(7))
	require.NoError(t, err)
	require.Equal(t, uint64(7), asked)
	require.Equal(t, [][]any{
		{int64(7), int64(1), nil, "commit/async", "total", int64(0), int64(4000)},
		{int64(7), int64(1), nil, "commit/async", "prewrite", int64(0), int64(3999)},
		{int64(7), int64(2), int64(3), "prewrite", "total", int64(3000), int64(20)},
	}, got)
	_, err = rows(nil)
	require.NoError(t, err)
	require.Zero(t, asked)
	_, err = rows(int64(9))
	require.ErrorContains(t, err, "no node has kept transaction 9")
	_, err = rows("Tokyo")
	require.ErrorContains(t, err, "no transaction")
}
