package sim

import (
	"errors"
	"fmt"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
	"github.com/shaledb/shale/txn"
)

// chronicle is what the clients did and what they heard. It outlives them.
type chronicle struct {
	records  []*record
	open     []*record // whose clients do not know, or died
	seen     []seen
	together [][]seen // the newest of several keys, read at once
	scans    []scan
	browsed  []browsed
	lists    []listTxn
	acked    map[mvcc.Key]timestamp.Timestamp // the newest acknowledged write; looked up only
	transfer int
	addend   int
	element  int64 // the last one appended to any list
}

// record is one transaction.
type record struct {
	n        int
	transfer int                 // the movement of money that it makes; 0: none
	start    timestamp.Timestamp // 0: an autocommit whose id nobody told
	tx       txn.Transaction
	content  mvcc.Content
	auto     bool
	blind    bool     // it has read nothing, though it has a start
	counts   bool     // it adds one to the counters
	adds     mvcc.Key // the counter that it adds to
	addend   int      // which nobody else has
	busy     bool     // somebody is at it
	opaque   bool     // the client library made its content: nobody else can send it again
	twin     bool     // another content was sent under its id
	claimed  []seen   // what it found under its claims

	decision mvcc.Decision // as anybody heard it
	commitTS timestamp.Timestamp
	present  bool // in the stores, at the end
}

func (r *record) primary() mvcc.Key {
	if r.tx.Primary != "" {
		return r.tx.Primary
	}
	return r.content.Mutations[0].Key
}

func (r *record) readTS() timestamp.Timestamp { return max(r.start, r.tx.ReadTS) }

// repeatable says whether anybody may send its Commit.
func (r *record) repeatable() bool { return !r.auto && !r.opaque }

func (r *record) String() string {
	keys := make([]string, 0, len(r.content.Mutations))
	for i, m := range r.content.Mutations {
		if i == 8 {
			keys = append(keys, fmt.Sprintf("and %d more", len(r.content.Mutations)-i))
			break
		}
		keys = append(keys, fmt.Sprintf("%s %s %s", m.Op, mvcc.FormatKey(m.Key), mvcc.FormatValue(m.Value, 40)))
	}
	kind := ""
	if r.content.Serializable {
		kind = fmt.Sprintf(" serializable, has read %v", r.content.ReadKeys)
	}
	if r.tx.Primary != "" {
		kind += fmt.Sprintf(" claims %v, read at %s", r.tx.Claims, r.readTS())
	}
	return fmt.Sprintf("#%d start %s%s %v", r.n, r.start, kind, keys)
}

// seen is one key as a read found it: at a timestamp, or, where that is zero, the newest.
type seen struct {
	at       timestamp.Timestamp
	least    timestamp.Timestamp // of a newest read: acknowledged before it began
	key      mvcc.Key
	commitTS timestamp.Timestamp // 0: nothing
	startTS  timestamp.Timestamp
}

// scan is all that a snapshot scan of the accounts found.
type scan struct {
	at   timestamp.Timestamp
	rows []mvcc.Version
}

// begin notes a transaction before its Commit is sent. Every value put names its transaction:
// nothing is confused with anything.
func (w *world) begin(tx txn.Transaction, content mvcc.Content) *record {
	n := len(w.history.records) + 1
	for i, m := range content.Mutations {
		if m.Op == mvcc.MutationPut || m.Op == mvcc.MutationInsert {
			content.Mutations[i].Value = fmt.Appendf(m.Value, " #%d", n)
		}
	}
	return w.note(tx, content)
}

// note notes a transaction as it is.
func (w *world) note(tx txn.Transaction, content mvcc.Content) *record {
	h := &w.history
	r := &record{n: len(h.records) + 1, start: tx.Start, tx: tx, content: content, auto: tx.Start == 0, busy: true}
	h.records = append(h.records, r)
	h.open = append(h.open, r)
	return r
}

// put is a write of text.
func put(k mvcc.Key, text string) mvcc.Mutation {
	return mvcc.Mutation{Op: mvcc.MutationPut, Key: k, Value: []byte(text)}
}

// puts is a content of writes.
func puts(ms ...mvcc.Mutation) mvcc.Content { return mvcc.Content{Mutations: ms} }

// heard takes in the answer to a Commit.
func (w *world) heard(p *process, r *record, commitTS timestamp.Timestamp, err error) {
	r.busy = false
	var unknown *mvcc.UndeterminedError
	var gone *routing.UnavailableError
	var busy *routing.OverloadedError
	var mismatch *mvcc.DigestMismatchError
	var invalid *mvcc.InvalidError
	switch {
	case err == nil:
		w.counts.Committed++
		w.acknowledge(r, commitTS)
		w.decided(p, r, mvcc.Committed, commitTS)
	case definite(err):
		w.counts.Aborted++
		w.decided(p, r, mvcc.Aborted, 0)
	case errors.As(err, &unknown):
		w.counts.Unknown++
		if r.start == 0 {
			r.start = unknown.StartTS
		}
		w.remark(p, "%v: %v", r, err)
	case errors.As(err, &gone), errors.As(err, &busy):
		w.counts.Unknown++
		w.remark(p, "%v: %v", r, err)
		if r.auto {
			w.decided(p, r, mvcc.Aborted, 0) // it says that nothing was committed
		}
	case r.twin && (errors.As(err, &mismatch) || errors.As(err, &invalid)):
		w.counts.Unknown++
	default:
		w.fail("%s hears of %v: %v", p.name, r, err)
	}
}

// definite errors say that the transaction does not and will not commit.
func definite(err error) bool {
	var conflict *mvcc.WriteConflictError
	var aborted *mvcc.TxnAbortedError
	var exists *mvcc.AlreadyExistsError
	var check *mvcc.CheckFailedError
	var deadlock *mvcc.DeadlockError
	return errors.As(err, &conflict) || errors.As(err, &aborted) || errors.As(err, &exists) ||
		errors.As(err, &check) || errors.As(err, &deadlock)
}

// acknowledge notes the writes that everybody must see from now on.
func (w *world) acknowledge(r *record, commitTS timestamp.Timestamp) {
	w.issued.acknowledged(commitTS)
	if w.history.acked == nil {
		w.history.acked = map[mvcc.Key]timestamp.Timestamp{}
	}
	for _, m := range r.content.Mutations {
		if !m.Op.Check() {
			w.history.acked[m.Key] = max(w.history.acked[m.Key], commitTS)
		}
	}
}

// takeOpen hands a transaction whose end is not known to whoever wants to know of it.
func (w *world) takeOpen() *record {
	h := &w.history
	for range 4 {
		if len(h.open) == 0 {
			return nil
		}
		i := w.rng.IntN(len(h.open))
		r := h.open[i]
		if r.busy && w.chance(0.5) { // a Commit under way is repeated too, by another
			continue
		}
		if r.decision != mvcc.Undecided || r.start == 0 {
			h.open = append(h.open[:i], h.open[i+1:]...)
			continue
		}
		return r
	}
	return nil
}
