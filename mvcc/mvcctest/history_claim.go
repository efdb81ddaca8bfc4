package mvcctest

import (
	"errors"
	"slices"

	"pgregory.net/rapid"

	"github.com/shaledb/shale/mvcc"
)

// pessimistic has a transaction claim keys before it writes. The first is its primary, and
// need not be written; others may be claimed and left alone.
func (h *history) pessimistic(t *modelTxn) {
	t.claims = rapid.Permutation(historyKeys()).Draw(h.rt, "claims")[:1+h.draw(3, "how many")]
	t.fixed = h.draw(3, "has read") == 0
	t.primary = t.claims[0]
	if !slices.Contains(t.keys(), t.primary) {
		t.mutations = append([]mvcc.Mutation{{Op: mvcc.MutationClaim, Key: t.primary}}, t.mutations...)
	}
}

// claim sends the claim of the next key that is not granted yet, or a copy of an earlier one,
// however late.
func (h *history) claim() {
	t, _ := h.pick()
	if len(t.claims) == 0 {
		return
	}
	k := t.claims[min(h.draw(len(t.claims)+1, "which"), len(t.claimed), len(t.claims)-1)]
	result, err := h.sendClaim(t, t.primary, k)
	if err != nil {
		h.refusedClaim(t, err)
		return
	}
	if t.fenced[k] || t.turned[k] {
		h.rt.Fatalf("a late claim of T%s on %s was laid", t.start, k)
	}
	found := result.Versions[0]
	if before, ok := t.claimed[k]; ok && !sameRead(before, found) {
		h.rt.Fatalf("T%s claimed %s and now finds %s", t.start, versionLine(before), versionLine(found))
	}
	if t.sent || t.decision != mvcc.Undecided {
		return // a late copy
	}
	t.claimed[k] = found
	if !t.fixed {
		h.now++ // drawn after the claims stand
		t.readTS = h.now
	}
}

func (h *history) sendClaim(t *modelTxn, primary mvcc.Key, keys ...mvcc.Key) (mvcc.ClaimResult, error) {
	a := &mvcc.ClaimArgs{Start: t.start, ReadTS: t.readTS, Primary: primary, Keys: keys, Expires: t.expires,
		Fixed: t.fixed}
	result, err := h.ask(t.start, func(r mvcc.Reader) (mvcc.Rows, any, error) {
		rows, res, err := mvcc.Claim(r, a, h.leader)
		return rows, res, err
	})
	if err != nil {
		return mvcc.ClaimResult{}, err
	}
	return result.(mvcc.ClaimResult), nil
}

// refusedClaim judges an error. A copy that comes when all is over hears so.
func (h *history) refusedClaim(t *modelTxn, err error) {
	var invalid *mvcc.InvalidError
	var below *mvcc.BelowSafepointError
	switch {
	case errors.As(err, &below) && t.start < h.leader.Safepoint:
	case errors.As(err, &invalid) && invalid.Reason == mvcc.ReasonTxnEnded && len(t.claimed) == len(t.claims):
	default:
		h.refused(t, err)
	}
}

// stray is a claim whose answer was lost, so that the transaction went on with another
// primary; or a late copy of one.
func (h *history) stray() {
	t, _ := h.pick()
	if len(t.claims) == 0 {
		return
	}
	keys := rapid.Permutation(historyKeys()).Draw(h.rt, "stray")[:1+h.draw(2, "how many")]
	if keys[0] == t.primary {
		return
	}
	var (
		locked  *mvcc.LockedError
		newer   *mvcc.WriteConflictError
		aborted *mvcc.TxnAbortedError
		below   *mvcc.BelowSafepointError
		invalid *mvcc.InvalidError
	)
	_, err := h.sendClaim(t, keys[0], keys...)
	if err != nil && !errors.As(err, &locked) && !errors.As(err, &newer) && !errors.As(err, &aborted) &&
		!errors.As(err, &below) && !errors.As(err, &invalid) {
		h.rt.Fatalf("a stray claim of T%s on %v heard %v", t.start, keys, err)
	}
}

// resolveStray does to a stray claim what its own primary's status says.
func (h *history) resolveStray(t *modelTxn, l mvcc.Lock, st mvcc.TxnStatus) {
	if l.Kind != mvcc.LockClaim {
		h.rt.Fatalf("T%s has primary %s, and a lock %+v", t.start, t.primary, l)
	}
	stray := *t
	stray.primary, stray.digest = l.Primary, st.Digest
	switch st.Decision {
	case mvcc.Committed:
		if _, err := h.sendCommit(&stray, []mvcc.Key{l.Key}, st.CommitTS); err != nil {
			h.rt.Fatalf("turning a stray claim of T%s on %s: %v", t.start, l.Key, err)
		}
	case mvcc.Aborted:
		stray.digest = mvcc.Digest{}
		h.sendRollback(&stray, []mvcc.Key{l.Key}, false)
	}
}

// heartbeat keeps a transaction alive, if its primary's lock stands.
func (h *history) heartbeat() {
	t, _ := h.pick()
	a := &mvcc.HeartbeatArgs{Start: t.start, Primary: t.primary, Expires: h.now + 20}
	result, err := h.ask(t.start, func(r mvcc.Reader) (mvcc.Rows, any, error) {
		rows, res, err := mvcc.Heartbeat(r, a, h.leader)
		return rows, res, err
	})
	h.require(err)
	h.decided(t, result.(mvcc.TxnStatus))
}

// without is the keys but those given.
func without(keys []mvcc.Key, but ...mvcc.Key) []mvcc.Key {
	var out []mvcc.Key
	for _, k := range keys {
		if !slices.Contains(but, k) {
			out = append(out, k)
		}
	}
	return out
}
