package shard

import (
	"iter"

	"github.com/tidwall/btree"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// Overlay is what was applied and is not yet known to be in the store: the filling
// generation and those being flushed. It is immutable.
type Overlay struct{ gens []*overlayRows } // oldest first

// overlayRows is one generation's rows by key. A tree that was handed out as part of an
// Overlay is never changed: the generation goes on with a copy that shares its nodes.
type overlayRows = btree.Map[mvcc.Key, overlayRow]

// overlayRow is all that a generation holds of one key.
type overlayRow struct {
	commits *commitNode
	records *recordNode
}

// commitNode is a version, or with Op OpMark a mark; older ones of its key follow.
type commitNode struct {
	version mvcc.Version
	older   *commitNode
}

type recordNode struct {
	record mvcc.Record
	older  *recordNode
}

// with is the list with one more, newest first. Nearly always that is the head.
func (n *commitNode) with(v mvcc.Version) *commitNode {
	if n == nil || n.version.CommitTS <= v.CommitTS {
		return &commitNode{v, n}
	}
	return &commitNode{n.version, n.older.with(v)}
}

// without is the list without the named version or mark.
func (n *commitNode) without(name mvcc.VersionName, mark bool) (*commitNode, bool) {
	if n == nil {
		return nil, false
	}
	v := &n.version
	if v.CommitTS == name.CommitTS && v.StartTS == name.StartTS && (v.Op == mvcc.OpMark) == mark {
		return n.older, true
	}
	older, found := n.older.without(name, mark)
	return &commitNode{n.version, older}, found
}

// without is the list without the named record.
func (n *recordNode) without(name mvcc.RecordName) (*recordNode, bool) {
	if n == nil {
		return nil, false
	}
	if n.record.StartTS == name.StartTS {
		return n.older, true
	}
	older, found := n.older.without(name)
	return &recordNode{n.record, older}, found
}

// at is the newest version at or below the timestamp, marks left out.
func (n *commitNode) at(ts timestamp.Timestamp) (mvcc.Version, bool) {
	for ; n != nil; n = n.older {
		if n.version.CommitTS <= ts && n.version.Op != mvcc.OpMark {
			return n.version, true
		}
	}
	return mvcc.Version{}, false
}

// get is the newest version of k at or below the timestamp. Whatever the store holds of k
// was applied earlier and is older.
func (o *Overlay) get(k mvcc.Key, at timestamp.Timestamp) (mvcc.Version, bool) {
	for i := len(o.gens) - 1; i >= 0; i-- {
		if row, ok := o.gens[i].Get(k); ok {
			if v, ok := row.commits.at(at); ok {
				return v, true
			}
		}
	}
	return mvcc.Version{}, false
}

// amend brings a store's fact up to the overlay's state.
func (o *Overlay) amend(f *mvcc.Fact) {
	for _, gen := range o.gens {
		row, ok := gen.Get(f.Key)
		if !ok {
			continue
		}
		if row.commits != nil && row.commits.version.CommitTS >= f.Newest.CommitTS {
			f.Newest = row.commits.version
		}
		if v, ok := row.commits.at(timestamp.Max); ok && v.CommitTS >= f.Current.CommitTS {
			f.Current = v
		}
		if own, ok := row.own(f.Key, f.StartTS); ok {
			f.Own = own
		}
	}
}

// own is what the row knows of the transaction that began at start.
func (r overlayRow) own(k mvcc.Key, start timestamp.Timestamp) (mvcc.Record, bool) {
	for n := r.records; n != nil; n = n.older {
		if n.record.StartTS == start {
			return n.record, true
		}
	}
	for n := r.commits; n != nil && n.version.CommitTS > start; n = n.older {
		if n.version.StartTS == start {
			return mvcc.Record{Key: k, StartTS: start, Decision: mvcc.Committed,
				CommitTS: n.version.CommitTS, Digest: n.version.Digest}, true
		}
	}
	return mvcc.Record{}, false
}

// mergeScan is the store's scan with the overlay's rows merged in. The overlay is walked by
// cursors, the store drives: no coroutine per layer.
func (o *Overlay) mergeScan(store iter.Seq2[mvcc.Version, error], span mvcc.Span,
	at timestamp.Timestamp, reverse bool) iter.Seq2[mvcc.Version, error] {
	return func(yield func(mvcc.Version, error) bool) {
		c := o.cursor(span, at, reverse)
		for v, err := range store {
			if err != nil {
				yield(mvcc.Version{}, err)
				return
			}
			for c.ok && c.before(v.Key) {
				if !yield(c.version, nil) {
					return
				}
				c.next()
			}
			if c.ok && c.version.Key == v.Key {
				v = c.version
				c.next()
			}
			if !yield(v, nil) {
				return
			}
		}
		for c.ok {
			if !yield(c.version, nil) {
				return
			}
			c.next()
		}
	}
}

// cursor walks the overlay's versions over all generations, one per key.
type cursor struct {
	span    mvcc.Span
	at      timestamp.Timestamp
	reverse bool
	layers  []layer // newest first

	version mvcc.Version
	ok      bool
}

type layer struct {
	it btree.MapIter[mvcc.Key, overlayRow]
	ok bool
}

func (o *Overlay) cursor(span mvcc.Span, at timestamp.Timestamp, reverse bool) *cursor {
	c := &cursor{span: span, at: at, reverse: reverse}
	for i := len(o.gens) - 1; i >= 0; i-- {
		if o.gens[i].Len() == 0 {
			continue
		}
		l := layer{it: o.gens[i].Iter()}
		switch {
		case !reverse:
			l.ok = l.it.Seek(span.Start)
		case span.End == "":
			l.ok = l.it.Last()
		default:
			if l.it.Seek(span.End) {
				l.ok = l.it.Prev()
			} else {
				l.ok = l.it.Last()
			}
		}
		l.ok = l.ok && span.Contains(l.it.Key())
		c.layers = append(c.layers, l)
	}
	c.next()
	return c
}

func (c *cursor) before(k mvcc.Key) bool {
	return (c.version.Key < k) != c.reverse && c.version.Key != k
}

// next moves to the next key that has a version at or below the timestamp.
func (c *cursor) next() {
	for {
		var k mvcc.Key
		found := false
		for i := range c.layers {
			l := &c.layers[i]
			if l.ok && (!found || (l.it.Key() < k) != c.reverse) {
				k, found = l.it.Key(), true
			}
		}
		if !found {
			c.ok = false
			return
		}
		c.ok = false
		for i := range c.layers {
			l := &c.layers[i]
			if !l.ok || l.it.Key() != k {
				continue
			}
			if !c.ok {
				c.version, c.ok = l.it.Value().commits.at(c.at)
			}
			if c.reverse {
				l.ok = l.it.Prev()
			} else {
				l.ok = l.it.Next()
			}
			l.ok = l.ok && c.span.Contains(l.it.Key())
		}
		if c.ok {
			return
		}
	}
}
