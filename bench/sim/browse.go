package sim

import (
	"context"
	"time"

	"github.com/shaledb/shale/mvcc"
)

// browsed is what somebody who looks inside was shown: pages of all versions at one cut.
type browsed struct {
	asked mvcc.VersionsArgs
	rows  []mvcc.Version
}

// browse pages through the versions of some keys at one cut, over shards that split and leaders
// that change between two pages: all of them, those above another timestamp, or those of one
// transaction.
func (w *world) browse(ctx context.Context, p *process) {
	at, err := p.coordinator.Now(ctx)
	if err != nil {
		return
	}
	if w.chance(0.2) { // the past
		at = at.Add(-w.between(0, 2*time.Second))
	}
	a := mvcc.VersionsArgs{ReadTS: at, Limit: 1 + w.rng.IntN(40), KeysOnly: w.chance(0.2),
		Span: pick(w, []mvcc.Span{{Start: "a", End: "b"}, {Start: "a", End: "s"}, {Start: "r"}, {Start: account(3), End: account(7)}})}
	switch h := &w.history; {
	case w.chance(0.5):
		a.Above, a.Base = at.Add(-w.between(0, 3*time.Second)), w.chance(0.6)
	case w.chance(0.2) && len(h.records) > 0:
		a.StartTS = pick(w, h.records).start
	}
	if w.chance(0.1) {
		a.MaxBytes = 1 + w.rng.IntN(200)
	}
	b := browsed{asked: a}
	for {
		page, _, err := p.coordinator.Versions(ctx, a)
		if w.passing(p, "a page of versions", err) != nil {
			return
		}
		b.rows = append(b.rows, page.Versions...)
		if page.More {
			a.After = page.Resume
			continue
		}
		if end := page.Covered.End; end == "" || b.asked.Span.End != "" && end >= b.asked.Span.End {
			break
		}
		a.Span.Start, a.After = page.Covered.End, mvcc.VersionName{}
	}
	w.counts.Browsed++
	w.history.browsed = append(w.history.browsed, b)
}
