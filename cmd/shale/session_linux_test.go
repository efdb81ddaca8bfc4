package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/cmd/shale/shell/ptytest"
	"github.com/shaledb/shale/txn"
)

// childVariable makes the test's program the real one: a terminal needs a process of its own.
const childVariable = "SHALE_IS_THE_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// record is constant once the flags are parsed: go test ./cmd/shale -run TestRecordedSession
// -args -record writes testdata/session.txt anew.
var record = flag.Bool("record", false, "write testdata/session.txt anew")

// session is a terminal with a shell of the real program in it.
type session struct {
	*ptytest.Console
	t *testing.T
}

func newSession(t *testing.T, args ...string) *session {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), childVariable+"=yes", "TERM=xterm-256color", "NO_COLOR=1", "INPUTRC=/dev/null",
		"XDG_STATE_HOME="+t.TempDir())
	c, err := ptytest.Start(cmd, 110, 40)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return &session{c, t}
}

// does plays a script.
func (s *session) does(script string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 90*time.Second)
	defer cancel()
	require.NoError(s.t, s.Record(ctx, io.Discard, script))
}

// TestRecordedSession is a session that anybody can read, typed into a real terminal: a
// transfer between two shards and what it left behind, a lock and who waits for it while that
// is so, and the files of a node that is dead.
func TestRecordedSession(t *testing.T) {
	c := newCluster(t)
	t.Setenv("SHALE_HOST", strings.Join(c.addresses(), ","))
	shale(t, "init").done(t)
	shale(t, "shard", "split", "m").done(t)
	db, err := txn.Open(t.Context(), c.addresses())
	require.NoError(t, err)
	defer db.Close()

	live := newSession(t, "sql")
	live.does(transferScript)
	first, second, waited := holdAndWait(t, db)
	live.does(waitScript)
	require.NoError(t, first.Rollback(t.Context()))
	require.NoError(t, <-waited)
	require.NoError(t, second.Rollback(t.Context()))
	live.does("run .exit\nexit 0")

	stopNode(t, c) // the third
	dead := newSession(t, "sql", "--store", c.nodeDir(2))
	dead.does(deadScript)

	transcript := readable("$ shale sql\n" + ptytest.Clean(live.All()) +
		"\n\n$ shale sql --store node3        # the node is dead\n" + ptytest.Clean(dead.All()) + "\n")
	path := filepath.Join("testdata", "session.txt")
	if *record {
		require.NoError(t, os.WriteFile(path, []byte(transcript), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), transcript)
}

const transferScript = `
	prompt shale>
	run .write on
	prompt shale>
	run INSERT INTO kv (key, value) VALUES ('alice', '100'), ('zoe', '50');
	prompt shale>
	run CREATE TABLE mark AS SELECT ts_now() AS before;
	prompt shale>
	run BEGIN;
	prompt shale*>
	run UPDATE kv SET value = value - 30 WHERE key = 'alice';
	prompt shale*>
	run UPDATE kv SET value = value + 30 WHERE key = 'zoe';
	prompt shale*>
	run GET alice zoe
	prompt shale*>
	run COMMIT;
	prompt shale>
	run .versions alice
	prompt shale>
	run SELECT shard, key, value, start_ts AS writer FROM versions ORDER BY key, commit_ts;
	prompt shale>
	run SELECT key, value, start_ts AS writer, commit_time FROM blame('a', 'b');
	prompt shale>
	run SELECT key, change, before, after FROM diff((SELECT before FROM mark), ts_now());
	prompt shale>
	run SELECT shard, key, op, state FROM txn((SELECT start_ts FROM blame('zoe')));
	prompt shale>
	run SELECT key, value FROM at((SELECT before FROM mark));
	prompt shale>
`

const waitScript = `
	run SELECT shard, key, kind, start_ts AS holder FROM locks;
	prompt shale>
	run SELECT waiter, holder, key, request FROM waits WHERE waiter IS NOT NULL;
	prompt shale>
`

const deadScript = `
	prompt shale>
	run SELECT shard, count(*) AS versions FROM versions GROUP BY shard;
	prompt shale>
	run SELECT key, value FROM at(ts_now());
	prompt shale>
	run .exit
	exit 0
`

// holdAndWait has one transaction hold a key, and another, which holds one itself, wait for it.
// It returns when the wait is seen.
func holdAndWait(t *testing.T, db *txn.DB) (first, second *txn.Txn, waited chan error) {
	t.Helper()
	first, err := db.Begin(t.Context(), txn.Pessimistic())
	require.NoError(t, err)
	_, err = first.GetForUpdate(t.Context(), "alice")
	require.NoError(t, err)
	second, err = db.Begin(t.Context(), txn.Pessimistic())
	require.NoError(t, err)
	_, err = second.GetForUpdate(t.Context(), "zoe")
	require.NoError(t, err)
	waited = make(chan error, 1)
	go func() {
		_, err := second.GetForUpdate(t.Context(), "alice")
		waited <- err
	}()
	require.Eventually(t, func() bool {
		return strings.Contains(shale(t, "sql", "-o", "csv", "-e", "SELECT count(waiter) FROM waits").done(t), "\n1\n")
	}, 60*time.Second, 50*time.Millisecond)
	return first, second, waited
}

// readable gives what is another at each run names that are not: T1 is the first timestamp
// met, and all times are one.
func readable(transcript string) string {
	names := map[string]string{}
	stamps := regexp.MustCompile(`\b4\d{17}\b`)
	transcript = stamps.ReplaceAllStringFunc(transcript, func(ts string) string {
		if names[ts] == "" {
			names[ts] = fmt.Sprintf("T%d", len(names)+1)
		}
		return fmt.Sprintf("%*s", len(ts), names[ts])
	})
	transcript = regexp.MustCompile(`(committed at) +`).ReplaceAllString(transcript, "$1 ")
	return regexp.MustCompile(`\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\b`).ReplaceAllString(transcript, "2026-01-02 03:04:05.678")
}
