package shardtest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

func ts(n int) timestamp.Timestamp { return timestamp.Timestamp(n) }

// client does one operation after the other. An operation keeps its begin through all its
// attempts.
type client struct {
	w  *world
	id int
	n  int // operations so far

	op      *operation
	req     routing.Request
	started timestamp.Timestamp
	auto    bool // an autocommit: never sent again once it may have been done
	claims  bool // it claims its key, reads it, and writes it anew with more behind

	waits bool
	sent  shard.RequestID
	to    *Member
	life  int // of to, when it was sent
	at    routing.NodeID
	shard routing.ShardID
}

// act goes one step on: begins an operation, sends it, or looks for its answer.
func (cl *client) act() {
	switch {
	case cl.op == nil:
		cl.begin()
	case !cl.waits:
		cl.send()
	default:
		cl.hear()
	}
}

func (cl *client) begin() {
	w := cl.w
	cl.n++
	key := mvcc.Key(string(rune('a' + w.rng.IntN(5))))
	cl.op = &operation{client: cl.id, key: string(key), call: w.step}
	cl.auto = false
	if w.chance(50) {
		cl.op.get = true
		a := &mvcc.GetArgs{Keys: []mvcc.Key{key}}
		if w.chance(40) {
			a.ReadTS = w.c.Timestamp()
		}
		cl.req = a
		return
	}
	cl.op.value = fmt.Sprintf("%d.%d", cl.id, cl.n)
	cl.op.append = w.chance(50)
	cl.claims = cl.op.append && w.chance(50)
	cl.auto = !cl.claims && w.chance(25)
	cl.prepare()
}

// prepare makes the write under a new start. What appends does it by an atomic operation, or
// by a claim.
func (cl *client) prepare() {
	cl.w.c.oracle++
	cl.started = cl.w.c.oracle
	k := mvcc.Key(cl.op.key)
	switch {
	case cl.claims:
		cl.req = &mvcc.ClaimArgs{Start: cl.started, Primary: k, Keys: []mvcc.Key{k}, Expires: cl.started.Add(time.Hour)}
	case cl.op.append:
		cl.write(mvcc.MutationAppend, "", 0)
	default:
		cl.write(mvcc.MutationPut, "", 0)
	}
}

// write makes the request that commits the operation in one phase.
func (cl *client) write(op mvcc.MutationOp, before string, readTS timestamp.Timestamp) {
	value := []byte(before + cl.op.value)
	if cl.op.append {
		value = []byte(before + "," + cl.op.value)
	}
	if cl.n%3 == 0 { // large ones are rows of their own in the store
		value = append(value, strings.Repeat(" ", mvcc.InlineValueSize)...)
	}
	k := mvcc.Key(cl.op.key)
	cl.req = &mvcc.PrewriteArgs{Start: cl.started, ReadTS: readTS, Primary: k, OnePhase: true, Autocommit: cl.auto,
		Digest: mvcc.Digest{byte(cl.id), byte(cl.n), 1}, Expires: cl.started.Add(5e9),
		Mutations: []mvcc.Mutation{{Op: op, Key: k, Value: value}}}
}

// send sends the operation to where its key is believed to be.
func (cl *client) send() {
	m := cl.w.c.member(cl.at, cl.shard)
	if m == nil || m.R == nil || cl.w.chance(10) {
		m = cl.w.c.members[cl.w.rng.IntN(len(cl.w.c.members))]
	}
	if m.R == nil {
		return
	}
	cl.at, cl.shard = m.Node, m.Shard
	cl.to, cl.life, cl.waits = m, cl.w.crashed[m], true
	cl.sent = cl.w.c.Send(m, cl.req)
}

func (cl *client) hear() {
	res, err, ok := cl.w.c.Answered(cl.sent)
	if !ok {
		if cl.w.crashed[cl.to] == cl.life {
			return
		}
		err = &routing.UnavailableError{Why: "its node is gone", Maybe: true}
	}
	cl.waits = false
	if err != nil {
		cl.refused(err)
		return
	}
	switch r := res.(type) {
	case *mvcc.ClaimResult:
		cl.disclose(r.Versions[0].CommitTS)
		cl.w.c.oracle++ // what it reads at lies above what it has claimed
		cl.w.note("claims")
		cl.write(mvcc.MutationPut, string(r.Versions[0].Value), cl.w.c.oracle)
		return
	case *mvcc.TxnStatus:
		if r.Decision == mvcc.Aborted {
			cl.prepare()
			return
		}
		cl.disclose(r.CommitTS)
		cl.w.note("acknowledged")
	case *mvcc.PrewriteResult:
		cl.disclose(r.CommitTS)
		cl.w.note("acknowledged")
	case *mvcc.GetResult:
		cl.disclose(r.Versions[0].CommitTS)
		cl.op.value = strings.ReplaceAll(string(r.Versions[0].Value), " ", "")
		cl.w.note("gets")
	}
	cl.end()
}

// disclose: whoever tells of a commit timestamp must know that the oracle has come as far,
// or a reader who begins now would miss it (S21).
func (cl *client) disclose(c timestamp.Timestamp) { cl.w.c.oracle = max(cl.w.c.oracle, c.Prev()) }

func (cl *client) refused(err error) {
	var (
		notLeader *routing.NotLeaderError
		epoch     *routing.EpochMismatchError
		gone      *routing.UnavailableError
		conflict  *mvcc.WriteConflictError
		future    *mvcc.FutureError
	)
	switch {
	case errors.As(err, &notLeader):
		cl.at = notLeader.Leader
	case errors.As(err, &epoch):
		for _, d := range epoch.Current {
			if d.Span.Contains(mvcc.Key(cl.op.key)) {
				cl.shard = d.ID
			}
		}
	case errors.As(err, &gone) && gone.Maybe && cl.auto:
		cl.unknown()
	case errors.As(err, &gone):
		cl.at = 0
	case errors.As(err, &conflict) && conflict.Final:
		cl.prepare() // nothing of it was done and nothing will be
	case errors.As(err, &conflict):
		// Another's claim: that may go, and an earlier copy of this may get through. First the
		// abort is recorded (S7).
		cl.w.note("aborts")
		k := mvcc.Key(cl.op.key)
		cl.req = &mvcc.RollbackArgs{Start: cl.started, Primary: k, Keys: []mvcc.Key{k}}
	case errors.As(err, &future):
		cl.at = 0
	default:
		cl.w.t.Fatalf("step %d: client %d: %v", cl.w.step, cl.id, err)
	}
}

func (cl *client) end() {
	cl.op.ret = cl.w.step
	cl.w.history = append(cl.w.history, *cl.op)
	cl.op = nil
}

// unknown: the operation may have been done, or may still be.
func (cl *client) unknown() {
	cl.w.note("unknown")
	cl.op.open = true
	cl.end()
}

// retire gives up what is still under way.
func (cl *client) retire() {
	if cl.op != nil && !cl.op.get {
		cl.unknown()
	}
}
