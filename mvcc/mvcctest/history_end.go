package mvcctest

import (
	"errors"
	"maps"
	"slices"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// commit commits at the primary once every key is prewritten, and elsewhere afterwards; of an
// asynchronous commit, which is decided by then, it records that first. A repeat may even name
// another timestamp: what is recorded stays.
func (h *history) commit() {
	t, keys := h.pick()
	at := t.commitTS
	switch {
	case t.decision == mvcc.Undecided && !t.async && len(t.heard) == len(t.keys()):
		for _, minimum := range t.heard {
			at = max(at, minimum)
		}
		if len(t.reads) > 0 {
			if at = h.now; !h.validate(t, at) {
				return
			}
		}
		keys = append(without(keys, t.primary), t.primary)
	case t.decision == mvcc.Committed && t.async && !t.turned[t.primary]:
		keys = append(without(keys, t.primary), t.primary)
	case t.decision == mvcc.Undecided || t.onePhase && len(t.heard) == 0:
		return
	case t.decision == mvcc.Aborted: // as a late copy would, whose sender heard nothing
		at = h.now
		if keys[0] != t.primary {
			keys = append(without(keys, t.primary), t.primary)
		}
	}
	if t.decision == mvcc.Committed && h.draw(2, "claims, too") == 0 {
		keys = append(keys, without(t.claims, t.keys()...)...)
	}
	result, err := h.sendCommit(t, keys, at)
	if err != nil {
		h.refused(t, err)
		return
	}
	h.decided(t, mvcc.TxnStatus{Decision: mvcc.Committed, CommitTS: result.CommitTS})
	for _, k := range keys {
		t.turned[k] = true
	}
}

func (h *history) sendCommit(t *modelTxn, keys []mvcc.Key, at timestamp.Timestamp) (mvcc.CommitResult, error) {
	a := &mvcc.CommitArgs{Start: t.start, CommitTS: at, Primary: t.primary, Keys: keys, Digest: t.digest}
	result, err := h.ask(t.start, func(r mvcc.Reader) (mvcc.Rows, any, error) {
		rows, res, err := mvcc.Commit(r, a, h.leader)
		return rows, res, err
	})
	if err != nil {
		return mvcc.CommitResult{}, err
	}
	return result.(mvcc.CommitResult), nil
}

// rollback gives up at the primary, and removes the other locks once that is recorded.
func (h *history) rollback() {
	t, keys := h.pick()
	if t.decision != mvcc.Aborted && !slices.Contains(keys, t.primary) {
		keys = append(keys, t.primary)
	}
	st := h.sendRollback(t, keys, false)
	h.decided(t, st)
	if st.Async { // it may be committed: recovery says
		h.recoveries = append(h.recoveries, newRecovery(t, st, true))
	}
	if st.Decision == mvcc.Aborted {
		h.fenced(t, keys...)
	}
}

// fenced notes that nothing of the transaction is laid on the keys any more. Below the
// safepoint nothing is in any case, and where a stray claim stands its own primary says so.
func (h *history) fenced(t *modelTxn, keys ...mvcc.Key) {
	for _, k := range keys {
		lock, ok := h.e.Lock(k)
		stray := ok && lock.StartTS == t.start && lock.Primary != t.primary
		t.fenced[k] = t.start >= h.leader.Safepoint && !stray
	}
}

func (h *history) sendRollback(t *modelTxn, keys []mvcc.Key, fenced bool) mvcc.TxnStatus {
	a := &mvcc.RollbackArgs{Start: t.start, Primary: t.primary, Keys: keys, Digest: t.digest, Fenced: fenced}
	result, err := h.ask(t.start, func(r mvcc.Reader) (mvcc.Rows, any, error) {
		rows, res, err := mvcc.Rollback(r, a, h.leader)
		return rows, res, err
	})
	h.require(err)
	return result.(mvcc.TxnStatus)
}

// visit resolves any lock as a stranger who met it does.
func (h *history) visit() {
	locks := h.e.Locks()
	if len(locks) > 0 {
		h.resolve(locks[h.draw(len(locks), "lock")], h.now, false)
	}
}

func (h *history) resolve(l mvcc.Lock, now timestamp.Timestamp, force bool) {
	t := h.m.txns[l.StartTS]
	a := &mvcc.CheckTxnArgs{Start: l.StartTS, Primary: l.Primary, Now: now, MetExpires: l.Expires, Force: force}
	result, err := h.ask(t.start, func(r mvcc.Reader) (mvcc.Rows, any, error) {
		rows, res, err := mvcc.CheckTxn(r, a, h.leader)
		return rows, res, err
	})
	h.require(err)
	st := result.(mvcc.TxnStatus)
	if l.Primary != t.primary {
		h.resolveStray(t, l, st)
		return
	}
	h.decided(t, st)
	switch st.Decision {
	case mvcc.Undecided:
		if st.Async {
			h.recoveries = append(h.recoveries, newRecovery(t, st, force || now >= st.Expires))
		}
	case mvcc.Committed:
		if _, err := h.sendCommit(t, []mvcc.Key{l.Key}, st.CommitTS); err != nil {
			h.rt.Fatalf("rolling T%s forward on %s: %v", t.start, l.Key, err)
		}
		t.turned[l.Key] = true
	case mvcc.Aborted:
		h.sendRollback(t, []mvcc.Key{l.Key}, false)
		h.fenced(t, l.Key)
	}
}

// get reads a key at any time that is not too late; a lock in the way ends it.
func (h *history) get() {
	keys := historyKeys()
	k := keys[h.draw(len(keys), "key")]
	at := h.readTS()
	if h.blocked(mvcc.KeySpan(k), at) {
		return
	}
	v, _, err := h.e.Get(k, at)
	h.require(err)
	h.m.reads = append(h.m.reads, modelRead{k, at, v})
}

func (h *history) readTS() timestamp.Timestamp {
	least := max(h.leader.Safepoint, 1)
	at := least + timestamp.Timestamp(h.draw(int(h.now-least)+1, "at"))
	h.leader.MaxRead = max(h.leader.MaxRead, at) // first this, then the locks
	return at
}

func (h *history) blocked(span mvcc.Span, at timestamp.Timestamp) bool {
	return slices.ContainsFunc(h.e.Locks(), func(l mvcc.Lock) bool {
		return span.Contains(l.Key) && l.BlocksRead(at, 0)
	})
}

// scan reads a whole span page by page; each entry, and each that is missing, is a read.
func (h *history) scan() {
	at, reverse := h.readTS(), h.draw(2, "reverse") == 0
	if h.blocked(mvcc.Span{}, at) {
		return
	}
	h.pages(mvcc.Span{}, at, 1+h.draw(3, "limit"), reverse)
}

// pages holds paged scans against the model (P15).
func (h *history) pages(span mvcc.Span, at timestamp.Timestamp, limit int, reverse bool) {
	want := h.m.scan(span, at, reverse)
	var got []mvcc.Version
	for more := true; more; {
		a := &mvcc.ScanArgs{ReadTS: at, Span: span, Limit: limit, Reverse: reverse}
		page, err := mvcc.Page(h.e.Scan(span, at, reverse, false), a, span)
		h.require(err)
		if len(page.Versions) > limit || page.More && len(page.Versions) < limit {
			h.rt.Fatalf("a page of %d has %d entries", limit, len(page.Versions))
		}
		got = append(got, page.Versions...)
		more = page.More
		if reverse {
			span.End = page.Resume
		} else {
			span.Start = page.Resume
		}
	}
	if !slices.EqualFunc(want, got, sameRead) {
		h.rt.Fatalf("a scan at %s has %d entries %v, and the history says %v", at, len(got), got, want)
	}
}

// collect moves the safepoint up and removes garbage.
func (h *history) collect() {
	l := &h.leader
	l.Safepoint += timestamp.Timestamp(h.draw(int(h.now-l.Safepoint)+1, "safepoint"))
	l.Collected = l.Safepoint
	for _, lock := range h.e.Locks() {
		l.Collected = min(l.Collected, lock.StartTS)
	}
	d := &harness{e: h.e, leader: *l, keys: map[mvcc.Key]bool{}, starts: map[timestamp.Timestamp]bool{}}
	for _, k := range historyKeys() {
		d.keys[k] = true
	}
	for s := range h.m.txns {
		d.starts[s] = true
	}
	rows, err := d.garbage()
	h.require(err)
	h.require(h.e.Apply(rows))
}

// settle resolves every lock; then nothing may block, and every read must be right.
func (h *history) settle() {
	for range 3 { // a visit, the recovery that it begins, a visit of what was decided
		for _, l := range h.e.Locks() {
			h.resolve(l, h.now+1000, true)
		}
		for len(h.recoveries) > 0 {
			h.recover()
		}
	}
	if left := h.e.Locks(); len(left) > 0 {
		h.rt.Fatalf("locks outlive quiescence: %v", left)
	}
	for at := max(h.leader.Safepoint, 1); at <= h.now+1; at++ {
		for _, k := range historyKeys() {
			v, _, err := h.e.Get(k, at)
			h.require(err)
			h.m.reads = append(h.m.reads, modelRead{k, at, v})
		}
		h.pages(mvcc.Span{Start: "a", End: "d"}, at, 2, at%2 == 0)
	}
	h.outcomes()
}

// outcomes asks once more for every decision that was ever heard.
func (h *history) outcomes() {
	for _, start := range slices.Sorted(maps.Keys(h.m.txns)) {
		t := h.m.txns[start]
		st, err := mvcc.Outcome(h.e, &mvcc.OutcomeArgs{Start: t.start, Primary: t.primary}, h.leader)
		h.require(err)
		if st.Expired && t.start < h.leader.Safepoint || t.decision == mvcc.Undecided {
			continue
		}
		if st.Decision != t.decision || st.CommitTS != t.commitTS {
			h.require(errors.New("an outcome has changed: " + t.decision.String() + " to " + st.Decision.String()))
		}
	}
}
