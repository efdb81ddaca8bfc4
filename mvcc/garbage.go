package mvcc

import "github.com/shaledb/shale/timestamp"

// Garbage collection is found by the leader and goes through the log as named rows. All of
// it keeps one promise (P10): a read at ts ≥ safepoint sees what it saw before, and a
// transaction with start ≥ safepoint meets the conflicts and records that it met before.

// GarbageVersions names those of one key's versions, newest first, that no read at or above
// the safepoint can see. The version that is visible at the safepoint stays, unless it is a
// delete; then it goes together with all that it hides, in the same rows, or not at all.
func GarbageVersions(versions []Version, safepoint timestamp.Timestamp) []VersionName {
	var names []VersionName
	visible := false // the version visible at the safepoint has been met
	for _, v := range versions {
		switch {
		case v.CommitTS > safepoint:
			continue
		case !visible && v.Op == OpPut:
			visible = true
			continue
		}
		visible = true
		names = append(names, VersionName{Key: v.Key, CommitTS: v.CommitTS, StartTS: v.StartTS,
			ValueID: v.ValueID})
	}
	return names
}

// GarbageMark says whether a mark may go: whoever it could be in conflict with began below
// it, and so below the safepoint, where nothing is prewritten any more.
func GarbageMark(m Mark, safepoint timestamp.Timestamp) bool { return m.CommitTS <= safepoint }

// GarbageRecord says whether a record may go. A fence may below the safepoint, because the
// prewrite that it stops would be refused there in any case. An outcome may only below
// collected: while any shard could have a lock of the transaction, a visitor may ask (S3).
func GarbageRecord(r Record, safepoint, collected timestamp.Timestamp) bool {
	if r.Decision == Fenced {
		return r.StartTS < safepoint
	}
	return r.StartTS < collected
}
