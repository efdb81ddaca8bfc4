package sqlite

import (
	"database/sql/driver"
	"iter"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// Versions yields all versions of the span behind the named one.
func (v *view) Versions(span mvcc.Span, after mvcc.VersionName, at timestamp.Timestamp, keysOnly bool) iter.Seq2[mvcc.Version, error] {
	return func(yield func(mvcc.Version, error) bool) {
		w := &walk{c: v.c, span: span, at: at, keysOnly: keysOnly, yield: yield}
		if err := w.from(after); err != nil {
			yield(mvcc.Version{}, err)
		}
	}
}

// walk goes through the versions of a span: what is left of one key, then key after key.
type walk struct {
	c        *conn
	span     mvcc.Span
	at       timestamp.Timestamp
	keysOnly bool
	yield    func(mvcc.Version, error) bool

	key   mvcc.Key
	newer int  // versions of key above at, stepped over in a row
	ended bool // the span is, or nobody wants more
}

func (w *walk) from(after mvcc.VersionName) error {
	start := w.span.Start
	if after.Key != "" && after.Key >= start {
		start = after.Key.Successor()
		if after.CommitTS > 0 && w.span.Contains(after.Key) {
			if err := w.rest(after.Key, min(w.at, after.CommitTS-1)); err != nil {
				return err
			}
		}
	}
	for !w.ended {
		w.newer = 0
		if err := w.c.query(sqlScan, w.row, []byte(start)); err != nil {
			return err
		}
		if w.newer <= versionsInARow {
			return nil
		}
		// A key has many versions above at: seek those below, and the next key.
		start = w.key.Successor()
		if err := w.rest(w.key, w.at); err != nil {
			return err
		}
	}
	return nil
}

// rest yields the versions of one key at or below the timestamp.
func (w *walk) rest(k mvcc.Key, at timestamp.Timestamp) error {
	return w.c.query(sqlRest, w.row, []byte(k), int64(at))
}

func (w *walk) row(row []driver.Value) (bool, error) {
	if ts(row[1]) > w.at {
		return w.skip(mvcc.Key(blob(row[0]))), nil
	}
	v, err := w.c.version(row, !w.keysOnly)
	if err != nil {
		return false, err
	}
	if w.span.End != "" && v.Key >= w.span.End {
		w.ended = true
		return false, nil
	}
	w.newer = 0
	w.ended = !w.yield(bare(v, w.keysOnly), nil)
	return !w.ended, nil
}

// skip steps over a version above at, unless a seek is due.
func (w *walk) skip(k mvcc.Key) bool {
	if w.span.End != "" && k >= w.span.End {
		w.ended = true
		return false
	}
	if k != w.key {
		w.key, w.newer = k, 0
	}
	w.newer++
	return w.newer <= versionsInARow
}

// Records yields the records at keys of the span behind the named one.
func (v *view) Records(span mvcc.Span, after mvcc.RecordName, start timestamp.Timestamp) iter.Seq2[mvcc.Record, error] {
	if after.StartTS < start {
		after = mvcc.RecordName{StartTS: start} // no key is empty: all of them come behind it
	}
	return func(yield func(mvcc.Record, error) bool) {
		err := v.c.query(sqlRecords, func(row []driver.Value) (bool, error) {
			if start != 0 && ts(row[0]) > start {
				return false, nil
			}
			r, err := v.c.record(row)
			if err != nil {
				return false, err
			}
			return !span.Contains(r.Key) || yield(r, nil), nil
		}, int64(after.StartTS), []byte(after.Key))
		if err != nil {
			yield(mvcc.Record{}, err)
		}
	}
}
