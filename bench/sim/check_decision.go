package sim

import (
	"errors"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// decided: whoever hears of a transaction's end hears the same.
func (w *world) decided(p *process, r *record, d mvcc.Decision, commitTS timestamp.Timestamp) {
	if d == mvcc.Fenced {
		d = mvcc.Aborted
	}
	if r.decision != mvcc.Undecided && (r.decision != d || r.commitTS != commitTS) {
		w.fail("%v: %s hears %s at %s; before it was %s at %s", r, p.name, d, commitTS, r.decision, r.commitTS)
	}
	r.decision, r.commitTS = d, commitTS
}

// repeated takes in the answer to a Commit that was sent before.
func (w *world) repeated(p *process, r *record, commitTS timestamp.Timestamp, err error) {
	var mismatch *mvcc.DigestMismatchError
	var invalid *mvcc.InvalidError
	switch {
	case r.twin && (errors.As(err, &mismatch) || errors.As(err, &invalid)):
	case err == nil:
		w.acknowledge(r, commitTS)
		w.decided(p, r, mvcc.Committed, commitTS)
	case definite(err):
		w.decided(p, r, mvcc.Aborted, 0)
	default:
		_ = w.passing(p, "a repeated commit", err)
	}
}

// passing lets errors through that a client may hear at any time, and no others.
func (w *world) passing(p *process, what string, err error) error {
	var gone *routing.UnavailableError
	var busy *routing.OverloadedError
	var unknown *mvcc.UndeterminedError
	if err != nil && !errors.As(err, &gone) && !errors.As(err, &busy) && !errors.As(err, &unknown) {
		w.fail("%s asks for %s and hears: %v", p.name, what, err)
	}
	return err
}

// checkWhole holds what was heard against what the stores hold in the end: of a committed
// transaction all writes are there, at its timestamp; of any other none is.
func (w *world) checkWhole(t truth) {
	for _, r := range w.history.records {
		if r.adds != "" && r.auto {
			continue // its number tells, see checkTallies
		}
		var at timestamp.Timestamp
		found, writes := 0, 0
		for _, m := range r.content.Mutations {
			if m.Op.Check() {
				continue
			}
			writes++
			if v, ok := t.of(r, m); ok {
				if found > 0 && v.CommitTS != at {
					w.fail("%v was committed at %s and at %s", r, at, v.CommitTS)
				}
				found, at = found+1, v.CommitTS
			}
		}
		switch {
		case writes == 0:
			r.present = r.decision == mvcc.Committed
		case found != 0 && found != writes:
			w.fail("%v: %d of %d writes are there, at %s", r, found, writes, at)
		case found > 0 && r.decision == mvcc.Aborted:
			w.fail("%v was aborted, and is there at %s", r, at)
		case found == 0 && r.decision == mvcc.Committed:
			w.fail("%v was acknowledged at %s, and is lost", r, r.commitTS)
		case found > 0 && r.decision == mvcc.Committed && at != r.commitTS:
			w.fail("%v was acknowledged at %s, and is there at %s", r, r.commitTS, at)
		case found > 0:
			r.commitTS = at
		}
		r.present = r.present || found > 0
	}
}
