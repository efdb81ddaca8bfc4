package shard

import (
	"fmt"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/tracker"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// snapshotSent hears how the sending of a raft snapshot went. Where it arrived, Raft goes
// on from it when the follower answers; until then the log above it stays.
func (r *Replica) snapshotSent(ev SnapshotSent) {
	status := raft.SnapshotFinish
	if ev.Err != nil {
		status = raft.SnapshotFailure
	}
	delete(r.sending, ev.To)
	r.raft.ReportSnapshot(uint64(ev.To), status)
}

// slowestActive is the least index that a live follower is known to have, counting those
// that a raft snapshot is on its way to as having what it brings.
func (r *Replica) slowestActive() mvcc.Index {
	least := r.applied
	r.raft.WithProgress(func(id uint64, _ raft.ProgressType, pr tracker.Progress) {
		if !pr.RecentActive || routing.ReplicaID(id) == r.me {
			return
		}
		at := mvcc.Index(pr.Match)
		if pr.State == tracker.StateSnapshot {
			at = mvcc.Index(pr.PendingSnapshot)
		}
		if at >= r.storage.cut {
			least = min(least, at)
		}
	})
	return least
}

// installed hears that the file of a raft snapshot is in place: everything in memory begins
// anew from its image. Events of the old store that come late are known by their numbers.
func (r *Replica) installed(ev Installed) {
	meta := ev.Write.Snapshot.GetMetadata()
	if ev.Image == nil || ev.Image.Index != mvcc.Index(meta.GetIndex()) {
		r.quarantine(fmt.Errorf("the raft snapshot at index %d was installed as another", meta.GetIndex()))
		return
	}
	r.storeNumber++
	r.filling = newGeneration(r.filling.number + 1)
	r.flushing, r.withheld = nil, nil
	r.flush = flushing{at: r.now.Mono, cutAt: r.now.Mono}
	r.cache = newCache(r.cfg.CacheBytes)
	r.state = nil
	if err := r.load(ev.Image); err != nil {
		r.quarantine(err)
		return
	}
	r.storage.flushed, r.storage.flushedTerm = r.applied, r.appliedTerm
	r.storage.conf = confState(r.desc)
	r.installing = false
	r.out.Changed = true
	r.logged(ev.Write)
}
