package txn

import (
	"context"
	"iter"

	"github.com/shaledb/shale/mvcc"
)

// ScanOption changes a scan from its default: all entries, forwards, with values.
type ScanOption func(*cursor)

// Limit ends the scan after n entries; zero: no limit.
func Limit(n int) ScanOption { return func(c *cursor) { c.limit = n } }

// Reverse scans from the last key to the first.
func Reverse() ScanOption { return func(c *cursor) { c.args.Reverse = true } }

// KeysOnly leaves the values out.
func KeysOnly() ScanOption { return func(c *cursor) { c.args.KeysOnly = true } }

// The bounds of one page that a scan asks for.
const (
	pageEntries = 1000
	pageBytes   = 1 << 20
)

// Scan yields the entries of [start, end) in order, the transaction's own writes merged in. An
// empty start is the first key, an empty end is past the last. The first error ends it. What
// is written while it runs may or may not appear.
func (tx *Txn) Scan(ctx context.Context, start, end mvcc.Key, options ...ScanOption) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		c := &cursor{tx: tx, args: mvcc.ScanArgs{ReadTS: tx.start, Own: tx.start, Span: mvcc.Span{Start: start, End: end}}}
		for _, o := range options {
			o(c)
		}
		if err := c.open(); err != nil {
			yield(Entry{}, err)
			return
		}
		for n := 0; c.limit == 0 || n < c.limit; n++ {
			e, ok, err := c.next(ctx)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			if !ok || !yield(e, nil) {
				return
			}
		}
	}
}

// cursor merges the pages of a scan with the buffer. The limit counts what the caller sees,
// so it is applied above the merge (P15).
type cursor struct {
	tx    *Txn
	args  mvcc.ScanArgs
	limit int

	own  []Entry // what is left of the buffer's entries, in the scan's order
	page []mvcc.Version
	more bool // there are further pages
}

// open checks the bounds and takes the buffer's entries between them.
func (c *cursor) open() error {
	if c.tx.ended != nil {
		return c.tx.ended
	}
	span := &c.args.Span
	for _, k := range [...]mvcc.Key{span.Start, span.End} {
		if k == "" {
			continue
		}
		if err := mvcc.ValidateBound(k); err != nil {
			return err
		}
	}
	if span.Start == "" {
		span.Start = mvcc.FirstUserKey
	}
	c.more = !span.Empty()
	take := func(k mvcc.Key, o own) bool {
		if !span.Contains(k) {
			return c.args.Reverse && k >= span.Start
		}
		if o.write.Op != 0 {
			c.own = append(c.own, o.entry())
		}
		return true
	}
	if !c.args.Reverse {
		c.tx.buffer.keys.Ascend(span.Start, take)
	} else {
		c.tx.buffer.keys.Reverse(take)
	}
	return nil
}

// next is the next entry that is there; false: the scan is over.
func (c *cursor) next(ctx context.Context) (Entry, bool, error) {
	for {
		for len(c.page) == 0 && c.more {
			if err := c.fetch(ctx); err != nil {
				return Entry{}, false, err
			}
		}
		var e Entry
		switch {
		case len(c.page) == 0 && len(c.own) == 0:
			return Entry{}, false, nil
		case len(c.own) == 0 || (len(c.page) > 0 && c.before(c.page[0].Key, c.own[0].Key)):
			e = entryOf(c.page[0].Key, &c.page[0])
			c.page = c.page[1:]
		default:
			e = c.own[0]
			c.own = c.own[1:]
			if len(c.page) > 0 && c.page[0].Key == e.Key {
				c.page = c.page[1:]
			}
		}
		if !e.Found {
			continue // deleted by the transaction itself
		}
		if c.args.KeysOnly {
			e.Value = nil
		}
		return e, true, nil
	}
}

func (c *cursor) before(a, b mvcc.Key) bool {
	if c.args.Reverse {
		return a > b
	}
	return a < b
}

// fetch asks for the next page. Own deletes may hide as many of its entries as there are.
func (c *cursor) fetch(ctx context.Context) error {
	c.args.Limit, c.args.MaxBytes = pageEntries, pageBytes
	if c.limit > 0 {
		c.args.Limit = min(c.limit+len(c.own), pageEntries)
	}
	page, err := c.tx.c.Scan(ctx, c.args)
	if err != nil {
		return err
	}
	c.page, c.more = page.Versions, page.More
	if c.args.Reverse {
		c.args.Span.End = page.Resume
	} else {
		c.args.Span.Start = page.Resume
	}
	return nil
}
