package tables

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/shaledb/shale/cmd/shale/virtual"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
)

// ExplainTable is explain(id): where the time of a transaction went, at its gateway and at its
// shards. Without an id it lists what the nodes keep. Ask gathers the phases from all nodes.
func ExplainTable(ask func(ctx context.Context, id uint64) ([]*nodev1.Phase, error)) *virtual.Table {
	return &virtual.Table{
		Name: "explain", Doc: "where a transaction's time went: of slow ones, and of a sample", Rows: 20,
		Columns: []virtual.Column{
			column("txn", "INTEGER", "its start timestamp"), column("node", "INTEGER", "where it was measured"),
			column("shard", "INTEGER", "NULL at the gateway"), column("request", "TEXT", "the Commit and its mode, or the request's kind"),
			column("phase", "TEXT", "total, or a part of it"), column("offset_us", "INTEGER", "its beginning, since the first one's; each node by its own clock"),
			column("took_us", "INTEGER", ""), column("at", "TEXT", "its beginning"), column("result", "TEXT", "of a total"),
			argument("id", "INTEGER", "the transaction; left out: all that are kept", true),
		},
		Scan: func(ctx context.Context, q *virtual.Query) iter.Seq2[[]any, error] {
			return gathered(func() ([][]any, error) {
				var id uint64
				if v, has := q.Equal("id"); has {
					var fine bool
					if id, fine = tsOf(v); !fine || id == 0 {
						return nil, fmt.Errorf("explain: %v is no transaction: give its start timestamp, as txns and the slow-transaction log show it", v)
					}
				}
				phases, err := ask(ctx, id)
				if err == nil && id != 0 && len(phases) == 0 {
					err = fmt.Errorf("explain: no node has kept transaction %d: they keep what took longer than --slow-transaction "+
						"and every 1,024th, the last 1,000 parts each; SELECT * FROM explain() lists them", id)
				}
				if err != nil {
					return nil, err
				}
				return explained(phases), nil
			})
		},
	}
}

// explained makes rows of phases: each transaction's together, by time.
func explained(phases []*nodev1.Phase) [][]any {
	begins := map[uint64]int64{}
	for _, p := range phases {
		if at, ok := begins[p.GetTxn()]; !ok || p.GetAtNanos() < at {
			begins[p.GetTxn()] = p.GetAtNanos()
		}
	}
	slices.SortStableFunc(phases, func(a, b *nodev1.Phase) int {
		return cmp.Or(cmp.Compare(begins[b.GetTxn()], begins[a.GetTxn()]), cmp.Compare(a.GetTxn(), b.GetTxn()),
			cmp.Compare(a.GetAtNanos(), b.GetAtNanos()))
	})
	rows := make([][]any, 0, len(phases))
	for _, p := range phases {
		var shard, result any
		if p.GetShard() != 0 {
			shard = int64(p.GetShard())
		}
		if p.GetResult() != "" {
			result = p.GetResult()
		}
		rows = append(rows, []any{int64(p.GetTxn()), int64(p.GetNode()), shard, p.GetRequest(), p.GetPhase(),
			(p.GetAtNanos() - begins[p.GetTxn()]) / 1000, p.GetTookMicros(), time.Unix(0, p.GetAtNanos()).UTC().Format("2006-01-02 15:04:05.000000"), result})
	}
	return rows
}

// explainFunction asks every node: the gateway knows the whole, and each shard's leader its part.
func (c *Cluster) explainFunction() *virtual.Table {
	return ExplainTable(func(ctx context.Context, id uint64) ([]*nodev1.Phase, error) {
		nodes, err := c.ops.listNodes(ctx)
		if err != nil {
			return nil, err
		}
		found := make([][]*nodev1.Phase, len(nodes))
		err = eachNode(ctx, nodes, func(ctx context.Context, i int) error {
			if !nodes[i].Alive {
				return nil // what it kept is gone with it
			}
			res, err := c.ops.node(nodes[i].Address).Explain(ctx, &nodev1.ExplainRequest{Txn: id})
			found[i] = res.GetPhases()
			return err
		})
		return slices.Concat(found...), err
	})
}
