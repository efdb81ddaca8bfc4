package sim

import (
	"strconv"

	"github.com/shaledb/shale/mvcc"
)

// checkCounters: no update was lost, and none was done twice.
func (w *world) checkCounters(t truth) {
	want := 0
	for _, r := range w.history.records {
		if r.counts && r.present {
			want++
		}
	}
	for _, k := range counters() {
		if vs := t[k]; len(vs) > 0 || want > 0 {
			if n, err := balanceOf(vs[0].Value); err != nil || n != want {
				w.fail("counter %s holds %q after %d updates", k, vs[0].Value, want)
			}
		}
	}
}

// checkTallies: each version of a counter is the one before it and what one transaction adds; no
// addition is lost, and none done twice.
func (w *world) checkTallies(t truth) {
	byDelta := map[int]*record{}
	for _, r := range w.history.records {
		if r.adds != "" {
			byDelta[r.addend] = r
		}
	}
	for _, k := range tallies() {
		vs, before := t[k], 0
		for i := len(vs) - 1; i >= 0; i-- {
			n, err := strconv.Atoi(string(vs[i].Value))
			r := byDelta[n-before]
			switch {
			case err != nil || r == nil || r.adds != k:
				w.fail("counter %s goes from %d to %q at %s: nobody adds that", k, before, vs[i].Value, vs[i].CommitTS)
				return
			case r.decision == mvcc.Aborted:
				w.fail("%v was aborted, and adds to %s at %s", r, k, vs[i].CommitTS)
			case r.decision == mvcc.Committed && r.commitTS != vs[i].CommitTS:
				w.fail("%v was committed at %s, and adds to %s at %s", r, r.commitTS, k, vs[i].CommitTS)
			}
			delete(byDelta, n-before)
			before = n
		}
	}
	for _, r := range w.history.records {
		if r.adds != "" && r.decision == mvcc.Committed && byDelta[r.addend] != nil {
			w.fail("%v was acknowledged at %s, and its addition is lost", r, r.commitTS)
		}
	}
}
