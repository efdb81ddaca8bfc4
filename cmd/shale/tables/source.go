package tables

import (
	"context"
	"iter"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// source is where versions, locks and records come from. What it yields is the caller's.
type source interface {
	// now is the newest moment there is, the same throughout a statement.
	now(ctx context.Context) (timestamp.Timestamp, error)
	// versions are by key, each key's newest first.
	versions(ctx context.Context, w *wanted) iter.Seq2[version, error]
	// newest are the values that stood at w.at, by key.
	newest(ctx context.Context, w *wanted) iter.Seq2[version, error]
	// locks are by key, records by shard.
	locks(ctx context.Context, w *wanted) iter.Seq2[lock, error]
	records(ctx context.Context, w *wanted) iter.Seq2[record, error]
}

// wanted is what a scan asks a source for. A source may yield more than shard says.
type wanted struct {
	span     mvcc.Span
	shard    routing.ShardID     // zero: all
	start    timestamp.Timestamp // above zero: of this transaction alone; locks ignore it
	at       timestamp.Timestamp
	above    timestamp.Timestamp // leaves out versions at or below it …
	base     bool                // … but the newest of those, where there is one above
	keysOnly bool
	rows     int64 // how many are enough; zero: not known
}

type version struct {
	shard routing.ShardID // zero in newest
	mvcc.Version
}

type lock struct {
	shard routing.ShardID
	mvcc.Lock
}

type record struct {
	shard routing.ShardID
	mvcc.Record
}
