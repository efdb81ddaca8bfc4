package shardtest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/cryptotest"
	"time"

	"github.com/cockroachdb/datadriven"

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

// commands are all of them; each is in a file of its own.
func (s *script) commands() map[string]func() string {
	return map[string]func() string{
		"cluster":   s.cmdCluster,
		"elect":     s.cmdElect,
		"put":       s.cmdPut,
		"prewrite":  s.cmdPrewrite,
		"commit":    s.cmdCommit,
		"rollback":  s.cmdRollback,
		"check":     s.cmdCheck,
		"get":       s.cmdGet,
		"scan":      s.cmdScan,
		"claim":     s.cmdClaim,
		"fence":     s.cmdFence,
		"validate":  s.cmdValidate,
		"heartbeat": s.cmdHeartbeat,
		"waits":     s.cmdWaits,
		"detect":    s.cmdWaits,
		"store":     s.cmdStore,
		"timestamp": s.cmdTimestamp,
		"answer":    s.cmdAnswer,
		"hold":      s.cmdHold,
		"release":   s.cmdHold,
		"cut":       s.cmdCut,
		"heal":      s.cmdCut,
		"pass":      s.cmdPass,
		"crash":     s.cmdCrash,
		"restart":   s.cmdRestart,
		"transfer":  s.cmdTransfer,
		"split":     s.cmdSplit,
		"campaign":  s.cmdCampaign,
		"applied":   s.cmdApplied,
		"status":    s.cmdStatus,
		"take":      s.cmdTake,
		"pause":     s.cmdPause,
		"resume":    s.cmdPause,
		"clock":     s.cmdClock,
		"resolved":  s.cmdResolved,
		"term":      s.cmdTerm,
		"outcome":   s.cmdOutcome,
		"versions":  s.cmdVersions,
		"locks":     s.cmdLocks,
		"records":   s.cmdRecords,
		"queue":     s.cmdQueue,
		"hot":       s.cmdHot,
	}
}

func (s *script) run() string {
	command, ok := s.commands()[s.d.Cmd]
	if !ok {
		s.d.Fatalf(s.t, "unknown command %s", s.d.Cmd)
	}
	return command()
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

// patience is how long a request may wait at the replica.
func (s *script) patience() time.Duration {
	if d := s.duration("timeout"); d != 0 {
		return d
	}
	return 5 * time.Second
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
	id := s.c.SendFor(m, req, s.patience())
	if name := s.text("as", ""); name != "" {
		s.named[name] = id
	}
	if s.has("still") {
		return "sent"
	}
	s.c.Settle()
	return s.answer(id)
}
