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
		c := &cursor{tx: tx, args: tx.scanArgs(start, end)}
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

func (tx *Txn) scanArgs(start, end mvcc.Key) mvcc.ScanArgs {
	at := tx.read()
	return mvcc.ScanArgs{ReadTS: at.TS, Own: at.Own, Primary: at.Primary, Span: mvcc.Span{Start: start, End: end}}
}

// cursor merges the pages of a scan with the buffer. The limit counts what the caller sees,
// so it is applied above the merge (P15).
type cursor struct {
	tx    *Txn
	args  mvcc.ScanArgs
	limit int

	own  []own // what is left of the buffer's entries, in the scan's order
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
			c.own = append(c.own, o)
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
		case len(c.own) == 0 || (len(c.page) > 0 && c.before(c.page[0].Key, c.own[0].write.Key)):
			e = entryOf(c.page[0].Key, &c.page[0])
			c.page = c.page[1:]
		default:
			var err error
			if e, err = c.takeOwn(); err != nil {
				return Entry{}, false, err
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

// takeOwn is the next of the transaction's own entries, over what the shards hold at its key.
func (c *cursor) takeOwn() (Entry, error) {
	o := c.own[0]
	c.own = c.own[1:]
	under := Entry{Key: o.write.Key}
	if len(c.page) > 0 && c.page[0].Key == o.write.Key {
		under = entryOf(o.write.Key, &c.page[0])
		c.page = c.page[1:]
	}
	return o.over(under)
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
	// Where an atomic operation of its own needs the value under it, keys alone do not do.
	args := c.args
	args.KeysOnly = args.KeysOnly && len(c.own) == 0
	c.tx.tx.Fixed = true
	page, err := c.tx.c.Scan(ctx, args)
	if err != nil {
		return err
	}
	c.page, c.more = page.Versions, page.More
	read := c.args.Span
	if c.args.Reverse {
		c.args.Span.End = page.Resume
		read.Start = max(read.Start, page.Resume) // of the last page Resume is empty
	} else {
		c.args.Span.Start = page.Resume
		if page.More {
			read.End = page.Resume
		}
	}
	return c.tx.reads.span(c.tx.kind.serializable, read)
}
