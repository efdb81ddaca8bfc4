package tables

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/shaledb/shale/cmd/shale/virtual"
	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/shard/routing"
)

// gathered are rows that are made all at once: there are few.
func gathered(make func() ([][]any, error)) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		rows, err := make()
		if err != nil {
			yield(nil, err)
			return
		}
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// count is a number of something; zero is one.
func count[N ~int | ~int64 | ~uint32 | ~uint64](n N) any { return int64(n) }

// known is a number that zero means is not known.
func known[N ~int64 | ~uint64](n N) any {
	if n == 0 {
		return nil
	}
	return int64(n)
}

func shardsColumns() []virtual.Column {
	return []virtual.Column{
		column("shard", "INTEGER", ""), column("start_key", "TEXT", "NULL: the first key of all"), column("end_key", "TEXT", "NULL: past the last"),
		column("leader", "INTEGER", "a node; NULL: none is known"), column("term", "INTEGER", ""), column("size_bytes", "INTEGER", ""),
		column("locks", "INTEGER", ""), column("waiting", "INTEGER", "requests that wait for locks"),
		column("bounds_epoch", "INTEGER", ""), column("members_epoch", "INTEGER", ""), column("replicas", "TEXT", "the nodes that have one"),
	}
}

func (c *Cluster) shardsTable() *virtual.Table {
	return &virtual.Table{
		Name: "shards", Doc: "the shards: their bounds, leaders and sizes", Columns: shardsColumns(), Rows: 100,
		Scan: func(ctx context.Context, _ *virtual.Query) iter.Seq2[[]any, error] {
			return gathered(func() ([][]any, error) {
				shards, err := c.ops.listShards(ctx)
				var rows [][]any
				for _, s := range shards {
					rows = append(rows, shardRow(s))
				}
				return rows, err
			})
		},
	}
}

func shardRow(s *shalev1.Shard) []any {
	nodes := make([]string, len(s.Replicas))
	for i, r := range s.Replicas {
		nodes[i] = fmt.Sprint(r.Node)
	}
	row := []any{count(s.Id), boundValue(mvcc.Key(s.StartKey)), boundValue(mvcc.Key(s.EndKey)), nil, nil, nil, nil, nil,
		count(s.GetEpoch().GetBounds()), count(s.GetEpoch().GetMembers()), strings.Join(nodes, " ")}
	if s.LeaderNode != 0 {
		row[3], row[4], row[5], row[6], row[7] = count(s.LeaderNode), count(s.Term), count(s.SizeBytes), count(s.Locks), count(s.Waiting)
	}
	return row
}

// replicaStatus is what a replica says of itself; nil: it did not answer.
type replicaStatus struct {
	shard   routing.ShardID
	replica routing.Replica
	status  *routing.StatusResult
	away    string // why it says nothing
}

// statusTimeout bounds the wait for one replica's word about itself.
const statusTimeout = 2 * time.Second

type statusName struct{}

