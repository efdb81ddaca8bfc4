package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// newCluster is three nodes on free ports of this machine.
func newCluster(t *testing.T) *demoCluster {
	t.Helper()
	c, err := openDemoCluster(&demoOptions{nodes: 3, dir: t.TempDir(), given: func(string) bool { return false }},
		slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.stop()) })
	return c
}

// The commands on a living cluster, in the order in which somebody would meet them. At the
// end its majority goes away.
func TestCluster(t *testing.T) {
	c := newCluster(t)
	t.Setenv("SHALE_HOST", strings.Join(c.addresses(), ","))
	for _, step := range []struct {
		name string
		run  func(*testing.T, *demoCluster)
	}{
		{"init", testInit}, {"nodes", testNodes}, {"shards", testShards}, {"kv", testKV}, {"curl", testCurl},
		{"sql", testSQL}, {"replica", testReplica}, {"file", testFile}, {"shell", testShell}, {"bench", testBench}, {"histories", testHistories},
		{"node away", testNodeAway}, {"majority away", testMajorityAway},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.run(t, c) }) {
			return // what follows needs it
		}
	}
}

func testInit(t *testing.T, c *demoCluster) {
	shale(t, "status", "--timeout", "5s").fails(t, exitUnreachable, "shale init")
	first := shale(t, "init", "--host", c.addresses()[0])
	first.done(t)
	require.Contains(t, first.err, "has begun")
	for _, a := range c.addresses() {
		require.Contains(t, first.err, a)
	}
	for _, a := range c.addresses() { // again, at any node
		again := shale(t, "init", "--host", a)
		require.Empty(t, again.done(t))
		require.Contains(t, again.err, "is there already")
	}
}

func testNodes(t *testing.T, c *demoCluster) {
	require.Contains(t, shale(t, "status").done(t), "nodes        3, alive 3")
	var st struct {
		Healthy bool
		Nodes   []struct{ ID, Address string }
	}
	require.NoError(t, json.Unmarshal([]byte(shale(t, "status", "-o", "json").done(t)), &st))
	require.True(t, st.Healthy)
	require.Len(t, st.Nodes, 3)
	out := shale(t, "node", "ls", "-o", "csv").done(t)
	require.Equal(t, "id,address,alive,replicas,leaders,version,uptime,draining", strings.Split(out, "\n")[0])
	for _, a := range c.addresses() {
		require.Contains(t, out, a+",true")
	}
}

// testShards splits, moves a leader, and reads the listing as scripts do.
func testShards(t *testing.T, _ *demoCluster) {
	split := shale(t, "shard", "split", "m", "-o", "json")
	require.True(t, strings.HasPrefix(split.done(t), `{"left":{"id":"2","startKey":"AQ==","endKey":"bQ=="`), split.out)
	right := shardAt(t, "m")
	again := shale(t, "shard", "split", "m", "-o", "jsonl").done(t)
	require.Equal(t, 2, strings.Count(again, "\n"))
	require.Contains(t, again, fmt.Sprintf(`{"id":"%s","startKey":"bQ=="`, right), "nothing was split twice")

	var table string
	for _, line := range strings.Split(strings.TrimSpace(shale(t, "shard", "ls", "-o", "jsonl").done(t)), "\n") {
		require.True(t, strings.HasPrefix(line, `{"id":"`), "scripts read the id first: %s", line)
		require.True(t, json.Valid([]byte(line)), line)
	}
	for _, node := range []string{"1", "2", "3"} {
		moved := shale(t, "shard", "transfer-leader", right, node, "-o", "json").done(t)
		require.Equal(t, fmt.Sprintf(`{"leaderNode":"%s"}`+"\n", node), moved)
		table = shale(t, "shard", "show", right).done(t)
	}
	require.Contains(t, table, "node 3, applied")
	require.Contains(t, shale(t, "shard", "ls", "--hex").done(t), "6d")
	shale(t, "shard", "show", "99").fails(t, exitNotFound, "no shard 99")
	shale(t, "shard", "transfer-leader", "99", "1").fails(t, exitNotFound, "no shard 99")
	shale(t, "shard", "transfer-leader", right, "9").fails(t, exitNotFound, "node 9")
	shale(t, "shard", "split", `\x00a`).fails(t, exitNotAllowed, "belongs to the system")
	shale(t, "shard", "split", "").fails(t, exitUsage, "the key is empty")
}

