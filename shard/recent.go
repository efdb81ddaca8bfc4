package shard

import (
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// recent is every version and mark with a commit timestamp above its floor, and every
// outcome and fence of a transaction that began above it. For a transaction that began above
// the floor, absence here is proof: its writes need no look into the store.
type recent struct {
	floor      timestamp.Timestamp
	young, old recentHalf
	size       int // rows per half
}

// recentHalf is one of two halves: when the young one is full, the old one is forgotten and
// the floor rises to what it held.
type recentHalf struct {
	commits map[mvcc.Key]recentCommit
	records map[mvcc.RecordName]mvcc.Record
	newest  timestamp.Timestamp
	rows    int
}

type recentCommit struct {
	version mvcc.Version // without its value
	older   *recentCommit
}

func newHalf() recentHalf {
	return recentHalf{commits: map[mvcc.Key]recentCommit{}, records: map[mvcc.RecordName]mvcc.Record{}}
}

func newRecent(floor timestamp.Timestamp, size int) *recent {
	return &recent{floor: floor, young: newHalf(), old: newHalf(), size: size}
}

func (r *recent) addCommit(v mvcc.Version) {
	if v.CommitTS <= r.floor {
		return
	}
	v.Value = nil
	c := recentCommit{version: v}
	if before, ok := r.young.commits[v.Key]; ok {
		c.older = &before
	}
	r.young.commits[v.Key] = c
	r.grow(v.CommitTS)
}

func (r *recent) addRecord(rec mvcc.Record) {
	if rec.StartTS <= r.floor {
		return
	}
	r.young.records[mvcc.RecordName{Key: rec.Key, StartTS: rec.StartTS}] = rec
	r.grow(rec.StartTS)
}

func (r *recent) grow(ts timestamp.Timestamp) {
	r.young.newest = max(r.young.newest, ts)
	if r.young.rows++; r.young.rows < r.size {
		return
	}
	r.floor = max(r.floor, r.old.newest)
	r.old, r.young = r.young, newHalf()
}

// newestCommit is the newest version or mark of k. Proven: there is none that is not here
// above the given timestamp.
func (r *recent) newestCommit(k mvcc.Key, above timestamp.Timestamp) (v mvcc.Version, ok, proven bool) {
	for _, half := range []*recentHalf{&r.young, &r.old} {
		if c, found := half.commits[k]; found && c.version.CommitTS > v.CommitTS {
			v, ok = c.version, true
		}
	}
	return v, ok && v.CommitTS > above, above >= r.floor || v.CommitTS > above
}

// writtenIn is the commit timestamp of a version of k above one timestamp and not above the
// other, of another transaction than own; zero: there is none. Proven: none that is not here.
func (r *recent) writtenIn(k mvcc.Key, above, upTo, own timestamp.Timestamp) (ts timestamp.Timestamp, proven bool) {
	for _, half := range []*recentHalf{&r.young, &r.old} {
		c, found := half.commits[k]
		for n := &c; found && n != nil; n = n.older {
			v := &n.version
			if v.Op != mvcc.OpMark && v.CommitTS > above && v.CommitTS <= upTo && v.StartTS != own {
				return v.CommitTS, true
			}
		}
	}
	return 0, above >= r.floor
}

// own is what is recorded at k of the transaction that began at start. A version without a
// digest is not the record of a transaction that began at or below the floor: a two-phase
// commit's record is beside it and was not kept here, and to answer without its digest would
// let a visitor take the committed content for another one and roll its locks back (S7).
func (r *recent) own(k mvcc.Key, start timestamp.Timestamp) (rec mvcc.Record, ok, proven bool) {
	for _, half := range []*recentHalf{&r.young, &r.old} {
		if rec, ok = half.records[mvcc.RecordName{Key: k, StartTS: start}]; ok {
			return rec, true, true
		}
		c, found := half.commits[k]
		for n := &c; found && n != nil && n.version.CommitTS > start; n = n.older {
			if n.version.StartTS == start {
				return mvcc.Record{Key: k, StartTS: start, Decision: mvcc.Committed,
						CommitTS: n.version.CommitTS, Digest: n.version.Digest}, true,
					start > r.floor || n.version.Digest != (mvcc.Digest{})
			}
		}
	}
	return mvcc.Record{}, false, start > r.floor
}
