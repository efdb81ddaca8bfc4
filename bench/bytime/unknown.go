package bytime

import (
	"maps"
	"slices"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// bounds are what is known of the commit timestamp of a transaction of unknown outcome: above
// every read that did not see it, at or below every read that did.
type bounds struct {
	above, upTo      timestamp.Timestamp
	missed, seen     int32 // who says so
	missedIn, seenIn mvcc.Key
}

// bound takes one read in, for all unknown transactions that append to its list.
func (c *checker) bound(reader int32, k mvcc.Key, l *list, got []int64) {
	at := c.txns[reader].ReadTS
	for _, v := range l.unsure {
		writer := l.writers[v]
		if writer == reader {
			continue
		}
		b := c.unknown[writer]
		if b == nil {
			b = &bounds{upTo: timestamp.Max, seen: -1, missed: -1}
			c.unknown[writer] = b
		}
		switch there := slices.Contains(got, v); {
		case there && at < b.upTo:
			b.upTo, b.seen, b.seenIn = at, reader, k
		case !there && at > b.above:
			b.above, b.missed, b.missedIn = at, reader, k
		}
	}
}

// halfSeen looks for unknown transactions that no commit timestamp explains. One that nobody
// saw is not committed, and needs none.
func (c *checker) halfSeen() {
	for _, i := range slices.Sorted(maps.Keys(c.unknown)) {
		b := c.unknown[i]
		if b.seen < 0 || b.above < b.upTo && max(c.txns[i].ID, c.txns[i].ReadTS) < b.upTo {
			continue
		}
		if own := max(c.txns[i].ID, c.txns[i].ReadTS); b.above < own {
			c.add("half seen", []int32{i, b.seen}, "it was seen in %s at %s, and began only at %s", mvcc.FormatKey(b.seenIn), b.upTo, own)
			continue
		}
		c.add("half seen", []int32{i, b.seen, b.missed}, "it was seen in %s at %s, and not in %s at %s",
			mvcc.FormatKey(b.seenIn), b.upTo, mvcc.FormatKey(b.missedIn), b.above)
	}
}
