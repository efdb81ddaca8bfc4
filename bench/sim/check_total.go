package sim

import (
	"context"

	"github.com/shaledb/shale/mvcc"
)

// sum adds all balances up in one snapshot scan, page by page: money neither appears nor
// vanishes, whatever moves meanwhile.
func (w *world) sum(ctx context.Context, p *process) bool {
	at, err := p.coordinator.Now(ctx)
	if err != nil {
		return false
	}
	var rows []mvcc.Version
	a := mvcc.ScanArgs{ReadTS: at, Span: mvcc.Span{Start: "a", End: "b"}, Limit: 1 + w.rng.IntN(accountCount)}
	a.Reverse = w.chance(0.2)
	for {
		page, err := p.coordinator.Scan(ctx, a)
		if err != nil {
			return w.passing(p, "a scan", err) == nil
		}
		rows = append(rows, page.Versions...)
		if !page.More {
			break
		}
		if a.Reverse {
			a.Span.End = page.Resume
		} else {
			a.Span.Start = page.Resume
		}
	}
	w.counts.Scans++
	w.history.scans = append(w.history.scans, scan{at, rows})
	total := 0
	for _, v := range rows {
		n, err := balanceOf(v.Value)
		if err != nil {
			w.fail("%s scans %q at account %s, at %s", p.name, v.Value, v.Key, at)
		}
		total += n
	}
	if len(rows) != accountCount || total != accountCount*opening {
		w.fail("%s scans %d accounts with %d at %s: %d accounts hold %d", p.name, len(rows), total, at,
			accountCount, accountCount*opening)
	}
	return true
}
