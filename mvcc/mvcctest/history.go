package mvcctest

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// Histories runs random transactions, visitors, late copies, reads and collections of
// garbage on engines, and holds what they heard and saw against the dumb model: snapshot
// isolation; one decision per transaction, whoever asks and how often (P7, P8); checks that
// hold at the commit (S6); a refused commit that stays refused; and reads at or above the
// safepoint that garbage collection does not change (P10). An asynchronous commit is decided
// by its locks: the moment they all stand is noted, and whoever recovers it afterwards, in
// whatever steps, must agree (P2, S7). What was claimed, or read by a serializable one, is
// what stood there at the commit (S2, S5, P12). Atomic operations work on what was before.
func Histories(t *testing.T, open Factory) {
	rapid.Check(t, func(rt *rapid.T) {
		e := open(t)
		if c, ok := e.(io.Closer); ok {
			defer func() {
				if err := c.Close(); err != nil {
					rt.Errorf("closing the engine: %v", err)
				}
			}()
		}
		h := &history{rt: rt, e: e, m: newModel(), now: 10}
		steps := []func(){h.begin, h.begin, h.claim, h.claim, h.prewrite, h.prewrite, h.prewrite, h.prewrite,
			h.commit, h.commit, h.rollback, h.visit, h.visit, h.recover, h.recover, h.heartbeat,
			h.stray, h.get, h.get, h.scan, h.collect}
		for range rapid.IntRange(5, 80).Draw(rt, "steps") {
			h.now++
			steps[rapid.IntRange(0, len(steps)-1).Draw(rt, "step")]()
		}
		h.settle()
		h.require(h.m.check())
	})
}

// historyKeys are few, so that transactions meet.
func historyKeys() []mvcc.Key { return []mvcc.Key{"a", "b", "c", "d"} }

// history is one run.
type history struct {
	rt     *rapid.T
	e      Engine
	m      *model
	leader mvcc.Leader
	now    timestamp.Timestamp // the oracle's newest

	recoveries []*recovery // under way
}

func (h *history) require(err error) {
	if err != nil {
		h.rt.Helper()
		h.rt.Fatalf("%v", err)
	}
}

func (h *history) draw(n int, what string) int { return rapid.IntRange(0, n-1).Draw(h.rt, what) }

// ask evaluates a rule and applies its rows.
func (h *history) ask(start timestamp.Timestamp, f rule) (any, error) {
	a, err := evaluate(h.e, start, f)
	h.require(err)
	if a.err != nil {
		return nil, a.err
	}
	if !a.rows.Empty() {
		h.require(h.e.Apply(a.rows))
	}
	return a.result, nil
}

// begin makes a transaction with one to three keys; some are checked and written, some
// claimed first, some read.
func (h *history) begin() {
	t := &modelTxn{start: h.now, readTS: h.now, expires: h.now + timestamp.Timestamp(h.draw(30, "ttl")),
		claimed: map[mvcc.Key]mvcc.Version{}, heard: map[mvcc.Key]timestamp.Timestamp{},
		fenced: map[mvcc.Key]bool{}, turned: map[mvcc.Key]bool{}}
	mode := h.draw(6, "mode")
	switch mode {
	case 0, 1:
		t.onePhase = true
		t.autocommit = mode == 0 && h.draw(2, "autocommit") == 0
	case 2, 3:
		t.async = true
	}
	keys := rapid.Permutation(historyKeys()).Draw(h.rt, "keys")
	for _, k := range keys[:1+h.draw(3, "size")] {
		t.mutations = append(t.mutations, h.mutations(t, k)...)
	}
	t.primary = t.mutations[0].Key
	switch {
	case t.autocommit:
	case mode != 1 && h.draw(3, "pessimistic") == 0:
		h.pessimistic(t)
	case mode == 1 || !t.async && h.draw(2, "serializable") == 0:
		t.reads = rapid.Permutation(historyKeys()).Draw(h.rt, "reads")[:1+h.draw(2, "how many")]
	}
	t.digest = mvcc.Content{Mutations: t.mutations}.Digest()
	h.m.txns[t.start] = t
}

// mutations is what the transaction does with one key: a write, a check, or both.
func (h *history) mutations(t *modelTxn, k mvcc.Key) []mvcc.Mutation {
	op := func(least, most mvcc.MutationOp, what string) mvcc.Mutation {
		mu := mvcc.Mutation{Op: least + mvcc.MutationOp(h.draw(int(most-least)+1, what)), Key: k}
		switch {
		case mu.Op == mvcc.MutationCheckValue:
			mu.Value = h.m.at(k, t.start).Value
		case mu.Op == mvcc.MutationAppend || !mu.Op.Atomic():
			mu.Value = h.value(t.start)
		default:
			mu.Value = []byte(strconv.Itoa(h.draw(9, "operand") - 4))
		}
		return mu
	}
	out := []mvcc.Mutation{op(mvcc.MutationPut, mvcc.MutationAppend, "op")}
	if out[0].Op.Check() && h.draw(2, "and write") == 0 {
		out = append(out, op(mvcc.MutationAdd, mvcc.MutationAppend, "write"))
		if h.draw(2, "what") == 0 {
			out[1].Op, out[1].Value = mvcc.MutationPut, h.value(t.start)
		}
	}
	return out
}