// shardAt is the id of the shard that begins at a key.
func shardAt(t *testing.T, start string) string {
	t.Helper()
	for _, line := range strings.Split(shale(t, "shard", "ls", "-o", "csv").done(t), "\n") {
		if fields := strings.Split(line, ","); len(fields) > 1 && fields[1] == start {
			return fields[0]
		}
	}
	require.Fail(t, "no shard begins there", start)
	return ""
}

func testKV(t *testing.T, _ *demoCluster) {
	shale(t, "kv", "put", "city/basel", "population 177000").done(t)
	shale(t, "kv", "put", "town", "one").done(t)
	var committed struct{ CommitTimestamp string }
	out := shaleWith(t, t.Context(), "two\nlines", "kv", "put", "town", "-", "-o", "json").done(t)
	require.NoError(t, json.Unmarshal([]byte(out), &committed))

	require.Equal(t, "population 177000\ntwo\\nlines\n", shale(t, "kv", "get", "city/basel", "town").done(t))
	require.Equal(t, "two\nlines", shale(t, "kv", "get", "town", "--raw").done(t))
	require.Equal(t, "74776f0a6c696e6573\n", shale(t, "kv", "get", "--hex", "746f776e").done(t))
	entry := fmt.Sprintf(`{"key":"dG93bg==","found":true,"value":"dHdvCmxpbmVz","commitTimestamp":"%s"}`, committed.CommitTimestamp)
	require.Equal(t, entry+"\n", shale(t, "kv", "get", "town", "-o", "jsonl").done(t))
	require.Equal(t, `{"entries":[`+entry+"]}\n", shale(t, "kv", "scan", "t", "u", "-o", "json").done(t))

	missing := shale(t, "kv", "get", "town", "nowhere")
	require.Equal(t, exitNotFound, missing.code)
	require.Equal(t, "two\\nlines\n", missing.out, "what is there is printed all the same")
	require.Contains(t, missing.err, "nowhere")
	shale(t, "kv", "get", `\x00system`).fails(t, exitNotAllowed, "belongs to the system")
	shale(t, "kv", "put", `\x00system`, "v").fails(t, exitNotAllowed, "belongs to the system")

	shale(t, "kv", "put", "--base64", "/w==", "AA==").done(t)
	require.Equal(t, "\\xff,\\x00", keyAndValue(t, shale(t, "kv", "scan", "--reverse", "--limit", "1", "-o", "csv")))
	require.NotContains(t, shale(t, "kv", "scan", "--keys-only").done(t), "population")
	shale(t, "kv", "del", "town", `\xff`, "never there").done(t)
	require.Equal(t, "city/basel,population 177000", keyAndValue(t, shale(t, "kv", "scan", "-o", "csv")))
}

// keyAndValue are the first two columns of the only row.
func keyAndValue(t *testing.T, e ended) string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(e.done(t)), "\n")
	require.Len(t, lines, 2)
	return strings.Join(strings.Split(lines[1], ",")[:2], ",")
}

