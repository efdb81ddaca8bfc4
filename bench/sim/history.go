package sim

import (
	"errors"
	"fmt"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// history is what the clients did and what they heard. It outlives them.
type history struct {
	records  []*record
	open     []*record // whose clients do not know, or died
	seen     []seen
	scans    []scan
	acked    map[mvcc.Key]timestamp.Timestamp // the newest acknowledged write; looked up only
	transfer int
}

// record is one transaction.
type record struct {
	n        int
	transfer int                 // the movement of money that it makes; 0: none
	start    timestamp.Timestamp // 0: an autocommit whose id nobody told
	content  mvcc.Content
	auto     bool
	counts   bool // it adds one to the counters
	busy     bool // somebody is at it

	decision mvcc.Decision // as anybody heard it
	commitTS timestamp.Timestamp
	present  bool // in the stores, at the end
}

func (r *record) primary() mvcc.Key { return r.content.Mutations[0].Key }

func (r *record) String() string {
	keys := make([]string, 0, len(r.content.Mutations))
	for _, m := range r.content.Mutations {
		keys = append(keys, fmt.Sprintf("%s %s %s", m.Op, mvcc.FormatKey(m.Key), mvcc.FormatValue(m.Value, 40)))
	}
	return fmt.Sprintf("#%d start %s %v", r.n, r.start, keys)
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

// begin notes a transaction before its Commit is sent.
func (w *world) begin(start timestamp.Timestamp, ms []mvcc.Mutation) *record {
	h := &w.history
	r := &record{n: len(h.records) + 1, start: start, content: mvcc.Content{Mutations: ms}, auto: start == 0, busy: true}
	for i := range ms {
		if !ms[i].Op.Check() && ms[i].Op != mvcc.MutationDelete {
			// Every value names its transaction: nothing is confused with anything.
			ms[i].Value = fmt.Appendf(ms[i].Value, " #%d", r.n)
		}
	}
	h.records = append(h.records, r)
	h.open = append(h.open, r)
	return r
}

// heard takes in the answer to a Commit.
func (w *world) heard(p *process, r *record, commitTS timestamp.Timestamp, err error) {
	r.busy = false
	var unknown *mvcc.UndeterminedError
	var gone *routing.UnavailableError
	var busy *routing.OverloadedError
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
	return errors.As(err, &conflict) || errors.As(err, &aborted) || errors.As(err, &exists) || errors.As(err, &check)
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
