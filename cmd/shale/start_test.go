package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// heard is a buffer that one goroutine writes and another waits on.
type heard struct {
	mu   sync.Mutex
	text bytes.Buffer
	news chan struct{}
}

func newHeard() *heard { return &heard{news: make(chan struct{}, 1)} }

func (o *heard) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer func() {
		select {
		case o.news <- struct{}{}:
		default:
		}
	}()
	return o.text.Write(p)
}

func (o *heard) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// wait is until the text holds a word.
func (o *heard) wait(t *testing.T, word string) {
	t.Helper()
	for deadline := time.After(60 * time.Second); !strings.Contains(o.String(), word); {
		select {
		case <-o.news:
		case <-deadline:
			require.Fail(t, "it never says "+word, o.String())
		}
	}
}

// running is a command that runs until it is interrupted.
type running struct {
	say, out  *heard
	interrupt context.CancelFunc
	ended     chan int
}

func start(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{say: newHeard(), out: newHeard(), interrupt: cancel, ended: make(chan int, 1)}
	go func() { r.ended <- run(ctx, args, strings.NewReader(""), r.out, r.say) }()
	t.Cleanup(func() { cancel() })
	return r
}

// stop interrupts it, and wants an orderly end.
func (r *running) stop(t *testing.T) {
	t.Helper()
	r.interrupt()
	select {
	case code := <-r.ended:
		require.Zero(t, code, r.say.String())
	case <-time.After(60 * time.Second):
		require.Fail(t, "it does not end", r.say.String())
	}
}

func nodeArgs(dir, address string, join ...string) []string {
	return []string{"start", "--store", dir, "--listen", address, "--join", strings.Join(append(join, address), ","), "--insecure"}
}

// A node of its own: its life, and what may stand in its way.
func TestStart(t *testing.T) {
	dir, address := filepath.Join(t.TempDir(), "n1"), unused(t)
	n := start(t, nodeArgs(dir, address)...)
	n.say.wait(t, "listening")
	shale(t, "init", "--host", address).done(t)
	shale(t, "kv", "put", "k", "v", "--host", address).done(t)

	// The directory is in use: the line says by whom.
	shale(t, nodeArgs(dir, unused(t))...).fails(t, exitError, dir, "in use by process")
	// The port is taken.
	shale(t, nodeArgs(filepath.Join(t.TempDir(), "n2"), address)...).fails(t, exitError, address, "address already in use")

	n.stop(t)
	again := start(t, nodeArgs(dir, address)...)
	again.say.wait(t, "listening")
	require.Equal(t, "v\n", shale(t, "kv", "get", "k", "--host", address).done(t))
	again.stop(t)

	// A file that is no directory, and an identity that is damaged.
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, []byte("x"), 0o600))
	shale(t, nodeArgs(file, unused(t))...).fails(t, exitError, file)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "node.json"), []byte("{"), 0o600))
	shale(t, nodeArgs(dir, unused(t))...).fails(t, exitError, "node.json is damaged")
}

// init where a peer is missing names it and what to do; the node goes on waiting.
func TestInitMissingPeer(t *testing.T) {
	address, missing, other := unused(t), unused(t), unused(t)
	n := start(t, nodeArgs(t.TempDir(), address, missing, other)...)
	n.say.wait(t, "listening")
	shale(t, "init", "--host", address).fails(t, exitError, missing, "named by --join, does not answer: start it")
	n.say.wait(t, "belongs to no cluster yet")
	n.stop(t)
}

// The demo's ports: a taken one is said, with what to do.
func TestDemoPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	e := shale(t, "demo", "--nodes", "1", "--port", port, "--dir", t.TempDir(), "--no-shell")
	require.Equal(t, exitError, e.code)
	require.Contains(t, e.err, "address already in use; choose another --port, or 0 for free ones")
}
