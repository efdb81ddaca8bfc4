package node

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/proto/shale/v1/shalev1connect"
	"github.com/shaledb/shale/rpc/client"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/host"
	"github.com/shaledb/shale/txn"
)

// split cuts the key space at a key, through node i.
func (c *trio) split(i int, at string) {
	clusters := shalev1connect.NewClusterServiceClient(http.DefaultClient, "http://"+c.addresses[i])
	_, err := clusters.SplitShard(c.ctx(), &shalev1.SplitShardRequest{Key: []byte(at)})
	require.NoError(c.t, err)
}

// commit commits puts in one transaction at the gateway of node i and returns its id. Header
// is sent with the Commit.
func (c *trio) commit(i int, value string, header http.Header, keys ...string) uint64 {
	txns := shalev1connect.NewTxnServiceClient(http.DefaultClient, "http://"+c.addresses[i])
	begun, err := txns.Begin(c.ctx(), &shalev1.BeginRequest{})
	require.NoError(c.t, err)
	req := &shalev1.CommitRequest{Txn: begun.GetTxn()}
	for _, k := range keys {
		req.Mutations = append(req.Mutations, &shalev1.Mutation{Op: shalev1.Op_OP_PUT, Key: []byte(k), Value: []byte(value)})
	}
	ctx, info := connect.NewClientContext(c.ctx())
	for name, values := range header {
		info.RequestHeader()[name] = values
	}
	_, err = txns.Commit(ctx, req)
	require.NoError(c.t, err)
	return begun.GetTxn().GetId()
}

// TestMetrics: all names follow Prometheus's conventions, and what a workload does is seen.
func TestMetrics(t *testing.T) {
	c := newTrio(t, 1)
	c.split(0, "m")
	before := c.metrics(0)
	for i := range 50 {
		c.commit(0, "value", nil, fmt.Sprint("a", i), fmt.Sprint("x", i))
	}
	c.get(0, "a1")
	problems, err := promlint.New(strings.NewReader(c.metrics(0))).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
	moved := []string{
		`shale_rpc_seconds_count{procedure="/shale.v1.TxnService/Commit"}`,
		`shale_shard_request_seconds_count{kind="prewrite"}`, `shale_shard_request_seconds_count{kind="timestamp"}`,
		`shale_shard_phase_seconds_count{phase="queue"}`, `shale_shard_phase_seconds_count{phase="consensus"}`,
		`shale_shard_phase_seconds_count{phase="apply"}`, `shale_commit_seconds_count{mode="async"}`,
		"shale_log_sync_seconds_count", "shale_log_batch_bytes_sum", "shale_log_batch_writes_sum",
		"shale_oracle_draw_seconds_count", "shale_oracle_draw_timestamps_sum", "shale_loop_turn_seconds_count",
		"shale_entries_applied_total", "shale_entries_proposed_total",
	}
	require.Eventually(t, func() bool { // a flush is due within 100 ms
		return value(t, c.metrics(0), "shale_flush_seconds_count") > value(t, before, "shale_flush_seconds_count")
	}, time.Minute, 10*time.Millisecond)
	after := c.metrics(0)
	for _, name := range moved {
		require.Greater(t, value(t, after, name), value(t, before, name), name)
	}
	for name, want := range map[string]float64{"shale_shards": 3, "shale_leaders": 3, "shale_leaders_without_lease": 0,
		"shale_replicas_quarantined": 0, "shale_replicas_without_leader": 0} {
		require.Eventually(t, func() bool { // a loaded machine may cost a leader its lease for a moment
			return value(t, c.metrics(0), name) == want
		}, time.Minute, 10*time.Millisecond, name)
	}
	require.Greater(t, value(t, after, "shale_disk_free_bytes"), 0.0)
	require.Greater(t, value(t, after, "shale_sqlite_bytes"), 0.0)
	require.InDelta(t, 0, value(t, after, "shale_clock_step_seconds"), 60)
}

// value is one sample of a page; zero where it is not there.
func value(t *testing.T, page, name string) float64 {
	for line := range strings.Lines(page) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			var v float64
			_, err := fmt.Sscan(rest, &v)
			require.NoError(t, err, line)
			return v
		}
	}
	return 0
}

