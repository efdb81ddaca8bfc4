package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// ended is what a command line left behind.
type ended struct {
	code     int
	out, err string
}

// shale runs one command line in this process.
func shale(t *testing.T, args ...string) ended { return shaleWith(t, t.Context(), "", args...) }

func shaleWith(t *testing.T, ctx context.Context, stdin string, args ...string) ended {
	t.Helper()
	t.Logf("shale %s", strings.Join(args, " "))
	var out, errOut bytes.Buffer
	// Never nil: cobra would take the test program's own arguments for those.
	code := run(ctx, append([]string{}, args...), strings.NewReader(stdin), &out, &errOut)
	return ended{code, out.String(), errOut.String()}
}

// done wants exit code 0 and returns stdout.
func (e ended) done(t *testing.T) string {
	t.Helper()
	require.Zero(t, e.code, e.err)
	return e.out
}

// fails wants an exit code and one line on stderr that holds all the words, and nothing on
// stdout.
func (e ended) fails(t *testing.T, code int, words ...string) {
	t.Helper()
	require.Equal(t, code, e.code, e.err)
	require.Empty(t, e.out)
	var lines []string
	for line := range strings.Lines(e.err) {
		if !strings.HasPrefix(line, "  ") { // a picture that points at the place may follow
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	if code == exitUsage {
		require.Contains(t, lines[len(lines)-1], "--help", "the last line says where to read on")
		lines = lines[:len(lines)-1]
	}
	require.Len(t, lines, 1, "one line says it: %s", e.err)
	require.True(t, strings.HasPrefix(lines[0], "shale: "), lines[0])
	for _, w := range words {
		require.Contains(t, lines[0], w)
	}
}

// unused is an address on which nobody listens: it was free a moment ago.
func unused(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

// Wrong flags and arguments: one clear line each, exit code 2, and nobody is asked.
func TestMistakes(t *testing.T) {
	t.Setenv("SHALE_HOST", "")
	t.Setenv("SHALE_CERTS_DIR", "")
	start := []string{"start", "--store", "s", "--listen", "localhost:1", "--join", "localhost:1"}
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"nope"}, `no command "shale nope"`},
		{[]string{"kv", "nope"}, `no command "shale kv nope"`},
		{[]string{"status", "--nope"}, "unknown flag: --nope"},
		{[]string{"status", "extra"}, `"extra"`},
		{[]string{"start"}, "--store is missing"},
		{[]string{"start", "--store", "s"}, "--listen is missing"},
		{[]string{"start", "--store", "s", "--listen", "localhost:1"}, "--join is missing"},
		{[]string{"start", "--store", "s", "--listen", "localhost", "--join", "x:1"}, `--listen "localhost" is not HOST:PORT`},
		{[]string{"start", "--store", "s", "--listen", "x:1", "--join", "x:y"}, `--join "x:y" is not HOST:PORT`},
		{start, "--insecure"},
		{append(start, "--certs-dir", "c"), "does not serve TLS yet"},
		{append(start, "--certs-dir", "c", "--insecure"), "exclude each other"},
		{append(start, "--insecure", "--log-level", "loud"), `not "loud"`},
		{[]string{"status", "--host", "x"}, `--host "x" is not HOST:PORT`},
		{[]string{"status", "--certs-dir", "c"}, "does not speak TLS yet"},
		{[]string{"status", "--timeout", "-1s"}, "--timeout"},
		{[]string{"node", "ls", "-o", "xml"}, `not "xml"`},
		{[]string{"shard", "show"}, "accepts 1 arg(s)"},
		{[]string{"shard", "show", "two"}, `not "two"`},
		{[]string{"shard", "transfer-leader", "2", "0"}, `not "0"`},
		{[]string{"shard", "split", `\q`}, "bad escape"},
		{[]string{"txn", "show", "x"}, `not "x"`},
		{[]string{"lock", "resolve"}, "either a KEY or --txn"},
		{[]string{"lock", "resolve", "k", "--txn", "5"}, "either a KEY or --txn"},
		{[]string{"lock", "ls", `\q`}, "bad escape"},
		{[]string{"node", "drain", "two"}, `not "two"`},
		{[]string{"node", "drain"}, "accepts 1 arg(s)"},
		{[]string{"status", "--watch=1ms"}, "200ms at least"},
		{[]string{"top", "--interval", "0s"}, "200ms at least"},
		{[]string{"version", "-o", "xml"}, `not "xml"`},
		{[]string{"debug", "zip", "a", "b"}, "at most 1 arg(s)"},
		{[]string{"kv", "get"}, "requires at least 1 arg(s)"},
		{[]string{"kv", "get", ""}, "the key is empty"},
		{[]string{"kv", "get", "k", "--as-of", "5"}, "reads the present only"},
		{[]string{"kv", "scan", "--as-of", "5"}, "reads the present only"},
		{[]string{"kv", "scan", "--limit", "-1"}, "--limit"},
		{[]string{"kv", "get", "a", "b", "--raw"}, "--raw prints one value"},
		{[]string{"kv", "get", "--hex", "--base64", "00"}, "exclude each other"},
		{[]string{"kv", "get", "--hex", "zz"}, "not hexadecimal"},
		{[]string{"kv", "put", "--base64", "YQ==", "!"}, "not base64"},
		{[]string{"kv", "put", strings.Repeat("k", 5000), "v"}, "has 5000 bytes"},
		{[]string{"sql", "--file", "f", "--shard", "2"}, "exclude each other"},
		{[]string{"sql", "--node", "2"}, "goes with --shard"},
		{[]string{"bench", "nope"}, `no workload "nope"`},
		{[]string{"bench", "bank", "-p", "accuonts=3"}, "no property accuonts"},
		{[]string{"bench", "bank", "-p", "accounts=many"}, "whole number"},
		{[]string{"bench", "bank", "-o", "csv"}, `not "csv"`},
		{[]string{"demo", "--nodes", "2"}, "1 or 3"},
		{[]string{"demo", "--shards", "0"}, "--shards"},
		{[]string{"demo", "--port", "99999"}, "--port"},
	} {
		shale(t, c.args...).fails(t, exitUsage, c.says)
	}
}

