package mvcctest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// Run runs every script of the directory (mvcc/testdata, seen from the test) on an engine
// of its own.
func Run(t *testing.T, dir string, open Factory) {
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, f := range files {
		if f.IsDir() { // fuzzing and property tests keep their failures there
			continue
		}
		ran++
		t.Run(f.Name(), func(t *testing.T) {
			h := newHarness(t, open)
			datadriven.RunTest(t, filepath.Join(dir, f.Name()), h.run)
		})
	}
	if ran == 0 {
		t.Fatalf("no scripts in %s", dir)
	}
}

// harness is one script under way.
type harness struct {
	e       Engine
	leader  mvcc.Leader
	keys    map[mvcc.Key]bool            // all that the script named
	starts  map[timestamp.Timestamp]bool // likewise
	digests map[mvcc.Digest]string
}

func newHarness(t testing.TB, open Factory) *harness {
	e := open(t)
	if c, ok := e.(io.Closer); ok {
		t.Cleanup(func() {
			if err := c.Close(); err != nil {
				t.Errorf("closing the engine: %v", err)
			}
		})
	}
	return &harness{e: e, keys: map[mvcc.Key]bool{}, starts: map[timestamp.Timestamp]bool{},
		digests: map[mvcc.Digest]string{}}
}

// run is the switch of the commands; each is in a file of its own.
func (h *harness) run(t *testing.T, d *datadriven.TestData) string {
	s := &script{TestData: d, t: t, h: h}
	var out string
	switch d.Cmd {
	case "leader":
		out = h.cmdLeader(s)
	case "prewrite":
		out = h.cmdPrewrite(s)
	case "claim":
		out = h.cmdClaim(s)
	case "fence":
		out = h.cmdFence(s)
	case "commit":
		out = h.cmdCommit(s)
	case "rollback":
		out = h.cmdRollback(s)
	case "check-txn":
		out = h.cmdCheckTxn(s)
	case "outcome":
		out = h.cmdOutcome(s)
	case "heartbeat":
		out = h.cmdHeartbeat(s)
	case "get":
		out = h.cmdGet(s)
	case "scan":
		out = h.cmdScan(s)
	case "versions":
		out = h.cmdVersions(s)
	case "records":
		out = h.cmdRecords(s)
	case "gc":
		out = h.cmdGC(s)
	case "dump":
		out = h.cmdDump(s)
	default:
		d.Fatalf(t, "unknown command %s", d.Cmd)
	}
	return strings.TrimRight(out, "\n") + "\n"
}

// evaluate asks a rule, applies its rows and returns its result; ok is false where it
// refused, and refusal is then the script's line.
func (h *harness) evaluate(s *script, start timestamp.Timestamp, f rule) (result any, refusal string, ok bool) {
	h.starts[start] = true
	a, err := evaluate(h.e, start, f)
	s.require(err)
	if a.err != nil {
		return nil, h.refusal(s, max(start, s.ts("read-ts", 0)), a.err), false
	}
	if !a.rows.Empty() {
		s.require(h.e.Apply(a.rows))
	}
	return a.result, "", true
}

// refusal prints an error by its kind: what the receiver must do comes first.
func (h *harness) refusal(s *script, readTS timestamp.Timestamp, err error) string {
	var (
		conflict *mvcc.WriteConflictError
		aborted  *mvcc.TxnAbortedError
		locked   *mvcc.LockedError
		exists   *mvcc.AlreadyExistsError
		failed   *mvcc.CheckFailedError
		mismatch *mvcc.DigestMismatchError
		expired  *mvcc.ExpiredError
		atomic   *mvcc.AtomicError
		below    *mvcc.BelowSafepointError
		invalid  *mvcc.InvalidError
	)
	switch {
	case errors.As(err, &conflict):
		what := "a lock"
		if conflict.Final {
			what = "final"
		}
		return fmt.Sprintf("conflict: %s is newer on %s (%s)", conflict.ConflictTS, mvcc.FormatKey(conflict.Key), what)
	case errors.As(err, &aborted):
		return fmt.Sprintf("aborted: found at %s", mvcc.FormatKey(aborted.Key))
	case errors.As(err, &locked):
		return "waits: " + h.lockLine(locked.Lock)
	case errors.As(err, &exists):
		h.leader.MaxRead = max(h.leader.MaxRead, readTS)
		return fmt.Sprintf("already exists: %s", mvcc.FormatKey(exists.Key))
	case errors.As(err, &failed):
		h.leader.MaxRead = max(h.leader.MaxRead, readTS)
		return fmt.Sprintf("check failed: %s %s", failed.Op, mvcc.FormatKey(failed.Key))
	case errors.As(err, &mismatch):
		return fmt.Sprintf("other content: found at %s", mvcc.FormatKey(mismatch.Key))
	case errors.As(err, &expired):
		return fmt.Sprintf("expired: the safepoint is %s", expired.Safepoint)
	case errors.As(err, &atomic):
		return fmt.Sprintf("refused: %s", atomic)
	case errors.As(err, &below):
		return fmt.Sprintf("below the safepoint %s", below.Safepoint)
	case errors.As(err, &invalid):
		return fmt.Sprintf("invalid: %s", invalid.Reason)
	}
	s.require(err)
	return ""
}
