package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/bench"
)

// A history with an anomaly exits 5 and says who took part in it; under another isolation
// it may be right.
func TestBenchCheck(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.jsonl")
	skew := `{"history":"append","check":"si"}
{"id":"1","process":1,"outcome":"ok","readTS":"1","commitTS":"3","begin":1,"end":9,"ops":[{"do":"read","key":"a"},{"do":"append","key":"b","value":1}]}
{"id":"2","process":2,"outcome":"ok","readTS":"2","commitTS":"4","begin":1,"end":9,"ops":[{"do":"read","key":"b"},{"do":"append","key":"a","value":2}]}
`
	require.NoError(t, os.WriteFile(path, []byte(skew), 0o600))
	require.Contains(t, shale(t, "bench", "check", "--history", path).done(t), "no anomaly under si")
	got := shale(t, "bench", "check", "--history", path, "--check", "serializable")
	require.Equal(t, exitUnhealthy, got.code)
	require.Contains(t, got.out, "G2-item: write skew; a cycle of 2 transactions")
	require.Contains(t, got.out, "T1 read a without 2")
	require.Contains(t, got.err, "BROKEN")

	shale(t, "bench", "check").fails(t, exitUsage, "--history is missing")
	shale(t, "bench", "check", "--history", path, "--check", "strong").fails(t, exitUsage, "si or serializable")
	shale(t, "bench", "check", "--history", path+"x").fails(t, exitNotFound, "no such file")
}

// testHistories runs the workloads that write histories, and those that measure what commits
// cost, on the living cluster.
func testHistories(t *testing.T, _ *demoCluster) {
	dir := t.TempDir()
	lists, registers := filepath.Join(dir, "lists.jsonl"), filepath.Join(dir, "registers.jsonl")
	short := []string{"--threads", "8", "--operations", "300", "--quiet"}
	out := shale(t, append([]string{"bench", "append", "--check", "serializable", "--history", lists}, short...)...).done(t)
	require.Contains(t, out, "no anomaly under serializable")
	require.Contains(t, out, "consensus rounds")
	require.Contains(t, shale(t, "bench", "check", "--history", lists).done(t), "no anomaly under serializable")
	shale(t, "bench", "append", "--history", lists).fails(t, exitUsage, "exists already")
	require.Contains(t, shale(t, append([]string{"bench", "append"}, short...)...).done(t), "no anomaly under si")

	shale(t, append([]string{"bench", "registers", "--history", registers}, short...)...).done(t)
	require.Contains(t, shale(t, "bench", "check", "--history", registers).done(t), "all linearizable")
	require.Contains(t, shale(t, append([]string{"bench", "skew", "--check", "serializable"}, short...)...).done(t), "write skew: none")

	var ways []commitCost
	out = shale(t, append([]string{"bench", "commits", "--rounds", "1", "-p", "recordcount=100", "-o", "json", "--split", "2"}, short...)...).done(t)
	require.NoError(t, json.Unmarshal([]byte(out), &ways))
	require.Len(t, ways, 3)
	require.Positive(t, ways[1].Mixed)
	require.Greater(t, ways[1].Costs.Rounds, ways[0].Costs.Rounds, "two shards, two rounds at least")

	chart := filepath.Join(dir, "c.svg")
	var points []bench.Point
	out = shale(t, append([]string{"bench", "contention", "--zipf", "0.5,1.2", "--chart", chart, "-p", "recordcount=20", "-o", "json"}, short...)...).done(t)
	require.NoError(t, json.Unmarshal([]byte(out), &points))
	require.Len(t, points, 4)
	require.FileExists(t, chart)
}
