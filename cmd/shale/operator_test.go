package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/rpc/client"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/txn"
)

// The operators' commands on a living cluster, which loses a node at the end.
func TestOperators(t *testing.T) {
	c := newCluster(t)
	t.Setenv("SHALE_HOST", strings.Join(c.addresses(), ","))
	shale(t, "init").done(t)
	shale(t, "shard", "split", "m").done(t)
	shale(t, "kv", "put", "secretkey", "hidden words").done(t)
	for _, step := range []struct {
		name string
		run  func(*testing.T, *demoCluster)
	}{
		{"completion", testCompletion}, {"held lock", testHeldLock}, {"one that wrote", testTxnShow}, {"watch", testWatch},
		{"drain", testDrain}, {"later", testLater}, {"top", testTop}, {"zip", testDebugZip}, {"node down", testNodeDown},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.run(t, c) }) {
			return
		}
	}
}

func testCompletion(t *testing.T, c *demoCluster) {
	require.Contains(t, shale(t, "__complete", "node", "drain", "").done(t), "2\t"+c.addresses()[1])
	require.Contains(t, shale(t, "__complete", "shard", "transfer-leader", "").done(t), "from m\n")
	require.Contains(t, shale(t, "__complete", "shard", "transfer-leader", "2", "").done(t), c.addresses()[2])
	require.Contains(t, shale(t, "__complete", "lock", "ls", "--shard", "").done(t), "\n2\tfrom")
	dead := shale(t, "__complete", "shard", "show", "--host", unused(t), "")
	require.Equal(t, ":4\n", dead.done(t), "who cannot be asked offers nothing, and no file names")
}

