package tables

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/shaledb/shale/cmd/shale/virtual"
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/rpc/client"
	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
	"github.com/shaledb/shale/txn"
)

// Config is how a cluster is reached. The zero value of every field but Hosts is its default.
type Config struct {
	Hosts []string     // HOST:PORT of nodes: the first that answers serves
	HTTP  *http.Client // for the operators' services and the nodes' metrics
	Log   *slog.Logger
	// Patience is how long a shard without a leader is waited for; default 10 s.
	Patience time.Duration
}

func (c *Config) fill() {
	if c.HTTP == nil {
		c.HTTP = &http.Client{}
	}
	if c.Patience <= 0 {
		c.Patience = 10 * time.Second
	}
}

// pager answers one page at a time: *txn.Coordinator. Its pages are the caller's.
type pager interface {
	Now(context.Context) (timestamp.Timestamp, error)
	Scan(context.Context, mvcc.ScanArgs) (txn.Page, error)
	Versions(context.Context, mvcc.VersionsArgs) (*mvcc.VersionsResult, routing.Descriptor, error)
	Locks(context.Context, mvcc.LocksArgs) (*mvcc.LocksResult, routing.Descriptor, error)
	Records(context.Context, mvcc.RecordsArgs) (*mvcc.RecordsResult, routing.Descriptor, error)
}

// chief answers for a shard's leader: *txn.Coordinator.
type chief interface {
	Queue(context.Context, routing.Descriptor, int) (*routing.QueueResult, error)
	Hot(context.Context, routing.Descriptor, int) (*routing.HotResult, error)
}

// network knows the shards and reaches their replicas: *client.Cluster.
type network interface {
	List(context.Context) (*directory.ListResult, error)
	Send(context.Context, []*routing.Call, func(*routing.Call) bool)
}

// Cluster is a running cluster as tables. Its methods may be called by any goroutine.
type Cluster struct {
	pager   pager
	chief   chief
	network network
	ops     operators
	db      *txn.DB
	close   []func()
}

// OpenCluster reaches a cluster through any of its hosts.
func OpenCluster(ctx context.Context, cfg Config) (*Cluster, error) {
	cfg.fill()
	net, err := client.Dial(ctx, cfg.Hosts, client.Config{Log: cfg.Log})
	if err != nil {
		return nil, err
	}
	tasks := txn.NewGoroutines()
	coordinator := txn.NewCoordinator(txn.Windows{Sender: net, Timestamps: net,
		Shards: txn.NewShardCache(net.Lookup), Tasks: tasks}, txn.Config{Patience: cfg.Patience})
	return &Cluster{pager: coordinator, chief: coordinator, network: net, ops: operators{http: cfg.HTTP, hosts: cfg.Hosts},
		db: txn.New(coordinator), close: []func(){tasks.Close, net.Close}}, nil
}

// DB is the cluster for who writes to it; it lives as long as c does.
func (c *Cluster) DB() *txn.DB { return c.db }

// Close ends what OpenCluster began.
func (c *Cluster) Close() {
	for _, f := range c.close {
		f()
	}
	c.close = nil
}

// Tables are the tables and table-valued functions.
func (c *Cluster) Tables() []*virtual.Table {
	return append(over(c), c.shardsTable(), c.replicasTable(), c.raftTable(), c.nodesTable(), c.waitsTable(),
		c.hotFunction(), c.explainFunction(), plansTable(), c.settingsTable(), c.metricsTable())
}

// Functions are the scalar functions.
func (c *Cluster) Functions() []*virtual.Function {
	return scalars(func(ctx context.Context) (timestamp.Timestamp, error) { return cut(ctx, c) })
}

func (c *Cluster) now(ctx context.Context) (timestamp.Timestamp, error) {
	return once(ctx, cutName{}, func() (timestamp.Timestamp, error) { return c.pager.Now(ctx) })
}

// UnreadableError: a shard does not answer, so the statement has no answer.
type UnreadableError struct {
	Shard routing.ShardID // zero: not known which
	Key   mvcc.Key        // where the scan stood
	Cause error
}

func (e *UnreadableError) Error() string {
	at := "the shard that holds " + mvcc.FormatKey(e.Key)
	if e.Shard != 0 {
		at = "shard " + shardText(e.Shard) + ", at key " + mvcc.FormatKey(e.Key) + ","
	}
	return at + " cannot be read: " + e.Cause.Error() + "; no rows are left out silently, so there is no answer: " +
		"see `shale status`, ask for other keys or shards, or read one node's files with --replica"
}

// Unwrap is what went wrong.
func (e *UnreadableError) Unwrap() error { return e.Cause }

// unreadable says what became of a page. What the statement's own end or timestamp caused is
// not the shard's fault.
func unreadable(ctx context.Context, d routing.Descriptor, at mvcc.Key, err error) error {
	var below *mvcc.BelowSafepointError
	var future *mvcc.FutureError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &below), errors.As(err, &future):
		return err
	}
	var gone *routing.UnavailableError
	if d.ID == 0 && errors.As(err, &gone) {
		d.ID = gone.Shard
	}
	return &UnreadableError{Shard: d.ID, Key: at, Cause: err}
}
