package shardtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/cryptotest"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// Run runs every script of the directory, each on a cluster of its own.
func Run(t *testing.T, dir string) {
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.IsDir() {
			continue
		}
		t.Run(f.Name(), func(t *testing.T) {
			cryptotest.SetGlobalRandom(t, 1)
			s := &script{named: map[string]shard.RequestID{}}
			datadriven.RunTest(t, filepath.Join(dir, f.Name()), func(t *testing.T, d *datadriven.TestData) string {
				s.t, s.d = t, d
				return wrapped(s.run())
			})
		})
	}
}

// columns is the width of a script's output; what is longer goes on in the next line.
const columns = 96

// wrapped ends the output with one newline and breaks lines that are too long at blanks.
func wrapped(out string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimRight(out, "\n") + "\n") {
		line = strings.TrimSuffix(line, "\n")
		for len(line) > columns {
			at := strings.LastIndexByte(line[:columns], ' ')
			if at <= 4 {
				break
			}
			b.WriteString(line[:at] + "\n")
			line = "    " + line[at+1:]
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// script is one script under way.
type script struct {
	t     *testing.T
	d     *datadriven.TestData
	c     *Cluster
	named map[string]shard.RequestID

	newest     timestamp.Timestamp // taken from the system group's oracle
	newestTerm uint64
	term       uint64
}

// run is the switch of the commands; each is in a file of its own.
func (s *script) run() string {
	switch s.d.Cmd {
	case "cluster":
		return s.cmdCluster()
	case "elect":
		return s.cmdElect()
	case "put":
		return s.cmdPut()
	case "prewrite":
		return s.cmdPrewrite()
	case "commit":
		return s.cmdCommit()
	case "rollback":
		return s.cmdRollback()
	case "check":
		return s.cmdCheck()
	case "get":
		return s.cmdGet()
	case "scan":
		return s.cmdScan()
	case "timestamp":
		return s.cmdTimestamp()
	case "answer":
		return s.cmdAnswer()
	case "hold", "release":
		return s.cmdHold()
	case "cut", "heal":
		return s.cmdCut()
	case "pass":
		return s.cmdPass()
	case "crash":
		return s.cmdCrash()
	case "restart":
		return s.cmdRestart()
	case "transfer":
		return s.cmdTransfer()
	case "split":
		return s.cmdSplit()
	case "campaign":
		return s.cmdCampaign()
	case "applied":
		return s.cmdApplied()
	case "status":
		return s.cmdStatus()
	case "take":
		return s.cmdTake()
	case "pause", "resume":
		return s.cmdPause()
	case "clock":
		return s.cmdClock()
	case "resolved":
		return s.cmdResolved()
	case "term":
		return s.cmdTerm()
	case "outcome":
		return s.cmdOutcome()
	}
	s.d.Fatalf(s.t, "unknown command %s", s.d.Cmd)
	return ""
}

func (s *script) text(name, otherwise string) string {
	for _, a := range s.d.CmdArgs {
		if a.Key == name && len(a.Vals) > 0 {
			return a.Vals[0]
		}
	}
	return otherwise
}

func (s *script) number(name string, otherwise int) int {
	v := s.text(name, "")
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		s.d.Fatalf(s.t, "%s=%s: %v", name, v, err)
	}
	return n
}

// words are the arguments without a value.
func (s *script) words() []string {
	var out []string
	for _, a := range s.d.CmdArgs {
		if len(a.Vals) == 0 {
			out = append(out, a.Key)
		}
	}
	return out
}

// pairs are the arguments key=value that are no options.
func (s *script) pairs(options ...string) [][2]string {
	var out [][2]string
next:
	for _, a := range s.d.CmdArgs {
		for _, o := range options {
			if a.Key == o {
				continue next
			}
		}
		if len(a.Vals) == 1 {
			out = append(out, [2]string{a.Key, a.Vals[0]})
		}
	}
	return out
}

func (s *script) has(word string) bool {
	for _, w := range s.words() {
		if w == word {
			return true
		}
	}
	return false
}

func (s *script) shard() routing.ShardID { return routing.ShardID(s.number("shard", 2)) }

// member is the one named by node=, else the leader.
func (s *script) member() *Member {
	if n := s.number("node", 0); n != 0 {
		return s.node(n)
	}
	if m := s.c.Leader(s.shard()); m != nil {
		return m
	}
	s.d.Fatalf(s.t, "nobody leads")
	return nil
}

func (s *script) node(n int) *Member {
	m := s.c.member(routing.NodeID(n), s.shard())
	if m == nil {
		s.d.Fatalf(s.t, "node %d has no replica of shard %d", n, s.shard())
	}
	return m
}

// at is a timestamp argument: a number, or a duration from the clock's beginning.
func (s *script) at(name string) timestamp.Timestamp {
	v := s.text(name, "")
	if v == "" {
		return 0
	}
	if d, err := time.ParseDuration(v); err == nil {
		return timestamp.Timestamp(0).Add(d)
	}
	return timestamp.Timestamp(s.number(name, 0))
}

// ask sends a request; "as=NAME" keeps it under a name, "still" does not let anything else
// happen.
func (s *script) ask(m *Member, req routing.Request) string {
	id := s.c.Send(m, req)
	if name := s.text("as", ""); name != "" {
		s.named[name] = id
	}
	if s.has("still") {
		return "sent"
	}
	s.c.Settle()
	return s.answer(id)
}

func (s *script) answer(id shard.RequestID) string {
	res, err, ok := s.c.Answered(id)
	switch {
	case !ok:
		return "waits"
	case err != nil:
		return refusal(err)
	}
	switch r := res.(type) {
	case *mvcc.PrewriteResult:
		switch {
		case r.CommitTS != 0 && s.has("show"):
			return "committed at " + r.CommitTS.String()
		case r.CommitTS != 0:
			return "committed"
		case s.has("show"):
			return "locked from " + r.MinCommitTS.String()
		}
		return "locked"
	case *routing.TimestampResult:
		return s.taken(r)
	case *mvcc.CommitResult:
		return "committed"
	case *mvcc.TxnStatus:
		return r.Decision.String()
	case *mvcc.GetResult:
		return versions(r.Versions)
	case *mvcc.ScanResult:
		return versions(r.Versions)
	case *routing.TransferResult:
		return fmt.Sprintf("node %d leads", r.Leader)
	case *routing.SplitResult:
		return fmt.Sprintf("%s\n%s", r.Left, r.Right)
	}
	return fmt.Sprintf("%T", res)
}

func versions(vs []mvcc.Version) string {
	var out []string
	for _, v := range vs {
		switch v.Op {
		case mvcc.OpPut:
			out = append(out, mvcc.FormatKey(v.Key)+"="+mvcc.FormatValue(v.Value, 20))
		case mvcc.OpDelete:
			out = append(out, mvcc.FormatKey(v.Key)+" deleted")
		default:
			out = append(out, "absent")
		}
	}
	if len(out) == 0 {
		return "nothing"
	}
	return strings.Join(out, " ")
}

// refusal prints an error by what its receiver must do.
func refusal(err error) string {
	var (
		notLeader *routing.NotLeaderError
		epoch     *routing.EpochMismatchError
		gone      *routing.UnavailableError
		conflict  *mvcc.WriteConflictError
		locked    *mvcc.LockedError
		aborted   *mvcc.TxnAbortedError
		future    *mvcc.FutureError
	)
	switch {
	case errors.As(err, &notLeader):
		return "not the leader"
	case errors.As(err, &epoch):
		out := "wrong route"
		for _, d := range epoch.Current {
			out += "\n  " + d.String()
		}
		return out
	case errors.As(err, &gone) && gone.Maybe:
		return "unknown: " + gone.Why
	case errors.As(err, &gone):
		return "not done: " + gone.Why
	case errors.As(err, &conflict):
		return "conflict on " + mvcc.FormatKey(conflict.Key)
	case errors.As(err, &locked):
		return fmt.Sprintf("locked: %s by T%s", mvcc.FormatKey(locked.Lock.Key), locked.Lock.StartTS)
	case errors.As(err, &aborted):
		return "aborted"
	case errors.As(err, &future):
		return "in the future"
	}
	return "error: " + err.Error()
}
