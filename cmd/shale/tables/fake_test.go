package tables

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/cmd/shale/virtual"
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
	"github.com/shaledb/shale/txn"
)

// world is a cluster in memory: shards, and their rows. Pages are at most so many rows.
type world struct {
	mu       sync.Mutex
	shards   []routing.Descriptor
	known    []routing.Descriptor // the directory's map; nil: the truth
	versions []mvcc.Version       // by key, new to old
	locked   []mvcc.Lock
	recorded []mvcc.Record
	clock    timestamp.Timestamp
	pageMax  int
	down     map[routing.ShardID]error
	asked    []mvcc.VersionsArgs
	lists    int
	before   func(*world, int) // of the n-th request, 1 being the first
	requests int
}

// cluster puts the tables over it.
func (w *world) cluster() *Cluster { return &Cluster{pager: w, chief: w, network: w} }

func shardsAt(ends ...mvcc.Key) (out []routing.Descriptor) {
	start := mvcc.FirstUserKey
	for i, end := range append(ends, "") {
		out = append(out, routing.Descriptor{ID: routing.ShardID(i + 2), Span: mvcc.Span{Start: start, End: end}})
		start = end
	}
	return out
}

// split cuts a shard in two, the right one new.
func (w *world) split(at mvcc.Key, right routing.ShardID) {
	for i := range w.shards {
		if s := &w.shards[i]; s.Span.Contains(at) {
			r := routing.Descriptor{ID: right, Span: mvcc.Span{Start: at, End: s.Span.End}}
			s.Span.End = at
			w.shards = append(w.shards, r)
			return
		}
	}
}

func (w *world) put(k mvcc.Key, commit timestamp.Timestamp, value string) {
	w.write(k, commit, commit-1, mvcc.OpPut, value)
}

func (w *world) write(k mvcc.Key, commit, start timestamp.Timestamp, op mvcc.Op, value string) {
	v := mvcc.Version{Key: k, CommitTS: commit, StartTS: start, Op: op}
	if op == mvcc.OpPut {
		v.Value = []byte(value)
	}
	w.versions = append(w.versions, v)
	slices.SortFunc(w.versions, func(a, b mvcc.Version) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(b.CommitTS, a.CommitTS))
	})
}

// begin takes a request in: it answers the shard that holds the place.
func (w *world) begin(ctx context.Context, at mvcc.Key) (routing.Descriptor, error) {
	w.requests++
	if w.before != nil {
		w.before(w, w.requests)
	}
	if ctx.Err() != nil {
		return routing.Descriptor{}, ctx.Err()
	}
	for _, d := range w.shards {
		if d.Span.Contains(at) {
			return d, w.down[d.ID]
		}
	}
	return routing.Descriptor{}, fmt.Errorf("nobody holds %s", at)
}

func (w *world) limit(asked int) int {
	if w.pageMax > 0 {
		return min(asked, w.pageMax)
	}
	return asked
}

func (w *world) Now(context.Context) (timestamp.Timestamp, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock++
	return w.clock, nil
}

func (w *world) Versions(ctx context.Context, a mvcc.VersionsArgs) (*mvcc.VersionsResult, routing.Descriptor, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, a)
	d, err := w.begin(ctx, max(a.Span.Start, a.After.Key))
	if err != nil {
		return nil, d, err
	}
	res := &mvcc.VersionsResult{Covered: d.Span.Clip(a.Span)}
	var above, base mvcc.Key
	for _, v := range w.versions {
		behind := v.Key > a.After.Key || v.Key == a.After.Key && v.CommitTS < a.After.CommitTS
		if !res.Covered.Contains(v.Key) || v.CommitTS > a.ReadTS || a.StartTS != 0 && v.StartTS != a.StartTS {
			continue
		}
		switch {
		case v.CommitTS > a.Above:
			above = v.Key
		case !a.Base || above != v.Key || base == v.Key:
			continue
		default:
			base = v.Key
		}
		if !behind {
			continue
		}
		if len(res.Versions) == w.limit(a.Limit) {
			res.More = true
			break
		}
		if a.KeysOnly {
			v.Value = nil
		}
		res.Versions = append(res.Versions, v)
		res.Resume = mvcc.VersionName{Key: v.Key, CommitTS: v.CommitTS, StartTS: v.StartTS}
	}
	return res, d, nil
}

func (w *world) Scan(ctx context.Context, a mvcc.ScanArgs) (txn.Page, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.begin(ctx, a.Span.Start); err != nil {
		return txn.Page{}, err
	}
	var p txn.Page
	last := mvcc.Key("")
	for _, v := range w.versions {
		if !a.Span.Contains(v.Key) || v.CommitTS > a.ReadTS || v.Key == last {
			continue
		}
		last = v.Key
		if v.Op != mvcc.OpPut {
			continue
		}
		if len(p.Versions) == w.limit(a.Limit) {
			p.More, p.Resume = true, v.Key
			return p, nil
		}
		p.Versions = append(p.Versions, v)
	}
	return p, nil
}