// testSQL runs over all shards: what was acknowledged before is seen, and counted once
// though the split left copies of rows on both sides.
func testSQL(t *testing.T, c *demoCluster) {
	count := func() int {
		lines := strings.Split(shale(t, "sql", "-o", "csv", "-e", "SELECT count(*) FROM versions").done(t), "\n")
		n, err := strconv.Atoi(lines[1])
		require.NoError(t, err)
		return n
	}
	before := count()
	require.Positive(t, before)
	for i := range 20 {
		shale(t, "kv", "put", string(rune('a'+i)), "v").done(t)
	}
	require.Equal(t, before+20, count())
	shale(t, "shard", "split", "f").done(t)
	require.Equal(t, before+20, count())

	// Versions of one key, counted as often as there are any.
	shale(t, "kv", "put", "a", "v").done(t)
	shale(t, "kv", "put", "a", "v").done(t)
	require.Equal(t, before+22, count())

	// The past, through tables and through a transaction alike.
	then := strings.Split(shale(t, "sql", "-o", "csv", "-e", "SELECT ts_now()").done(t), "\n")[1]
	shale(t, "kv", "put", "a", "later").done(t)
	for _, ask := range []string{"GET a", "SELECT value FROM kv WHERE key = 'a'", "SELECT value FROM latest WHERE key = 'a'"} {
		require.Contains(t, shale(t, "sql", "-e", ask).done(t), "later")
		require.NotContains(t, shale(t, "sql", "--as-of", then, "-e", ask).done(t), "later", ask)
	}
	shale(t, "sql", "--write", "--as-of", then, "-e", "PUT a x").fails(t, exitError, "read-only")
	shale(t, "kv", "put", "a", "v").done(t)

	out := shale(t, "sql", "-o", "jsonl", "-e", "SELECT key_text, value_text FROM latest WHERE key_text < 'c'",
		"-e", "SELECT count(DISTINCT shard) AS shards FROM versions").done(t)
	require.Equal(t, `{"key_text":"a","value_text":"v"}`+"\n"+`{"key_text":"b","value_text":"v"}`+"\n"+`{"shards":3}`+"\n", out)
	require.Equal(t, `[{"a":null,"b":"AP8=","c":1.5,"d":"x"}]`+"\n",
		shale(t, "sql", "-o", "json", "-e", "SELECT NULL AS a, X'00ff' AS b, 1.5 AS c, 'x' AS d").done(t))
	place := shale(t, "sql", "-e", "SELECT 1,\n  SELEC 2")
	require.Equal(t, exitError, place.code)
	require.Contains(t, place.err, "syntax error")
	require.Contains(t, place.err, "^", "it points at the place")
	shale(t, "sql", "-e", "DELETE FROM versions").fails(t, exitNotAllowed, "read only")
	shale(t, "sql", "-e", "ATTACH 'x.db' AS x").fails(t, exitNotAllowed, "ATTACH")
	shale(t, "sql", "-e", "INSERT INTO kv VALUES ('q', '1')").fails(t, exitNotAllowed, ".write on")
	shale(t, "sql", "-e", "SELECT * FROM nowhere").fails(t, exitError, "no such table")
	shale(t, "sql", "-f", filepath.Join(t.TempDir(), "none.sql")).fails(t, exitNotFound, "none.sql")
}

// testReplica looks at one live replica's file (P30: reading is all that it can).
func testReplica(t *testing.T, _ *demoCluster) {
	require.Contains(t, shale(t, "sql", "--shard", "2", "-e", "SELECT name FROM meta").done(t), "applied_index")
	for _, node := range []string{"1", "2", "3"} {
		shale(t, "sql", "--shard", "2", "--node", node, "-e", "SELECT count(*) FROM versions").done(t)
	}
	cut := shale(t, "sql", "--shard", "2", "--limit", "1", "-o", "csv", "-e", "SELECT name FROM meta")
	require.Equal(t, 2, strings.Count(cut.done(t), "\n"))
	require.Contains(t, cut.err, "there is more")
	shale(t, "sql", "--shard", "2", "-e", "PRAGMA wal_checkpoint(TRUNCATE)").fails(t, exitNotAllowed, "REFUSED")
	shale(t, "sql", "--shard", "2", "-e", "DROP TABLE raw_versions").fails(t, exitNotAllowed, "REFUSED")
	shale(t, "sql", "--shard", "2", "-e", "SELEC").fails(t, exitError, "syntax error")
	shale(t, "sql", "--shard", "99", "-e", "SELECT 1").fails(t, exitNotFound, "no shard 99")
	shale(t, "sql", "--shard", "2", "--node", "9", "-e", "SELECT 1").fails(t, exitNotFound, "no node 9")
}

// testFile looks at a file of a running node.
func testFile(t *testing.T, c *demoCluster) {
	file := filepath.Join(c.nodeDir(0), "shards", "2", "shard.db")
	require.Contains(t, shale(t, "sql", "--file", file, "-e", "SELECT key_text FROM readable").done(t), "city/basel")
	shale(t, "sql", "--file", file, "-e", "DELETE FROM raw_versions").fails(t, exitNotAllowed, "not authorized")
	shale(t, "sql", "--file", file+".not", "-e", "SELECT 1").fails(t, exitNotFound, "shard.db.not")
	shale(t, "sql", "--file", filepath.Join(c.dir, "demo.json"), "-e", "SELECT * FROM versions").
		fails(t, exitError, "demo.json", "not a database")
}

