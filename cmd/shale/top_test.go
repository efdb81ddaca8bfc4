package main

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	shalev1 "github.com/shaledb/shale/proto/shale/v1"
)

const metricsBefore = `# HELP x y
process_cpu_seconds_total 2.5
shale_shard_request_seconds_count{kind="get"} 10
shale_shard_request_seconds_bucket{kind="get",le="0.001"} 10
shale_shard_request_seconds_bucket{kind="get",le="+Inf"} 10
broken{le="
`

const metricsAfter = `process_cpu_seconds_total 3.5 1700000000000
shale_shard_request_seconds_count{kind="get"} 110
shale_shard_request_seconds_count{kind="prewrite"} 4
shale_shard_request_seconds_bucket{kind="get",le="0.001"} 60
shale_shard_request_seconds_bucket{kind="get",le="0.002"} 110
shale_shard_request_seconds_bucket{kind="get",le="+Inf"} 110
`

func TestMetrics(t *testing.T) {
	before, after := parseMetrics([]byte(metricsBefore)), parseMetrics([]byte(metricsAfter))
	require.Equal(t, 2.5, before.sum(metricCPU))
	require.Equal(t, 114.0, after.sum(metricRequest+"_count"))
	require.Equal(t, 4.0, after.sum(metricRequest+"_count", labelWrite))
	gets := histogram(before, after, metricRequest, labelGet)
	require.Equal(t, []bucket{{0.001, 50}, {0.002, 110}, {math.Inf(1), 100}}, gets)
	gets[1].count = 100
	require.InDelta(t, 0.001, quantile(0.5, gets), 1e-9)
	require.InDelta(t, 0.00198, quantile(0.99, gets), 1e-9)
	require.True(t, math.IsNaN(quantile(0.5, nil)))
	require.Equal(t, 0.002, quantile(0.99, []bucket{{0.002, 1}, {math.Inf(1), 9}}), "above the last bound nothing is known")
}

// TestBetween: rates come of two looks at one leader; a new one counts anew, a node that is
// down is there, and what does not answer stands first.
func TestBetween(t *testing.T) {
	nodes := []*shalev1.Node{{Id: 1, Address: "a:1", Alive: true, Leaders: 2}, {Id: 2, Address: "b:1"},
		{Id: 3, Address: "c:1", Alive: true, Draining: true}}
	st := &shalev1.StatusResponse{ClusterId: "c", Nodes: nodes, Shards: 4, Problems: []string{"node 2 is away"}}
	at := time.Unix(1000, 0)
	before := &topLook{at: at, status: st, metrics: map[uint64]metrics{1: {metricCPU: 1}},
		activity: &shalev1.ActivityResponse{Shards: []*shalev1.ShardActivity{{Shard: 2, Node: 1, Reads: 100, Writes: 10},
			{Shard: 3, Node: 1, Reads: 500}, {Shard: 4, Node: 1, Reads: 5}}}}
	after := &topLook{at: at.Add(2 * time.Second), status: st, metrics: map[uint64]metrics{1: {metricCPU: 2}},
		activity: &shalev1.ActivityResponse{Unreachable: []uint64{5}, Shards: []*shalev1.ShardActivity{
			{Shard: 2, Node: 1, Reads: 300, Writes: 30}, {Shard: 3, Node: 3, Reads: 900}, {Shard: 4, Node: 1, Reads: 1005}}}}
	s := between(before, after)
	require.Equal(t, []topShard{{ID: 5}, {ID: 4, Leader: 1, Reads: 500}, {ID: 2, Leader: 1, Reads: 100, Writes: 10},
		{ID: 3, Leader: 3}}, s.Shards)
	require.Equal(t, 600.0, s.Cluster.Reads)
	require.Equal(t, 50.0, s.Nodes[0].CPU)
	require.Equal(t, []string{"up", "down", "draining"}, []string{s.Nodes[0].State, s.Nodes[1].State, s.Nodes[2].State})

	for _, height := range []int{12, 24, 50} {
		text := s.text(80, height)
		require.LessOrEqual(t, strings.Count(text, "\n"), height, "%s", text)
		for _, line := range strings.Split(text, "\n") {
			require.LessOrEqual(t, len([]rune(line)), 80, "%q", line)
		}
		require.Contains(t, text, "DOWN")
		require.Contains(t, text, "UNHEALTHY: node 2 is away")
	}
	require.Contains(t, s.text(80, 0), "none")
}

func TestFit(t *testing.T) {
	require.Equal(t, []string{"ab", "cd"}, fit("abc\ncd\n", 2, 2))
	require.Equal(t, []string{"a", "… 2 more lines"}, fit("a\nb\nc", 20, 2))
	require.Equal(t, "\x1b[1mab\x1b[0m", cut("\x1b[1mabcd\x1b[0m", 2), "escapes are no letters, and are not cut off")
	require.Equal(t, "é€", cut("é€x", 2))
	require.Equal(t, topRows{2, 1, 2}, topRows{9, 1, 9}.within(5))
	require.Equal(t, topRows{1, 0, 0}, topRows{1, 0, 0}.within(50))
	require.Equal(t, topRows{}, topRows{3, 3, 3}.within(-2))
}

// TestJudge: a full disk and a clock that is off are problems, a node that says nothing is
// worth a note; problems stand before notes.
func TestJudge(t *testing.T) {
	word := func(id uint64, free float64, clock time.Duration) nodeWord {
		return nodeWord{node: &shalev1.Node{Id: id}, free: free, clock: clock}
	}
	hour := time.Hour // this machine's own clock is wrong
	words := []nodeWord{word(1, 1<<40, hour), word(2, 100<<20, hour+time.Second), word(3, math.NaN(), hour-9*time.Second),
		{node: &shalev1.Node{Id: 4}, err: context.DeadlineExceeded}}
	st := &shalev1.StatusResponse{Healthy: true, Advice: []*shalev1.Problem{{What: "node 9 drains", Note: true}}}
	for _, p := range judge(words) {
		addProblem(st, p)
	}
	require.Equal(t, []string{"the disk of node 2 is nearly full: 100 MiB are left", "the clock of node 3 is -9s from the others'"},
		st.Problems)
	require.False(t, st.Healthy)
	require.Equal(t, st.Problems, []string{st.Advice[0].What, st.Advice[1].What})
	require.Equal(t, "node 9 drains", st.Advice[2].What)
	require.Contains(t, st.Advice[3].What, "node 4 does not show its metrics")
	require.Empty(t, judge(nil))
}

func TestWithhold(t *testing.T) {
	m := &shalev1.StatusResponse{Problems: []string{"shard 2 on node 1 is in quarantine: row secret", "shard 3 has no leader"},
		Advice: []*shalev1.Problem{{What: "a", Key: []byte("secret")}}}
	withhold(m.ProtoReflect())
	require.True(t, proto.Equal(&shalev1.StatusResponse{
		Problems: []string{"shard 2 on node 1 is in quarantine: " + withheld, "shard 3 has no leader"},
		Advice:   []*shalev1.Problem{{What: "a"}}}, m), "%s", m)
	sh := &shalev1.ListShardsResponse{Shards: []*shalev1.Shard{{Id: 2, StartKey: []byte("secret"),
		Replicas: []*shalev1.Replica{{Node: 1, Quarantine: "row secret"}}}}}
	withhold(sh.ProtoReflect())
	require.NotContains(t, sh.String(), "secret")
	require.Contains(t, sh.String(), "id:2")
}