// statuses asks all replicas at once, once for the statement.
func (c *Cluster) statuses(ctx context.Context) ([]replicaStatus, error) {
	list, err := c.list(ctx) // not inside once, which does not nest
	if err != nil {
		return nil, err
	}
	return once(ctx, statusName{}, func() ([]replicaStatus, error) {
		var out []replicaStatus
		var calls []*routing.Call
		for _, d := range list.Shards {
			for _, r := range d.Replicas {
				to := routing.Descriptor{ID: d.ID, Replicas: []routing.Replica{r}}
				calls = append(calls, &routing.Call{To: to, Req: &routing.StatusArgs{}, Timeout: statusTimeout})
				out = append(out, replicaStatus{shard: d.ID, replica: r})
			}
		}
		c.network.Send(ctx, calls, nil)
		for i, call := range calls {
			if st, ok := call.Res.(*routing.StatusResult); ok {
				out[i].status = st
			}
			if call.Err != nil {
				out[i].away = call.Err.Error()
			}
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return out, nil
	})
}

// roleText is what a replica takes itself for; of one that says nothing, what it was made.
func roleText(r routing.Role, st *routing.StatusResult) string {
	switch {
	case st != nil && st.Role != "":
		return st.Role
	case r == routing.Learner:
		return "learner"
	}
	return "voter"
}

func (c *Cluster) replicasTable() *virtual.Table {
	return &virtual.Table{
		Name: "replicas", Doc: "the replicas, each by its own word; of one that is away only the directory's", Rows: 300,
		Columns: []virtual.Column{
			column("shard", "INTEGER", ""), column("node", "INTEGER", ""), column("replica", "INTEGER", "its id"),
			column("role", "TEXT", "leader, follower, candidate or learner; voter: it is away"), column("applied", "INTEGER", "log index; NULL: it is away"),
			column("flushed", "INTEGER", "what its file has"), column("commit_index", "INTEGER", ""),
			column("log_first", "INTEGER", ""), column("log_last", "INTEGER", ""),
			column("overlay_rows", "INTEGER", "not flushed yet"), column("size_bytes", "INTEGER", "of its file"),
			column("locks", "INTEGER", ""), column("waiting", "INTEGER", ""),
			column("lease_ms", "INTEGER", "how long from now; NULL: none"), column("quarantine", "TEXT", "why it serves nothing; NULL: it is well"),
			column("away", "TEXT", "why it does not answer; NULL: it does"),
		},
		Scan: func(ctx context.Context, _ *virtual.Query) iter.Seq2[[]any, error] {
			return gathered(func() ([][]any, error) {
				all, err := c.statuses(ctx)
				var rows [][]any
				for _, r := range all {
					rows = append(rows, r.row())
				}
				return rows, err
			})
		},
	}
}

func (r *replicaStatus) row() []any {
	st := r.status
	row := []any{count(r.shard), count(r.replica.Node), count(r.replica.ID), roleText(r.replica.Role, st),
		nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, text(r.away)}
	if st == nil {
		return row
	}
	row[4], row[5], row[6], row[7] = count(st.Applied), count(st.Flushed), known(st.Commit), count(st.LogFirst)
	row[8], row[9] = known(st.LogLast), count(st.OverlayRows)
	row[10], row[11], row[12], row[14] = count(st.SizeBytes), count(st.Locks), count(st.Waiting), text(st.Quarantine)
	if st.LeaseUntil > 0 {
		row[13] = st.LeaseUntil.Milliseconds()
	}
	return row
}

// text is a text; an empty one is NULL.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (c *Cluster) raftTable() *virtual.Table {
	return &virtual.Table{
		Name: "raft", Doc: "each replica's place in its Raft group; match and state are its leader's word", Rows: 300,
		Columns: []virtual.Column{
			column("shard", "INTEGER", ""), column("node", "INTEGER", ""), column("role", "TEXT", "leader, follower, candidate or learner; voter: it is away"),
			column("term", "INTEGER", ""), column("vote", "INTEGER", "a replica's id"), column("lead", "INTEGER", "a node, by this replica's word"),
			column("commit_index", "INTEGER", ""), column("applied", "INTEGER", ""),
			column("match", "INTEGER", "the log is known to agree up to here"), column("state", "TEXT", "probe, replicate or snapshot"),
		},
		Scan: func(ctx context.Context, _ *virtual.Query) iter.Seq2[[]any, error] {
			return gathered(func() ([][]any, error) {
				all, err := c.statuses(ctx)
				var rows [][]any
				for _, r := range all {
					rows = append(rows, r.raftRow(leaderOf(all, r.shard)))
				}
				return rows, err
			})
		},
	}
}

// leaderOf is the leader by its own word: of two, the one of the later term.
func leaderOf(all []replicaStatus, shard routing.ShardID) (leader *routing.StatusResult) {
	for _, r := range all {
		if r.shard == shard && r.status != nil && r.status.Leading && (leader == nil || r.status.Term > leader.Term) {
			leader = r.status
		}
	}
	return leader
}

func (r *replicaStatus) raftRow(leader *routing.StatusResult) []any {
	row := []any{count(r.shard), count(r.replica.Node), roleText(r.replica.Role, r.status), nil, nil, nil, nil, nil, nil, nil}
	if st := r.status; st != nil {
		row[3], row[4], row[5], row[6] = count(st.Term), known(st.Vote), known(st.Lead), known(st.Commit)
		row[7] = count(st.Applied)
	}
	if leader == nil {
		return row
	}
	for _, p := range leader.Progress {
		if p.Replica == r.replica.ID {
			row[8], row[9] = count(p.Match), text(p.State)
		}
	}
	return row
}

func (c *Cluster) nodesTable() *virtual.Table {
	return &virtual.Table{
		Name: "nodes", Doc: "the nodes", Rows: 10,
		Columns: []virtual.Column{
			column("node", "INTEGER", ""), column("address", "TEXT", ""), column("alive", "INTEGER", "1: it answered just now"),
			column("replicas", "INTEGER", ""), column("leaders", "INTEGER", ""),
			column("version", "TEXT", "NULL: it did not say"), column("uptime_s", "INTEGER", "NULL: it did not say"),
		},
		Scan: func(ctx context.Context, _ *virtual.Query) iter.Seq2[[]any, error] {
			return gathered(func() ([][]any, error) {
				nodes, err := c.ops.listNodes(ctx)
				if err != nil {
					return nil, err
				}
				c.askVersions(ctx, nodes)
				var rows [][]any
				for _, n := range nodes {
					rows = append(rows, []any{count(n.Id), n.Address, flag(n.Alive), count(n.Replicas), count(n.Leaders),
						text(n.Version), known(n.UptimeSeconds)})
				}
				return rows, nil
			})
		},
	}
}

