package main

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The demo as a script runs it: a number on stdout, nothing else, and exit code 0. With --dir
// what was written is there the next time.
func TestDemo(t *testing.T) {
	dir := t.TempDir()
	first := shaleWith(t, t.Context(), "put city/Basel tiny\n.bank\n.shards\nget city/Zürich nowhere\n.exit\n", "demo", "--port", "0", "--dir", dir)
	out := first.done(t)
	require.Contains(t, out, "the accounts hold 100000")
	require.Contains(t, out, "account/050")
	require.Contains(t, out, `"country":"Switzerland"`)
	require.Contains(t, out, "nowhere      NULL")
	require.Contains(t, first.err, "/shale.v1.TxnService/Begin", "it says where to connect")
	require.Contains(t, first.err, "SELECT shard, count(*) FROM versions", "and what to try")

	again := shale(t, "demo", "--dir", dir, "--no-shell", "-o", "csv", "-e", "SELECT count(*) FROM versions",
		"-e", "SELECT value_text FROM latest WHERE key_text = 'city/Basel'",
		"-e", "SELECT sum(value_text) FROM latest WHERE key_text LIKE 'account/%'")
	lines := strings.Split(again.done(t), "\n")
	n, err := strconv.Atoi(lines[1])
	require.NoError(t, err, again.out)
	require.Greater(t, n, demoAccounts+len(demoCities()))
	require.Equal(t, []string{"value_text", "tiny", "sum(value_text)", "100000", ""}, lines[2:])

	for flag, says := range map[string]string{"--nodes": "has 3", "--port": "lives at port"} {
		e := shale(t, "demo", "--dir", dir, flag, "1")
		require.Equal(t, exitUsage, e.code)
		require.Contains(t, e.err, says)
	}
}

// Without a shell and without statements it runs until it is interrupted, in reach of
// everybody, and then ends in order.
func TestDemoInterrupted(t *testing.T) {
	d := start(t, "demo", "--nodes", "1", "--port", "0", "--no-shell")
	d.say.wait(t, ".shards")
	address := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(d.say.String())
	require.Equal(t, `{"country":"Japan","population":37100000}`+"\n", shale(t, "kv", "get", "city/Tokyo", "--host", address).done(t))
	require.Contains(t, shale(t, "shard", "ls", "--host", address).done(t), "city/M")
	dir := regexp.MustCompile(`\S+/shale-demo-\d+`).FindString(d.say.String())
	require.DirExists(t, dir)
	d.stop(t)
	require.NoDirExists(t, dir, "what was temporary is removed")
	require.Empty(t, d.out.String())
}