// value is the transaction's own; some are too large for a row, some are numbers.
func (h *history) value(start timestamp.Timestamp) []byte {
	v := []byte(fmt.Sprintf("v%s.", start))
	switch h.draw(6, "value") {
	case 0:
		v = slices.Repeat(v, 100)
	case 1, 2, 3:
		v = v[1 : len(v)-1]
	}
	return v
}

// pick is any transaction that ever began, and some of its keys.
func (h *history) pick() (*modelTxn, []mvcc.Key) {
	if len(h.m.txns) == 0 {
		h.begin()
		h.now++
	}
	var starts []timestamp.Timestamp
	for s := range h.m.txns {
		starts = append(starts, s)
	}
	slices.Sort(starts)
	t := h.m.txns[starts[h.draw(len(starts), "transaction")]]
	var some []mvcc.Key
	for _, k := range t.keys() {
		if h.draw(2, "key") == 0 {
			some = append(some, k)
		}
	}
	if len(some) == 0 || t.onePhase || len(t.reads) > 0 {
		some = t.keys()
	}
	return t, some
}

// prewrite sends a prewrite, or a copy of it, however late.
func (h *history) prewrite() {
	t, keys := h.pick()
	if len(t.claimed) < len(t.claims) {
		return // its coordinator waits for claims
	}
	a := &mvcc.PrewriteArgs{Start: t.start, ReadTS: t.readTS, Primary: t.primary, Digest: t.digest,
		Expires: t.expires, OnePhase: t.onePhase, Autocommit: t.autocommit, Async: t.async}
	t.sent = true
	if t.async && slices.Contains(keys, t.primary) {
		a.Secondaries = without(t.keys(), t.primary)
	}
	if t.onePhase && len(t.reads) > 0 {
		a.ReadKeys = t.reads
		h.leader.MaxRead = max(h.leader.MaxRead, t.readTS)
	}
	for _, mu := range t.mutations {
		if slices.Contains(keys, mu.Key) {
			a.Mutations = append(a.Mutations, mu)
		}
	}
	result, err := h.ask(t.start, func(r mvcc.Reader) (mvcc.Rows, any, error) {
		rows, res, err := mvcc.Prewrite(r, a, h.leader)
		return rows, res, err
	})
	if err != nil {
		h.refused(t, err)
		return
	}
	res := result.(mvcc.PrewriteResult)
	if res.CommitTS != 0 {
		h.decided(t, mvcc.TxnStatus{Decision: mvcc.Committed, CommitTS: res.CommitTS})
		return
	}
	largest := timestamp.Timestamp(0)
	for _, k := range keys {
		if t.fenced[k] || t.turned[k] {
			h.rt.Fatalf("a late prewrite of T%s on %s was laid", t.start, k)
		}
		lock, ok := h.e.Lock(k)
		if old := t.heard[k]; !ok || lock.StartTS != t.start || old != 0 && old != lock.MinCommitTS {
			h.rt.Fatalf("T%s heard min commit %s of %s, and now there is %+v", t.start, old, k, lock)
		}
		t.heard[k] = lock.MinCommitTS
		largest = max(largest, lock.MinCommitTS)
	}
	if res.MinCommitTS != largest {
		h.rt.Fatalf("T%s heard min commit %s of locks of %s", t.start, res.MinCommitTS, largest)
	}
	h.allStand(t)
}

// refused judges an error: some are impossible for what is known of the transaction.
func (h *history) refused(t *modelTxn, err error) {
	var (
		exists  *mvcc.AlreadyExistsError
		failed  *mvcc.CheckFailedError
		aborted *mvcc.TxnAbortedError
		expired *mvcc.ExpiredError
		locked  *mvcc.LockedError
		newer   *mvcc.WriteConflictError
		atomic  *mvcc.AtomicError
	)
	switch {
	case errors.As(err, &expired) && t.start < h.leader.Safepoint:
		return
	case errors.As(err, &exists), errors.As(err, &failed):
		h.leader.MaxRead = max(h.leader.MaxRead, t.readTS) // as a shard does
		t.refused = true
	case errors.As(err, &aborted), errors.As(err, &locked), errors.As(err, &newer), errors.As(err, &atomic):
	default:
		h.rt.Fatalf("T%s heard %v", t.start, err)
	}
	if t.decision == mvcc.Committed {
		h.rt.Fatalf("T%s, committed at %s, heard %v", t.start, t.commitTS, err)
	}
}

// decided takes in a status of the primary.
func (h *history) decided(t *modelTxn, st mvcc.TxnStatus) {
	if st.Decision == mvcc.Undecided {
		return
	}
	h.require(h.m.decide(t, st.Decision, st.CommitTS))
	h.now = max(h.now, st.CommitTS) // whoever discloses C knows an issued timestamp >= C
}