// TestExplain: a slow transaction over two shards is kept by its gateway and by the shards,
// with phases that lie within its total, and logged without its keys and values.
func TestExplain(t *testing.T) {
	var log lockedBuffer
	c := newTrioOf(t, 3, func(cfg *Config) {
		cfg.SlowTransaction = time.Nanosecond // everything is
		cfg.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	c.split(0, "secret-m")
	id := c.commit(0, "secret-value", nil, "secret-a", "secret-x")
	ask := func() map[string][]*nodev1.Phase {
		by := map[string][]*nodev1.Phase{}
		for _, n := range c.nodes {
			res, err := n.Explain(c.ctx(), &nodev1.ExplainRequest{Txn: id})
			require.NoError(t, err)
			for _, p := range res.GetPhases() {
				require.Equal(t, id, p.GetTxn())
				by[p.GetRequest()+" "+p.GetPhase()] = append(by[p.GetRequest()+" "+p.GetPhase()], p)
			}
		}
		return by
	}
	require.Eventually(t, func() bool { // the node looks at timings behind the answers
		by := ask()
		return len(by["commit/async total"]) == 1 && len(by["prewrite total"]) >= 2 && len(by["commit total"]) >= 1
	}, time.Minute, 5*time.Millisecond)
	by := ask()
	total := by["commit/async total"][0]
	require.Equal(t, "ok", total.GetResult())
	require.Zero(t, total.GetShard())
	step := by["commit/async prewrite"][0]
	require.LessOrEqual(t, step.GetTookMicros(), total.GetTookMicros())
	require.GreaterOrEqual(t, step.GetAtNanos(), total.GetAtNanos())
	shards := map[uint64]bool{}
	for _, p := range by["prewrite total"] {
		shards[p.GetShard()] = true
		require.LessOrEqual(t, p.GetTookMicros(), total.GetTookMicros())
	}
	require.Len(t, shards, 2)
	require.NotEmpty(t, by["prewrite consensus"])

	all, err := c.nodes[0].Explain(c.ctx(), &nodev1.ExplainRequest{Limit: 3})
	require.NoError(t, err)
	require.Len(t, all.GetPhases(), 3)
	require.True(t, all.GetMore())
	require.Contains(t, log.String(), `"msg":"slow request"`)
	require.NotContains(t, log.String(), "secret")
}

// TestSlowLog: the line has the ids, how it ended and each phase; of a storm only some are
// logged, and the next line says how many were not.
func TestSlowLog(t *testing.T) {
	var log lockedBuffer
	n := &Node{cfg: Config{SlowTransaction: time.Millisecond, Log: slog.New(slog.NewTextHandler(&log, nil))}.filled()}
	o := newObserver(n)
	now := time.Unix(1_000_000, 0)
	for range 3 * slowLogged {
		p := o.part(7, "prewrite")
		p.shard = 3
		p.step("consensus", now, 5*time.Millisecond)
		o.keep(p, now, 6*time.Millisecond, &mvcc.WriteConflictError{Key: "secret"}, true)
	}
	require.Contains(t, log.String(), `level=WARN msg="slow transaction" txn=7 request=prewrite result=WriteConflict took=6ms shard=3 consensus=5ms`)
	require.Equal(t, slowLogged, strings.Count(log.String(), "slow transaction"))
	p := o.part(0, "get")
	o.keep(p, now, time.Second, nil, true)
	require.Contains(t, log.String(), fmt.Sprintf(`msg="slow request" request=get result=ok took=1s notLogged=%d`, 2*slowLogged))
	require.NotContains(t, log.String(), "secret")
	require.Equal(t, uint64(3*slowLogged+1), n.slow.Load())
}

func TestRingIsBounded(t *testing.T) {
	var k kept
	for i := range 3 * keptMax {
		k.add([]*nodev1.Phase{{Txn: uint64(i)}})
	}
	phases, more := k.find(0, 10*keptMax)
	require.Len(t, phases, keptMax)
	require.False(t, more)
	require.Equal(t, uint64(3*keptMax-1), phases[0].GetTxn(), "the newest first")
	none, _ := k.find(1, 10)
	require.Empty(t, none, "the oldest are gone")
}

// TestLogsShowNoValues: whatever a node says at the debug level, no value and no key is in it.
func TestLogsShowNoValues(t *testing.T) {
	var log lockedBuffer
	c := newTrioOf(t, 3, func(cfg *Config) {
		cfg.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	c.split(0, "secret-n")
	large := "secret-value" + strings.Repeat("x", 10_000)
	for i := range 20 {
		c.commit(i%3, "secret-value", nil, fmt.Sprint("secret-a", i), fmt.Sprint("secret-x", i))
		c.put(i%3, mvcc.Key(fmt.Sprint("secret-l", i)), large)
		c.get(i%3, mvcc.Key(fmt.Sprint("secret-l", i)))
	}
	c.stop(2)
	c.put(0, "secret-x1", "secret-value")
	c.start(2)
	c.put(2, "secret-x2", "secret-value")
	require.NotEmpty(t, log.String())
	require.NotContains(t, log.String(), "secret")
}

// TestSettings: every number and duration of the configurations is a setting with a sentence.
func TestSettings(t *testing.T) {
	n := &Node{cfg: Config{Host: host.Config{Readers: 9, Replica: shard.Config{FlushRows: 7}},
		Flags: []Flag{{Name: "log_level", Value: "debug", Default: "info", Doc: "How much is said."}}}.filled()}
	res, err := n.Settings(context.Background(), &nodev1.SettingsRequest{})
	require.NoError(t, err)
	all := map[string]*nodev1.Setting{}
	for _, s := range res.GetSettings() {
		require.NotContains(t, all, s.GetName())
		require.True(t, strings.HasSuffix(s.GetDoc(), "."), s.GetDoc())
		all[s.GetName()] = s
	}
	require.Equal(t, "debug", all["log_level"].GetValue())
	require.Equal(t, "9", all["host.readers"].GetValue())
	require.Equal(t, "4", all["host.readers"].GetDefault())
	require.Equal(t, "7", all["shard.flush_rows"].GetValue())
	require.Equal(t, "512", all["shard.flush_rows"].GetDefault())
	require.Equal(t, "250ms", all["slow_transaction"].GetDefault())
	for prefix, cfg := range map[string]any{"host": host.Config{}, "shard": shard.Config{}, "txn": txn.Config{}, "client": client.Config{}} {
		of := reflect.TypeOf(cfg)
		for i := range of.NumField() {
			f := of.Field(i)
			if kind := f.Type.Kind(); kind != reflect.Int && kind != reflect.Int64 || f.Name == "Slow" {
				continue // Slow is slow_transaction
			}
			require.Contains(t, all, prefix+"."+snake(f.Name))
		}
	}
}

// snake is a field's name as settings have it: WALMax → wal_max.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		upper := r >= 'A' && r <= 'Z'
		if upper && i > 0 && (name[i-1] >= 'a' || i+1 < len(name) && name[i+1] >= 'a') {
			b.WriteByte('_')
		}
		b.WriteString(strings.ToLower(string(r)))
	}
	return b.String()
}

// lockedBuffer is a buffer for several writers.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