// eventually waits for a condition that asks the cluster, on the test's own goroutine.
func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for !holds() {
		select {
		case <-ctx.Done():
			require.Fail(t, "it did not come about")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// holding begins a transaction that claims keys. Its client keeps it alive by heartbeats.
func holding(t *testing.T, c *demoCluster, keys ...mvcc.Key) *txn.Txn {
	t.Helper()
	db, err := txn.Open(t.Context(), c.addresses())
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	tx, err := db.Begin(t.Context(), txn.Pessimistic())
	require.NoError(t, err)
	for _, k := range keys {
		_, err := tx.GetForUpdate(t.Context(), k)
		require.NoError(t, err)
	}
	return tx
}

// testHeldLock: a lock that is held is listed, with who waits for it; it is left alone, and
// then resolved by force, after which its holder cannot commit (P9).
func testHeldLock(t *testing.T, c *demoCluster) {
	require.Equal(t, "key,txn,kind,primary,shard,age,expires\n", shale(t, "lock", "ls", "-o", "csv").done(t))
	tx := holding(t, c, "city/a", "zoo")
	id := decimal(uint64(tx.ID()))
	require.Equal(t, id, firstID(t))
	var waited error
	waiting, end := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		db, err := txn.Open(waiting, c.addresses())
		if err != nil {
			return
		}
		defer db.Close()
		if other, err := db.Begin(waiting, txn.Pessimistic()); err == nil {
			_, waited = other.GetForUpdate(waiting, "zoo")
		}
	}()

	table := shale(t, "lock", "ls").done(t)
	require.Regexp(t, `city/a +`+id+` +claim +city/a`, table)
	require.Equal(t, 1, strings.Count(shale(t, "lock", "ls", "m", "-o", "jsonl").done(t), `"key":"em9v"`))
	require.NotContains(t, shale(t, "lock", "ls", "a", "d").done(t), "zoo")
	require.Empty(t, shale(t, "lock", "ls", "x", "y", "-o", "jsonl").done(t))
	require.Equal(t, 1, strings.Count(shale(t, "lock", "ls", "--shard", "2", "-o", "jsonl").done(t), "\n"))
	short := shale(t, "lock", "ls", "--limit", "1", "-o", "jsonl")
	require.Equal(t, 1, strings.Count(short.done(t), "\n"))
	require.Contains(t, short.err, "there are more, from zoo on")
	shale(t, "lock", "ls", "--shard", "99").fails(t, exitNotFound, "no shard 99")

	require.Contains(t, shale(t, "txn", "ls", "-o", "csv").done(t), `,city/a,2,2 claim,"2,`)
	eventually(t, func() bool { return strings.Contains(shale(t, "txn", "show", id).done(t), "waited for by") })
	show := shale(t, "txn", "show", id).done(t)
	for _, want := range []string{"state", "pending", "primary", "city/a", "claim of zoo"} {
		require.Contains(t, show, want)
	}
	require.Contains(t, shale(t, "txn", "show", id, "-o", "json").done(t), `"state":"pending"`)
	require.Contains(t, shale(t, "top", "--once", "--interval", "200ms", "-o", "json").done(t), `"request":"claim"`)

	shale(t, "lock", "resolve", "zoo").fails(t, exitConflict, "may be alive", "by force")
	shale(t, "lock", "resolve", "--txn", id).fails(t, exitConflict, "may be alive")
	shale(t, "lock", "resolve", "nobody's").fails(t, exitNotFound, "no lock stands on nobody's")
	shale(t, "lock", "resolve", "--txn", "77").fails(t, exitNotFound, "holds no locks")
	require.Equal(t, 2, strings.Count(shale(t, "lock", "ls", "-o", "jsonl").done(t), `"txnId":"`+id), "asking changed nothing")

	forced := shale(t, "lock", "resolve", "--txn", id, "--force", "-o", "csv").done(t)
	require.Contains(t, forced, "city/a,"+id+",aborted,,gone\n")
	require.Contains(t, forced, "zoo,"+id+",aborted,,gone\n")
	<-over
	end()
	require.NoError(t, waited, "who waited goes on")
	require.NoError(t, tx.Put("city/a", []byte("late")))
	var gone *mvcc.TxnAbortedError
	require.ErrorAs(t, tx.Commit(t.Context()), &gone)
	shale(t, "kv", "get", "city/a").fails(t, exitNotFound)
	require.Contains(t, shale(t, "txn", "show", id).done(t), "aborted")
	shale(t, "txn", "show", "77").fails(t, exitNotFound, "nothing is known of transaction 77")
}

// firstID is the id of the first transaction that holds locks.
func firstID(t *testing.T) string {
	t.Helper()
	var list struct{ Transactions []struct{ ID string } }
	require.NoError(t, json.Unmarshal([]byte(shale(t, "txn", "ls", "-o", "json").done(t)), &list))
	require.NotEmpty(t, list.Transactions)
	return list.Transactions[0].ID
}

// testTxnShow: a commit in one shard leaves its version alone, and is found by it.
func testTxnShow(t *testing.T, c *demoCluster) {
	db, err := txn.Open(t.Context(), c.addresses())
	require.NoError(t, err)
	defer db.Close()
	var id string
	require.NoError(t, db.Update(t.Context(), func(tx *txn.Txn) error {
		id = decimal(uint64(tx.ID()))
		return tx.Put("single", []byte("v"))
	}))
	out := shale(t, "txn", "show", id, "-o", "csv").done(t)
	require.Contains(t, out, "state,committed\n")
	require.Contains(t, out, "committed,\"single, shard ")
}

// rounds ends a watch after some rounds.
type rounds struct {
	text   bytes.Buffer
	left   int
	cancel func()
}

func (r *rounds) Write(p []byte) (int, error) {
	if r.left--; r.left == 0 {
		r.cancel()
	}
	return r.text.Write(p)
}

// testWatch: elsewhere than on a terminal a block a round; an interrupt exits 130. The
// interval may follow as a word of its own.
func testWatch(t *testing.T, _ *demoCluster) {
	for _, args := range [][]string{{"node", "ls", "--watch=200ms"}, {"shard", "show", "2", "--watch", "200ms"},
		{"lock", "ls", "--watch", "-o", "csv"}, {"status", "--watch", "250ms"}, {"txn", "ls", "--watch=200ms"},
		{"shard", "ls", "--watch", "200ms"}} {
		t.Logf("shale %s", strings.Join(args, " "))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		out, errOut := &rounds{left: 2, cancel: cancel}, &bytes.Buffer{}
		require.Equal(t, exitInterrupted, run(ctx, args, strings.NewReader(""), out, errOut), "%v: %s", args, errOut)
		require.Equal(t, 2, len(strings.Split(out.text.String(), "\n\n")), "%v: %s", args, out.text.String())
		cancel()
	}
	shale(t, "node", "ls", "--watch", "100ms").fails(t, exitUsage, "200ms at least")
	shale(t, "node", "ls", "--watch", "soon").fails(t, exitUsage, "soon")
	shale(t, "shard", "show", "99", "--watch").fails(t, exitNotFound, "no shard 99")
}

func leadersOf(t *testing.T, node string) int {
	t.Helper()
	for _, line := range strings.Split(shale(t, "node", "ls", "-o", "csv").done(t), "\n") {
		if fields := strings.Split(line, ","); fields[0] == node {
			n, err := strconv.Atoi(fields[4])
			require.NoError(t, err)
			return n
		}
	}
	require.Fail(t, "there is no such node", node)
	return 0
}

// testDrain: a drained node leads nothing, is given nothing, and gives back what comes to it
// all the same; the last node that may lead is not drained.
func testDrain(t *testing.T, c *demoCluster) {
	right := shardAt(t, "m")
	shale(t, "shard", "transfer-leader", right, "2").done(t)
	drained := shale(t, "node", "drain", "2")
	require.Contains(t, drained.done(t), "true")
	require.Contains(t, drained.err, "moved the leadership of shard")
	require.Zero(t, leadersOf(t, "2"))
	shale(t, "shard", "transfer-leader", right, "2").fails(t, exitConflict, "node 2 drains")
	require.Contains(t, shale(t, "status").done(t), "node 2 drains and leads nothing")

	// An election does not ask the directory.
	cluster, err := client.Dial(t.Context(), c.addresses(), client.Config{})
	require.NoError(t, err)
	defer cluster.Close()
	list, err := cluster.List(t.Context())
	require.NoError(t, err)
	for _, d := range list.Shards {
		if decimal(uint64(d.ID)) != right {
			continue
		}
		call := &routing.Call{To: d, Req: &routing.TransferArgs{To: 2}}
		cluster.Send(t.Context(), []*routing.Call{call}, nil)
		require.NoError(t, call.Err)
		require.Equal(t, &routing.TransferResult{Leader: 2}, call.Res)
	}
	eventually(t, func() bool { return leadersOf(t, "2") == 0 })

	shale(t, "node", "drain", "1").done(t)
	shale(t, "node", "drain", "3").fails(t, exitConflict, "all other nodes", "first")
	shale(t, "node", "drain", "9").fails(t, exitNotFound, "no node 9")
	for _, node := range []string{"1", "2"} {
		require.Contains(t, shale(t, "node", "drain", node, "--undo").done(t), "false")
	}
	shale(t, "shard", "transfer-leader", right, "2").done(t)
}

func testLater(t *testing.T, _ *demoCluster) {
	for _, args := range [][]string{{"node", "decommission", "2"}, {"shard", "merge", "2"}, {"shard", "move", "2", "1", "3"}} {
		shale(t, args...).fails(t, exitError, "UNIMPLEMENTED", "shale "+args[0]+" "+args[1])
		require.Contains(t, shale(t, args[0], args[1], "--help").done(t), "exits 1")
	}
}

func testTop(t *testing.T, _ *demoCluster) {
	text := shale(t, "top", "--once", "--interval", "200ms").done(t)
	for _, want := range []string{"healthy", "nodes 3/3", "NODE ADDRESS", "SHARD", "LEADER"} {
		require.Contains(t, text, want)
	}
	var s topSample
	require.NoError(t, json.Unmarshal([]byte(shale(t, "top", "--once", "--interval", "200ms", "-o", "json").done(t)), &s))
	require.Len(t, s.Nodes, 3)
	require.Empty(t, s.Missing)
	for _, n := range s.Nodes {
		require.Positive(t, n.Requests, "the look itself asks: %+v", n)
		require.Equal(t, uint32(3), n.Replicas)
	}
	shale(t, "top", "--once", "--interval", "1ms").fails(t, exitUsage, "200ms at least")
	shale(t, "top", "--once", "-o", "csv").fails(t, exitUsage, `not "csv"`)
}

// unzipped are a bundle's entries.
func unzipped(t *testing.T, path string) map[string]string {
	t.Helper()
	r, err := zip.OpenReader(path)
	require.NoError(t, err)
	defer r.Close()
	out := map[string]string{}
	for _, f := range r.File {
		in, err := f.Open()
		require.NoError(t, err)
		raw, err := io.ReadAll(in)
		require.NoError(t, err)
		out[f.Name] = string(raw)
	}
	return out
}

// testDebugZip: everything is in it, but neither keys nor values.
func testDebugZip(t *testing.T, c *demoCluster) {
	tx := holding(t, c, "secretkey")
	path := filepath.Join(t.TempDir(), "d.zip")
	require.Equal(t, path+"\n", shale(t, "debug", "zip", path).done(t))
	got := unzipped(t, path)
	for _, name := range []string{"version.json", "status.json", "shards.json", "locks.json", "txns.json", "activity.json"} {
		require.NotEmpty(t, got[name], name)
	}
	require.Contains(t, got["locks.json"], decimal(uint64(tx.ID())), "the lock is there")
	for _, node := range []string{"1", "2", "3"} {
		require.Contains(t, got["nodes/"+node+"/goroutines.txt"], "goroutine ")
		require.Contains(t, got["nodes/"+node+"/metrics.txt"], metricCPU)
		require.NotEmpty(t, got["nodes/"+node+"/heap.pb.gz"])
		require.Contains(t, got["nodes/"+node+"/settings.json"], "settings")
		require.Contains(t, got["nodes/"+node+"/hello.json"], "version")
	}
	for name, text := range got {
		for _, secret := range []string{"secretkey", "c2VjcmV0a2V5", "hidden words", `"bQ=="`} {
			require.NotContains(t, text, secret, name)
		}
	}
	shale(t, "debug", "zip", path).fails(t, exitError, "exists")
	with := filepath.Join(t.TempDir(), "k.zip")
	shale(t, "debug", "zip", "--keys", with).done(t)
	require.Contains(t, unzipped(t, with)["locks.json"], "c2VjcmV0a2V5")
	require.NoError(t, tx.Rollback(t.Context()))
}

// testNodeDown: status exits 5 and says what to do; who looks is told what is missing.
func testNodeDown(t *testing.T, c *demoCluster) {
	last := c.nodes[2].Address()
	stopNode(t, c)
	var st struct {
		Problems []string
		Advice   []struct{ What, Advice, Node, Shard string }
	}
	got := shale(t, "status", "-o", "json")
	require.Equal(t, exitUnhealthy, got.code, got.err)
	require.NoError(t, json.Unmarshal([]byte(got.out), &st))
	require.Equal(t, "node 3 at "+last+" does not answer", st.Advice[0].What)
	require.Equal(t, "3", st.Advice[0].Node)
	require.Contains(t, st.Advice[0].Advice, "start it again")
	all := strings.Join(st.Problems, "\n")
	require.Contains(t, all, "cannot lose another node: 2 of 3 replicas are live, without node 3")
	for i, p := range st.Problems {
		require.Equal(t, p, st.Advice[i].What)
	}
	table := shale(t, "status")
	require.Equal(t, exitUnhealthy, table.code)
	require.Contains(t, table.out, "  to do")

	top := shale(t, "top", "--once", "--interval", "200ms").done(t)
	require.Contains(t, top, "UNHEALTHY")
	require.Contains(t, top, "DOWN")
	require.Contains(t, top, "nodes 2/3")
	path := filepath.Join(t.TempDir(), "d.zip")
	partial := shale(t, "debug", "zip", path)
	partial.done(t)
	require.Contains(t, partial.err, "errors.txt")
	require.Contains(t, unzipped(t, path)["errors.txt"], "nodes/3/: the node at "+last+" does not answer")

	dead := filepath.Join(t.TempDir(), "none.zip")
	shale(t, "debug", "zip", dead, "--host", unused(t)).fails(t, exitUnreachable)
	_, err := os.Stat(dead)
	require.ErrorIs(t, err, os.ErrNotExist, "nothing to gather leaves nothing behind")
}
