package shard

import (
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// view answers the rules from memory: the lock table, what is recent, the overlay, the
// cache, and the facts looked up. What it cannot prove is a *mvcc.NeedError. The task's
// latches keep all of it true until what is evaluated is applied.
type view struct {
	r *Replica
	t *task
}

var _ mvcc.Reader = (*view)(nil)

// Lock is the lock that stands on k. A pending one is never evidence: nobody else's can be
// pending while the key is latched.
func (v *view) Lock(k mvcc.Key) (mvcc.Lock, bool) { return v.r.locks.standing.Get(k) }

// Newest is the newest version or mark of k above the timestamp.
func (v *view) Newest(k mvcc.Key, above timestamp.Timestamp) (mvcc.Version, bool, error) {
	newest, ok, proven := v.r.leader0.recent.newestCommit(k, above)
	if proven {
		return newest, ok, nil
	}
	f, ok := v.t.facts[k]
	if !ok {
		return mvcc.Version{}, false, &mvcc.NeedError{Key: k}
	}
	return f.Newest, f.Newest.Key != "" && f.Newest.CommitTS > above, nil
}

// Current is the newest version of k, with its value.
func (v *view) Current(k mvcc.Key) (mvcc.Version, bool, error) {
	if version, ok := v.r.current(k); ok {
		return version, true, nil
	}
	f, ok := v.t.facts[k]
	if !ok {
		return mvcc.Version{}, false, &mvcc.NeedError{Key: k}
	}
	return f.Current, f.Current.Key != "", nil
}

// Own is what is recorded at k of the transaction.
func (v *view) Own(k mvcc.Key, start timestamp.Timestamp) (mvcc.Record, bool, error) {
	record, ok, proven := v.r.leader0.recent.own(k, start)
	if proven {
		return record, ok, nil
	}
	f, ok := v.t.facts[k]
	if !ok || f.StartTS != start {
		return mvcc.Record{}, false, &mvcc.NeedError{Key: k}
	}
	return f.Own, f.Own.Decision != mvcc.Undecided, nil
}

// current is the newest version of k where memory has it whole: the overlay, else the cache.
func (r *Replica) current(k mvcc.Key) (mvcc.Version, bool) {
	return r.versionAt(k, timestamp.Max)
}

// versionAt is the newest version of k at or below the timestamp, where memory proves it.
func (r *Replica) versionAt(k mvcc.Key, at timestamp.Timestamp) (mvcc.Version, bool) {
	if v, ok := r.cache.get(k); ok && v.CommitTS <= at {
		return v, true
	}
	for i := len(r.flushing); i >= 0; i-- {
		g := r.filling
		if i < len(r.flushing) {
			g = r.flushing[i]
		}
		row, ok := g.rows.Get(k)
		if !ok {
			continue
		}
		if v, ok := row.commits.at(at); ok {
			return v, v.ValueID == 0 || v.Value != nil
		}
	}
	return mvcc.Version{}, false
}