func (w *world) Locks(ctx context.Context, a mvcc.LocksArgs) (*mvcc.LocksResult, routing.Descriptor, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d, err := w.begin(ctx, max(a.Span.Start, a.After))
	if err != nil {
		return nil, d, err
	}
	res := &mvcc.LocksResult{Covered: d.Span.Clip(a.Span)}
	for _, l := range w.locked {
		if !res.Covered.Contains(l.Key) || l.Key <= a.After {
			continue
		}
		if len(res.Locks) == w.limit(a.Limit) {
			res.More = true
			break
		}
		res.Locks, res.Resume = append(res.Locks, l), l.Key
	}
	return res, d, nil
}

func (w *world) Records(ctx context.Context, a mvcc.RecordsArgs) (*mvcc.RecordsResult, routing.Descriptor, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d, err := w.begin(ctx, a.Span.Start)
	if err != nil {
		return nil, d, err
	}
	slices.SortFunc(w.recorded, func(a, b mvcc.Record) int {
		return cmp.Or(cmp.Compare(a.StartTS, b.StartTS), cmp.Compare(a.Key, b.Key))
	})
	res := &mvcc.RecordsResult{Covered: d.Span.Clip(a.Span)}
	for _, r := range w.recorded {
		behind := r.StartTS > a.After.StartTS || r.StartTS == a.After.StartTS && r.Key > a.After.Key
		if !res.Covered.Contains(r.Key) || !behind || a.StartTS != 0 && r.StartTS != a.StartTS {
			continue
		}
		if len(res.Records) == w.limit(a.Limit) {
			res.More = true
			break
		}
		res.Records, res.Resume = append(res.Records, r), mvcc.RecordName{Key: r.Key, StartTS: r.StartTS}
	}
	return res, d, nil
}

func (w *world) Queue(_ context.Context, d routing.Descriptor, _ int) (*routing.QueueResult, error) {
	return &routing.QueueResult{Waits: []routing.Waiting{{Waiter: 7, Holder: 6, Key: d.Span.Start + "k", Request: "claim", For: 1e9}}}, w.down[d.ID]
}

func (w *world) Hot(_ context.Context, d routing.Descriptor, _ int) (*routing.HotResult, error) {
	return &routing.HotResult{Reads: 3, Writes: 1, Keys: []routing.HotKey{{Key: d.Span.Start + "k", Reads: 2}}}, w.down[d.ID]
}

func (w *world) List(context.Context) (*directory.ListResult, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lists++
	if w.known != nil {
		return &directory.ListResult{Shards: slices.Clone(w.known)}, nil
	}
	return &directory.ListResult{Shards: slices.Clone(w.shards)}, nil
}

func (w *world) Send(_ context.Context, calls []*routing.Call, _ func(*routing.Call) bool) {
	for _, c := range calls {
		c.Err = &routing.UnavailableError{Shard: c.To.ID, Why: "away"}
	}
}

// named finds a table.
func named(t *testing.T, tables []*virtual.Table, name string) *virtual.Table {
	t.Helper()
	for _, table := range tables {
		if table.Name == name {
			return table
		}
	}
	require.Fail(t, "no such table", name)
	return nil
}

// equals is a query of columns and the values that they must have.
func equals(pairs ...any) *virtual.Query {
	q := &virtual.Query{Equals: map[string]any{}, Lows: map[string]virtual.Bound{}, Highs: map[string]virtual.Bound{}}
	for i := 0; i < len(pairs); i += 2 {
		q.Equals[pairs[i].(string)] = pairs[i+1]
	}
	return q
}

// scan runs a scan to its end and keeps its rows.
func scan(ctx context.Context, table *virtual.Table, q *virtual.Query) (rows [][]any, err error) {
	for row, err := range table.Scan(ctx, q) {
		if err != nil {
			return rows, err
		}
		rows = append(rows, slices.Clone(row))
	}
	return rows, nil
}

func mustScan(t *testing.T, ctx context.Context, table *virtual.Table, q *virtual.Query) [][]any {
	t.Helper()
	rows, err := scan(ctx, table, q)
	require.NoError(t, err)
	return rows
}

// texts is each row's values in words.
func texts(rows [][]any, columns ...int) (out []string) {
	for _, row := range rows {
		text := ""
		for i, c := range columns {
			if i > 0 {
				text += " "
			}
			if b, ok := row[c].([]byte); ok {
				text += fmt.Sprintf("X'%x'", b)
			} else {
				text += fmt.Sprint(row[c])
			}
		}
		out = append(out, text)
	}
	return out
}

var _ iter.Seq2[[]any, error] = nothing[[]any] // constant: the empty sequence
