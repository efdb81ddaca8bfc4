package sqlite

import (
	"database/sql/driver"
	"errors"
	"iter"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// view is a read transaction on a connection of its own.
type view struct {
	s     *Store
	c     *conn
	index mvcc.Index
}

// errClosed says that the store was closed.
var errClosed = errors.New("the store is closed")

// View opens a read transaction. It lives as short as its user can manage: the write-ahead
// log cannot begin anew while it stands (P25).
func (s *Store) View() (mvcc.View, error) {
	c, err := s.reader()
	if err != nil {
		return nil, err
	}
	v := &view{s: s, c: c}
	if err = c.run("BEGIN"); err == nil {
		v.index, _, err = c.at() // the first read fixes the state
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return v, nil
}

// reader is an idle read connection, or a new one.
func (s *Store) reader() (*conn, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, errClosed
	}
	if n := len(s.idle); n > 0 {
		c := s.idle[n-1]
		s.idle = s.idle[:n-1]
		s.mu.Unlock()
		return c, nil
	}
	s.mu.Unlock()
	c, err := connect(s.path, "rw", "query_only=ON", "busy_timeout=5000", "wal_autocheckpoint=0",
		"cache_size=-2048", "trusted_schema=OFF")
	if err == nil {
		c.values, c.space = s.cfg.Values, s.space
	}
	return c, err
}

// Close ends the transaction and keeps the connection for the next view.
func (v *view) Close() error {
	if v.c == nil {
		return nil
	}
	c := v.c
	v.c = nil
	if err := c.run("COMMIT"); err != nil {
		c.close()
		return err
	}
	v.s.mu.Lock()
	keep := !v.s.closed && len(v.s.idle) < v.s.cfg.Readers
	if keep {
		v.s.idle = append(v.s.idle, c)
	}
	v.s.mu.Unlock()
	if keep {
		return nil
	}
	return c.close()
}

// Index is the applied index of the state.
func (v *view) Index() mvcc.Index { return v.index }

// Get is the newest version of k at or below the timestamp.
func (v *view) Get(k mvcc.Key, at timestamp.Timestamp) (mvcc.Version, bool, error) {
	return v.c.get(k, at, true)
}

func (c *conn) get(k mvcc.Key, at timestamp.Timestamp, filled bool) (out mvcc.Version, ok bool, err error) {
	err = c.query(sqlGet, func(row []driver.Value) (bool, error) {
		ok = true
		out, err = c.version(row, filled)
		return false, err
	}, []byte(k), int64(at))
	return out, ok && err == nil, err
}

// Facts looks every key up on behalf of the transaction start.
func (v *view) Facts(keys []mvcc.Key, start timestamp.Timestamp) ([]mvcc.Fact, error) {
	facts := make([]mvcc.Fact, len(keys))
	for i, k := range keys {
		f, err := v.c.fact(k, start)
		if err != nil {
			return nil, err
		}
		facts[i] = f
	}
	return facts, nil
}

func (c *conn) fact(k mvcc.Key, start timestamp.Timestamp) (mvcc.Fact, error) {
	f := mvcc.Fact{Key: k, StartTS: start}
	current, ok, err := c.get(k, timestamp.Max, true)
	if err != nil {
		return f, err
	}
	if ok {
		f.Current, f.Newest = current, current
	}
	m, ok, err := c.firstMark(sqlMark, []byte(k))
	if err != nil {
		return f, err
	}
	if ok && m.CommitTS > f.Newest.CommitTS {
		f.Newest = mvcc.Version{Key: k, CommitTS: m.CommitTS, StartTS: m.StartTS, Op: mvcc.OpMark, Digest: m.Digest}
	}
	if start != 0 {
		f.Own, err = c.own(k, start)
	}
	return f, err
}

func (c *conn) firstMark(sql string, args ...driver.Value) (m mvcc.Mark, ok bool, err error) {
	err = c.query(sql, func(row []driver.Value) (bool, error) {
		ok = true
		m, err = c.mark(row)
		return false, err
	}, args...)
	return m, ok && err == nil, err
}

// own is what is recorded of a transaction at k: an outcome or fence as such, else one made
// of its version or mark.
func (c *conn) own(k mvcc.Key, start timestamp.Timestamp) (r mvcc.Record, err error) {
	found := false
	err = c.query(sqlRecord, func(row []driver.Value) (bool, error) {
		found = true
		r, err = c.record(row)
		return false, err
	}, int64(start), []byte(k))
	if err != nil || found {
		return r, err
	}
	r = mvcc.Record{Key: k, StartTS: start, Decision: mvcc.Committed}
	err = c.query(sqlOwn, func(row []driver.Value) (bool, error) {
		found = true
		v, err := c.version(row, false)
		r.CommitTS, r.Digest = v.CommitTS, v.Digest
		return false, err
	}, []byte(k), int64(start), int64(start))
	if err != nil || found {
		return r, err
	}
	m, found, err := c.firstMark(sqlOwnMark, []byte(k), int64(start))
	if err != nil || !found {
		return mvcc.Record{}, err
	}
	r.CommitTS, r.Digest = m.CommitTS, m.Digest
	return r, nil
}

// Scan yields the newest version at or below the timestamp of each key in the span.
func (v *view) Scan(span mvcc.Span, at timestamp.Timestamp, reverse, keysOnly bool) iter.Seq2[mvcc.Version, error] {
	if reverse {
		return v.c.scanBack(span, at, keysOnly)
	}
	return v.c.scan(span, at, keysOnly)
}

// versionsInARow is how many versions of one key a scan steps over before it seeks the next
// key: a step is cheaper than a seek, many steps are not.
const versionsInARow = 12

// scan walks one statement from key to key, and seeks anew past keys with many versions.
func (c *conn) scan(span mvcc.Span, at timestamp.Timestamp, keysOnly bool) iter.Seq2[mvcc.Version, error] {
	return func(yield func(mvcc.Version, error) bool) {
		from := span.Start
		for {
			s := &scanState{c: c, span: span, at: at, keysOnly: keysOnly, yield: yield}
			err := c.query(sqlScan, s.row, []byte(from))
			if err != nil {
				yield(mvcc.Version{}, err)
				return
			}
			if s.seek == "" || s.stopped {
				return
			}
			if s.older { // the versions above `at` were many: look the right one up
				got, ok, err := c.get(s.key, at, !keysOnly)
				if err != nil {
					yield(mvcc.Version{}, err)
					return
				}
				if ok && !yield(bare(got, keysOnly), nil) {
					return
				}
			}
			from = s.seek
		}
	}
}

// scanState is one run of a scan's statement.
type scanState struct {
	c        *conn
	span     mvcc.Span
	at       timestamp.Timestamp
	keysOnly bool
	yield    func(mvcc.Version, error) bool

	key     mvcc.Key
	begun   bool
	done    bool // key's version was yielded
	steps   int  // rows of key seen
	seek    mvcc.Key
	older   bool // key's version was not met before the seek
	stopped bool
}

func (s *scanState) row(row []driver.Value) (bool, error) {
	key := mvcc.Key(blob(row[0]))
	if s.span.End != "" && key >= s.span.End {
		return false, nil
	}
	if !s.begun || key != s.key {
		s.begun, s.key, s.done, s.steps = true, key, false, 0
	}
	if s.steps++; s.steps > versionsInARow {
		s.seek, s.older = key.Successor(), !s.done
		return false, nil
	}
	if s.done || ts(row[1]) > s.at {
		return true, nil
	}
	v, err := s.c.version(row, !s.keysOnly)
	if err != nil {
		return false, err
	}
	s.done = true
	s.stopped = !s.yield(bare(v, s.keysOnly), nil)
	return !s.stopped, nil
}

// bare takes the value away where only the key was asked for.
func bare(v mvcc.Version, keysOnly bool) mvcc.Version {
	if keysOnly {
		v.Value, v.ValueID = nil, 0
	}
	return v
}

// scanBack goes from key to key with two seeks each: the key before, then its version.
func (c *conn) scanBack(span mvcc.Span, at timestamp.Timestamp, keysOnly bool) iter.Seq2[mvcc.Version, error] {
	return func(yield func(mvcc.Version, error) bool) {
		for !span.Empty() {
			k, ok, err := c.keyBefore(span.End)
			if err == nil && (!ok || k < span.Start) {
				return
			}
			var v mvcc.Version
			if err == nil {
				v, ok, err = c.get(k, at, !keysOnly)
			}
			if err != nil {
				yield(mvcc.Version{}, err)
				return
			}
			if ok && !yield(bare(v, keysOnly), nil) {
				return
			}
			if k == "" {
				return
			}
			span.End = k
		}
	}
}

// keyBefore is the greatest key below end; an empty end is past the last key.
func (c *conn) keyBefore(end mvcc.Key) (k mvcc.Key, ok bool, err error) {
	sql, args := sqlBack, []driver.Value{[]byte(end)}
	if end == "" {
		sql, args = sqlBackLast, nil
	}
	err = c.query(sql, func(row []driver.Value) (bool, error) {
		v, err := c.version(row, false)
		k, ok = v.Key, true
		return false, err
	}, args...)
	return k, ok, err
}
