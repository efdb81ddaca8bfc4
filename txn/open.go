package txn

import (
	"context"
	"log/slog"

	"github.com/shaledb/shale/rpc/client"
)

// Option changes how Open reaches a cluster.
type Option func(*openOptions)

type openOptions struct {
	client client.Config
	config Config
}

// WithLogger has the client say what it meets.
func WithLogger(log *slog.Logger) Option { return func(o *openOptions) { o.client.Log = log } }

// WithConfig bounds the client's coordinator.
func WithConfig(cfg Config) Option { return func(o *openOptions) { o.config = cfg } }

// Open reaches a cluster through any of its hosts, as HOST:PORT; the others may be dead. The
// program becomes a coordinator itself: it caches the shard map, sends straight to the shards'
// leaders and commits itself. Close ends it, and waits a second at most for what is to be done behind
// commits.
func Open(ctx context.Context, hosts []string, options ...Option) (*DB, error) {
	var o openOptions
	for _, option := range options {
		option(&o)
	}
	cluster, err := client.Dial(ctx, hosts, o.client)
	if err != nil {
		return nil, err
	}
	tasks := NewGoroutines()
	db := New(NewCoordinator(Windows{Sender: cluster, Timestamps: cluster,
		Shards: NewShardCache(cluster.Lookup), Tasks: tasks}, o.config))
	db.close = []func(){tasks.Close, cluster.Close}
	return db, nil
}