// askVersions asks the nodes of which the one that listed them does not know the version.
func (c *Cluster) askVersions(ctx context.Context, nodes []*shalev1.Node) {
	// A node that says nothing has NULLs in its row.
	_ = eachNode(ctx, nodes, func(ctx context.Context, i int) error {
		n := nodes[i]
		if !n.Alive || n.Version != "" {
			return nil
		}
		res, err := c.ops.cluster(n.Address).ListNodes(ctx, &shalev1.ListNodesRequest{})
		for _, own := range res.GetNodes() {
			if own.Id == n.Id {
				n.Version, n.UptimeSeconds = own.Version, own.UptimeSeconds
			}
		}
		return err
	})
}

// The bounds of what one leader is asked about itself.
const (
	waitsMax = 1000
	hotMax   = 100
)

type wait struct {
	shard routing.ShardID
	routing.Waiting
}

func (c *Cluster) waitsTable() *virtual.Table {
	return &virtual.Table{
		Name: "waits", Doc: "requests that wait for locks at the leaders, up to 1,000 a shard, the longest",
		Columns: []virtual.Column{
			shardColumn(), column("waiter", "INTEGER", "a transaction; NULL: a read that holds nothing"), column("holder", "INTEGER", "a transaction"),
			column("key", "TEXT", "the key locked"), column("request", "TEXT", "get, scan, prewrite, claim …"), column("waiting_ms", "INTEGER", ""),
		},
		Scan: func(ctx context.Context, q *virtual.Query) iter.Seq2[[]any, error] {
			waits := perShard(ctx, c, q, func(ctx context.Context, d routing.Descriptor) ([]wait, error) {
				res, err := c.chief.Queue(ctx, d, waitsMax)
				if err != nil {
					return nil, err
				}
				var out []wait
				for _, w := range res.Waits {
					out = append(out, wait{d.ID, w})
				}
				return out, nil
			})
			return rowsFor(waits, func(w *wait) []any {
				return []any{count(w.shard), tsValue(w.Waiter), tsValue(w.Holder), keyValue(w.Key), w.Request, w.For.Milliseconds()}
			})
		},
	}
}

func (c *Cluster) hotFunction() *virtual.Table {
	return &virtual.Table{
		Name: "hot", Doc: "hot(): the leaders' busiest keys of late, and a row with NULL for each shard as a whole",
		Columns: []virtual.Column{
			shardColumn(), column("key", "TEXT", "NULL: the shard, since its leader became one"),
			column("reads", "REAL", "a key's: an estimate that halves every ten seconds"), column("writes", "REAL", ""),
			column("error", "REAL", "reads and writes are at most so much too high"),
			// SQLite calls a table a function where it has an argument.
			argument("unused", "INTEGER", "hot() needs no argument", true),
		},
		Scan: func(ctx context.Context, q *virtual.Query) iter.Seq2[[]any, error] {
			given, _ := q.Equal("unused")
			return rowsFor(perShard(ctx, c, q, c.hot), func(row *[]any) []any { return append(*row, given) })
		},
	}
}

func (c *Cluster) hot(ctx context.Context, d routing.Descriptor) ([][]any, error) {
	res, err := c.chief.Hot(ctx, d, hotMax)
	if err != nil {
		return nil, err
	}
	rows := [][]any{{count(d.ID), nil, float64(res.Reads), float64(res.Writes), float64(0)}}
	keys := slices.Clone(res.Keys)
	slices.SortFunc(keys, func(a, b routing.HotKey) int { return cmp.Compare(b.Reads+b.Writes, a.Reads+a.Writes) })
	for _, k := range keys {
		rows = append(rows, []any{count(d.ID), keyValue(k.Key), k.Reads, k.Writes, k.Error})
	}
	return rows, nil
}

func plansTable() *virtual.Table {
	return &virtual.Table{
		Name: "plans",
		Doc:  "what the directory has under way: always empty today, since it plans nothing; splits and transfers happen at once, when asked for",
		Columns: []virtual.Column{
			column("shard", "INTEGER", ""), column("what", "TEXT", ""), column("state", "TEXT", ""), column("since", "TEXT", "UTC"), column("why", "TEXT", ""),
		},
		Scan: func(context.Context, *virtual.Query) iter.Seq2[[]any, error] { return nothing[[]any] },
	}
}

var errNodeAway = errors.New("it does not answer")
