package shard

import (
	"slices"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// serveValidate says whether what a serializable transaction has read at ReadTS still stands
// at At. It is a read at At, in one step: MaxRead goes up first, so that nothing is committed
// at or below At afterwards; then locks of others that may be (P3); then what was (S2).
//
// A conflict is never final: an earlier copy of the same Commit may have been validated at an
// earlier timestamp, and committed. So the caller has the abort recorded before it tells (S7).
func (r *Replica) serveValidate(t *task, a *mvcc.ValidateArgs) {
	if a.At == 0 {
		r.finish(t, nil, &mvcc.InvalidError{Reason: "READ_TIMESTAMP", What: "a validation needs a timestamp",
			Hint: "draw one from the oracle"})
		return
	}
	r.clock.read(a.At)
	if l, ok := r.undecided(a); ok {
		r.finish(t, nil, movedOn(a, l.Key, l.MinCommitTS))
		return
	}
	if r.clock.committed <= readAt(a) { // nothing at all was committed since
		r.finish(t, &mvcc.ValidateResult{}, nil)
		return
	}
	proven := len(a.Spans) == 0
	for _, k := range a.Keys {
		ts, known := r.committedIn(k, a)
		if ts != 0 {
			r.finish(t, nil, movedOn(a, k, ts))
			return
		}
		proven = proven && known
	}
	if proven {
		r.finish(t, &mvcc.ValidateResult{}, nil)
		return
	}
	r.readStore(t)
}

// undecided is a write lock of another, standing or pending, that may be committed at or below
// At. One that lies above is let pass: mutual validators would else always kill each other.
func (r *Replica) undecided(a *mvcc.ValidateArgs) (mvcc.Lock, bool) {
	for _, k := range a.Keys {
		if l, ok := r.locks.blocking(k, a.At, a.Start); ok {
			return l, true
		}
	}
	for _, s := range a.Spans {
		if l, ok := r.locks.blockingIn(s, a.At, a.Start); ok {
			return l, true
		}
	}
	return mvcc.Lock{}, false
}

// committedIn is when another wrote the key, above ReadTS and not above At; zero: never, as
// far as memory knows. Known: it knows all.
func (r *Replica) committedIn(k mvcc.Key, a *mvcc.ValidateArgs) (ts timestamp.Timestamp, known bool) {
	if ts, known = r.leader0.recent.writtenIn(k, readAt(a), a.At, a.Start); ts != 0 || known {
		return ts, known
	}
	v, known := r.versionAt(k, a.At)
	return newerThanRead(a, &v), known
}

// newerThanRead is the version's timestamp where it is a conflict: of another, and newer than
// what was read. Own versions are those of an earlier copy that was committed meanwhile.
func newerThanRead(a *mvcc.ValidateArgs, v *mvcc.Version) timestamp.Timestamp {
	if v.CommitTS > readAt(a) && v.StartTS != a.Start {
		return v.CommitTS
	}
	return 0
}

func readAt(a *mvcc.ValidateArgs) timestamp.Timestamp { return max(a.Start, a.ReadTS) }

func movedOn(a *mvcc.ValidateArgs, k mvcc.Key, ts timestamp.Timestamp) error {
	return &mvcc.WriteConflictError{Key: k, StartTS: a.Start, ConflictTS: ts}
}

// within says whether all that is to be validated lies in the shard.
func within(span mvcc.Span, a *mvcc.ValidateArgs) bool {
	outside := func(k mvcc.Key) bool { return !span.Contains(k) }
	cut := func(s mvcc.Span) bool { return span.Clip(s) != s }
	return !slices.ContainsFunc(a.Keys, outside) && !slices.ContainsFunc(a.Spans, cut)
}

// validate looks the rest up: the newest version of each key at At, deletes included.
func (r Read) validate(v mvcc.View, a *mvcc.ValidateArgs) error {
	for _, k := range a.Keys {
		version, err := r.State.get(v, k, a.At)
		if err != nil {
			return err
		}
		if ts := newerThanRead(a, &version); ts != 0 {
			return movedOn(a, k, ts)
		}
	}
	for _, s := range a.Spans {
		for version, err := range r.State.Overlay.mergeScan(v.Scan(s, a.At, false, true), s, a.At, false) {
			if err != nil {
				return err
			}
			if ts := newerThanRead(a, &version); ts != 0 {
				return movedOn(a, version.Key, ts)
			}
		}
	}
	return nil
}
