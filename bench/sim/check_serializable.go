package sim

import (
	"maps"
	"slices"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// checkDuties: at no time is nobody of a pair on duty.
func (w *world) checkDuties(t truth) {
	for pair := range pairCount {
		for side := range 2 {
			for _, v := range t[duty(pair, side)] {
				if !onDuty(v) && !onDuty(t.at(duty(pair, 1-side), v.CommitTS)) {
					w.fail("write skew: at %s nobody of pair %d is on duty", v.CommitTS, pair)
				}
			}
		}
	}
}

// checkSerializable: what a serializable transaction has read is as it was when it commits.
func (w *world) checkSerializable(t truth) {
	keys := slices.Sorted(maps.Keys(t))
	// A blind write at the very timestamp of the commit may be taken to come after it.
	known := map[timestamp.Timestamp]bool{}
	for _, r := range w.history.records {
		known[r.start] = known[r.start] || !r.auto && !r.blind
	}
	for _, r := range w.history.records {
		if !r.present || !r.content.Serializable {
			continue
		}
		for _, k := range keys {
			if !r.hasRead(k) {
				continue
			}
			for _, v := range t[k] {
				if v.CommitTS > r.readTS() && v.StartTS != r.start &&
					(v.CommitTS < r.commitTS || v.CommitTS == r.commitTS && known[v.StartTS]) {
					w.fail("%v was committed at %s, but what it read of %s was changed at %s", r, r.commitTS, k, v.CommitTS)
				}
			}
		}
	}
}

func (r *record) hasRead(k mvcc.Key) bool {
	for _, read := range r.content.ReadKeys {
		if read == k {
			return true
		}
	}
	for _, s := range r.content.ReadSpans {
		if s.Contains(k) {
			return true
		}
	}
	return false
}