// The environment stands in for flags, and a flag wins over it.
func TestEnvironment(t *testing.T) {
	dead, other := unused(t), unused(t)
	t.Setenv("SHALE_HOST", dead+","+other)
	shale(t, "status").fails(t, exitUnreachable, dead, other, "connection refused")
	t.Setenv("SHALE_CERTS_DIR", "certs")
	shale(t, "status", "--host", dead).fails(t, exitUsage, "TLS")
}

// No node answers: exit code 3 for every command that needs one.
func TestUnreachable(t *testing.T) {
	dead := unused(t)
	for _, args := range [][]string{
		{"init"}, {"status"}, {"node", "ls"}, {"node", "drain", "1"}, {"txn", "ls"}, {"txn", "show", "5"},
		{"lock", "ls"}, {"lock", "resolve", "k"}, {"top", "--once"}, {"top"}, {"debug", "zip"}, {"shard", "ls"}, {"shard", "split", "k"}, {"kv", "get", "k"},
		{"kv", "put", "k", "v"}, {"kv", "scan"}, {"sql", "-e", "SELECT 1"},
		{"bench", "bank", "--timeout", "1ms"},
	} {
		shale(t, append(args, "--host", dead)...).fails(t, exitUnreachable, dead)
	}
}

// An interrupt ends a client with 130 and no further word.
func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got := shaleWith(t, ctx, "", "status", "--host", unused(t))
	require.Equal(t, exitInterrupted, got.code, got.err)
	require.Empty(t, got.err)
}

func TestVersionAndHelp(t *testing.T) {
	require.True(t, strings.HasPrefix(shale(t, "version").done(t), "shale unversioned go"))
	require.Contains(t, shale(t, "shard", "--help").done(t), "transfer-leader")
	require.Contains(t, shale(t, "completion", "bash").done(t), "shale")
	require.Contains(t, shale(t).done(t), "Available Commands")
	var b build
	require.NoError(t, json.Unmarshal([]byte(shale(t, "version", "-o", "json").done(t)), &b))
	require.Equal(t, "unversioned", b.Version)
	for _, of := range []string{"bash", "zsh", "fish", "powershell"} {
		require.Contains(t, shale(t, "completion", of).done(t), "shale", of)
	}
}

// The manual is the same on every machine: no defaults of somebody's environment are in it.
func TestManual(t *testing.T) {
	t.Setenv("SHALE_HOST", "somewhere:1")
	dir := filepath.Join(t.TempDir(), "man")
	shale(t, "man", dir).done(t)
	pages, err := filepath.Glob(filepath.Join(dir, "*.1"))
	require.NoError(t, err)
	require.Greater(t, len(pages), 30)
	for _, p := range pages {
		raw, err := os.ReadFile(p)
		require.NoError(t, err)
		require.NotContains(t, string(raw), "somewhere", p)
	}
	page, err := os.ReadFile(filepath.Join(dir, "shale-lock-resolve.1"))
	require.NoError(t, err)
	require.Contains(t, string(page), "asynchronous commit")
}