// testShell pipes into the shell: statements over several lines, commands, and an error,
// which ends a script.
func testShell(t *testing.T, _ *demoCluster) {
	in := "SELECT 'one'\n;\n.mode jsonl\nSELECT 2 AS two; SELECT 3 AS three;\n.tables\n.nodes\n.help\nSELECT 4 AS four"
	got := shaleWith(t, t.Context(), in, "sql")
	out := got.done(t)
	for _, want := range []string{"'one'\none\n", `{"two":2}` + "\n" + `{"three":3}`, `"name":"latest"`, `"address":"127.0.0.1:`, `{"four":4}`} {
		require.Contains(t, out, want)
	}
	require.Contains(t, got.err, ".exit")
	bad := shaleWith(t, t.Context(), "SELECT 1;\n.nope\nSELECT 2;", "sql")
	require.Equal(t, exitUsage, bad.code)
	require.Equal(t, "1\n1\n", bad.out)
	require.Empty(t, shaleWith(t, t.Context(), ".exit\nSELECT 1;", "sql").done(t))
}

func testBench(t *testing.T, _ *demoCluster) {
	ledger := filepath.Join(t.TempDir(), "ledger.jsonl")
	got := shale(t, "bench", "bank", "--threads", "4", "--operations", "40", "-p", "accounts=20", "-p", "ledger="+ledger, "--seed", "7")
	require.Contains(t, got.done(t), "transfer")
	require.Contains(t, got.err, "seed 7")
	shale(t, "bench", "bank", "--verify-only", "-p", "accounts=20", "-p", "ledger="+ledger).done(t)
	var report struct {
		Operations int
		Seed       int
	}
	out := shale(t, "bench", "ycsb", "-P", "workloada", "-p", "recordcount=50", "-p", "operationcount=60",
		"--threads", "2", "--seed", "8", "--quiet", "--split", "2", "-o", "json").done(t)
	require.NoError(t, json.Unmarshal([]byte(out), &report))
	require.Equal(t, 60, report.Operations)
	require.Equal(t, 8, report.Seed)

	// The bank's money is gone: whoever verifies says so, and exits 5.
	shale(t, "kv", "del", "bank/account/00000003").done(t)
	broken := shale(t, "bench", "bank", "--verify-only", "-p", "accounts=20")
	require.Equal(t, exitUnhealthy, broken.code, broken.err)
	require.Contains(t, broken.err, "BROKEN")
}

// testNodeAway stops one of three nodes: writes go on, and status says what is wrong.
func testNodeAway(t *testing.T, c *demoCluster) {
	last := c.nodes[2].Address()
	stopNode(t, c)
	shale(t, "kv", "put", "after", "one is away").done(t)
	require.Equal(t, "one is away\n", shale(t, "kv", "get", "after").done(t))
	st := shale(t, "status")
	require.Equal(t, exitUnhealthy, st.code)
	require.Contains(t, st.out, "false")
	require.Equal(t, 1, strings.Count(st.err, "\n"), st.err)
	require.Contains(t, st.err, "node 3 at "+last+" does not answer")
}

// testMajorityAway stops a second one: one line says what is wrong, in bounded time.
func testMajorityAway(t *testing.T, c *demoCluster) {
	stopNode(t, c)
	for _, args := range [][]string{{"kv", "put", "k", "v"}, {"kv", "get", "k"}, {"shard", "split", "x"}} {
		shale(t, append(args, "--host", c.nodes[0].Address(), "--timeout", "1500ms")...).fails(t, exitUnreachable)
	}
	// The node answers in time that the system group does not, or the time is over.
	st := shale(t, "status", "--host", c.nodes[0].Address(), "--timeout", "1500ms")
	require.Contains(t, []int{exitUnhealthy, exitUnreachable}, st.code, st.err)
	require.Equal(t, 1, strings.Count(st.err, "\n"), st.err)
}

// stopNode stops the last one.
func stopNode(t *testing.T, c *demoCluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	last := len(c.nodes) - 1
	require.NoError(t, c.nodes[last].Stop(ctx))
	c.nodes = c.nodes[:last]
}
