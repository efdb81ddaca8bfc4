package mvcctest

import (
	"errors"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// allStand notes that an asynchronous commit has happened: all of its locks stand. From here
// on nobody may come to another conclusion.
func (h *history) allStand(t *modelTxn) {
	if !t.async || t.decision != mvcc.Undecided {
		return
	}
	at := timestamp.Timestamp(0)
	for _, k := range t.keys() {
		lock, ok := h.e.Lock(k)
		if !ok || lock.StartTS != t.start || lock.Digest != t.digest {
			return
		}
		at = max(at, lock.MinCommitTS)
	}
	h.decided(t, mvcc.TxnStatus{Decision: mvcc.Committed, CommitTS: at})
}

// recovery is a visitor's, or the coordinator's own, of an asynchronous commit. It looks at one
// key after the other, and anything may happen in between.
type recovery struct {
	t     *modelTxn
	fence bool
	left  []mvcc.Key
	found mvcc.FenceResult
}

func newRecovery(t *modelTxn, st mvcc.TxnStatus, fence bool) *recovery {
	return &recovery{t: t, fence: fence, left: st.Secondaries, found: mvcc.FenceResult{MinCommitTS: st.MinCommitTS}}
}

// recover takes any recovery one step on.
func (h *history) recover() {
	if len(h.recoveries) == 0 {
		return
	}
	n := h.draw(len(h.recoveries), "recovery")
	r := h.recoveries[n]
	if len(r.left) > 0 && !r.found.Fenced {
		h.look(r)
		return
	}
	h.recoveries = append(h.recoveries[:n], h.recoveries[n+1:]...)
	switch {
	case r.found.Fenced:
		h.decided(r.t, h.sendRollback(r.t, []mvcc.Key{r.t.primary}, true))
	case len(r.found.Missing) > 0 || r.found.CommitTS != 0: // alive, or decided meanwhile
	default:
		res, err := h.sendCommit(r.t, []mvcc.Key{r.t.primary}, r.found.MinCommitTS)
		var expired *mvcc.ExpiredError
		if errors.As(err, &expired) && r.t.start < h.leader.Collected {
			return // so late that it was recorded, and the record collected
		}
		if err != nil {
			h.rt.Fatalf("all locks of T%s were seen to stand, and recording that: %v", r.t.start, err)
		}
		h.decided(r.t, mvcc.TxnStatus{Decision: mvcc.Committed, CommitTS: res.CommitTS})
		r.t.turned[r.t.primary] = true
	}
}

// look asks one key's shard.
func (h *history) look(r *recovery) {
	a := &mvcc.FenceArgs{Start: r.t.start, Primary: r.t.primary, Keys: r.left[:1], Digest: r.t.digest, Fence: r.fence}
	result, err := h.ask(r.t.start, func(reader mvcc.Reader) (mvcc.Rows, any, error) {
		rows, res, err := mvcc.Fence(reader, a, h.leader)
		return rows, res, err
	})
	h.require(err)
	res := result.(mvcc.FenceResult)
	if res.Fenced {
		h.fenced(r.t, r.left[0])
	}
	if r.fence && len(res.Missing) > 0 {
		h.rt.Fatalf("a fence of T%s leaves %v missing", r.t.start, res.Missing)
	}
	r.left = r.left[1:]
	r.found.Missing = append(r.found.Missing, res.Missing...)
	r.found.Fenced = r.found.Fenced || res.Fenced
	r.found.MinCommitTS = max(r.found.MinCommitTS, res.MinCommitTS)
	r.found.CommitTS = max(r.found.CommitTS, res.CommitTS)
}

// validate is what a shard does at ValidateArgs: a read at V that finds what was read at
// ReadTS, with no lock in the way that may yet commit at or below V (S2).
func (h *history) validate(t *modelTxn, at timestamp.Timestamp) bool {
	if t.readTS < h.leader.Safepoint {
		return false // deletes may be gone
	}
	for _, minimum := range t.heard {
		if at < minimum {
			return false // another is to be drawn
		}
	}
	h.leader.MaxRead = max(h.leader.MaxRead, at)
	for _, k := range t.reads {
		if lock, ok := h.e.Lock(k); ok && lock.BlocksRead(at, t.start) {
			return false
		}
		v, ok, err := h.e.Get(k, at)
		h.require(err)
		if ok && v.CommitTS > t.readTS {
			return false
		}
	}
	return true
}
