package shard

import (
	"github.com/tidwall/btree"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// lockTable is all locks of a replica. Standing ones are applied state, the same on every
// replica; pending ones are the leader's alone: laid by entries that are not applied yet.
type lockTable struct {
	standing btree.Map[mvcc.Key, mvcc.Lock]
	pending  btree.Map[mvcc.Key, mvcc.Lock]
}

// blocking is a lock on k that a read at the timestamp by the transaction own has to wait
// for. A pending one counts as much: its commit timestamp was chosen before this read.
func (t *lockTable) blocking(k mvcc.Key, at, own timestamp.Timestamp) (mvcc.Lock, bool) {
	if t.standing.Len() > 0 {
		if l, ok := t.standing.Get(k); ok && l.BlocksRead(at, own) {
			return l, true
		}
	}
	if t.pending.Len() > 0 {
		if l, ok := t.pending.Get(k); ok && l.BlocksRead(at, own) {
			return l, true
		}
	}
	return mvcc.Lock{}, false
}

// blockingIn is blocking for all keys of a span.
func (t *lockTable) blockingIn(span mvcc.Span, at, own timestamp.Timestamp) (found mvcc.Lock, ok bool) {
	for _, locks := range []*btree.Map[mvcc.Key, mvcc.Lock]{&t.standing, &t.pending} {
		locks.Ascend(span.Start, func(k mvcc.Key, l mvcc.Lock) bool {
			if !span.Contains(k) {
				return false
			}
			if l.BlocksRead(at, own) {
				found, ok = l, true
			}
			return !ok
		})
		if ok {
			return found, true
		}
	}
	return mvcc.Lock{}, false
}

// lay makes what the rows will do visible to reads before it is done (P3).
func (t *lockTable) lay(rows *mvcc.Rows) {
	for i := range rows.Locks {
		l := rows.Locks[i]
		l.Value = nil
		t.pending.Set(l.Key, l)
	}
	for i := range rows.Versions {
		v := &rows.Versions[i]
		t.pending.Set(v.Key, mvcc.Lock{Key: v.Key, StartTS: v.StartTS, Kind: mvcc.LockPut, MinCommitTS: v.CommitTS})
	}
}

// lift takes back what lay showed.
func (t *lockTable) lift(rows *mvcc.Rows) {
	for i := range rows.Locks {
		t.pending.Delete(rows.Locks[i].Key)
	}
	for i := range rows.Versions {
		t.pending.Delete(rows.Versions[i].Key)
	}
}

// expired lists standing locks whose time is over at the oracle time now.
func (t *lockTable) expired(now timestamp.Timestamp, most int) []mvcc.Lock {
	var out []mvcc.Lock
	t.standing.Scan(func(_ mvcc.Key, l mvcc.Lock) bool {
		if l.Expires < now {
			l.Value = nil
			out = append(out, l)
		}
		return len(out) < most
	})
	return out
}
