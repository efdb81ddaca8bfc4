package sim

import (
	"github.com/shaledb/shale/bench/bytime"
	"github.com/shaledb/shale/bench/elle"
	"github.com/shaledb/shale/bench/history"
)

// checkLists looks for contradictions in what the transactions over lists saw: by the order in
// which values appear (package elle), and by timestamps (package bytime).
func (w *world) checkLists() {
	for _, level := range []history.Level{history.SnapshotIsolation, history.Serializable} {
		var txns []history.Txn
		for _, l := range w.history.lists {
			if l.level != level {
				continue
			}
			t := *l.txn
			if l.r != nil {
				t.Outcome, t.CommitTS = history.Aborted, 0
				if l.r.present {
					t.Outcome, t.CommitTS = history.OK, l.r.commitTS
				}
			}
			if t.Outcome == history.OK && t.End == 0 {
				t.Outcome, t.CommitTS = history.Unknown, 0 // nobody was told
			}
			txns = append(txns, t)
		}
		for _, a := range append(elle.Check(txns, level).Anomalies, bytime.Check(txns, level).Anomalies...) {
			w.fail("lists, held to %s: %v", level, a)
		}
	}
}
