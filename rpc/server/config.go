package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/shaledb/shale/proto/shale/node/v1/nodev1connect"
	"github.com/shaledb/shale/rpc/client"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/txn"
)

// Replicas are the node's own. Its methods are called by any goroutine.
type Replicas interface {
	// Submit hands a request in. Done is called once, on any goroutine, and does not block;
	// after cancel it may be left out.
	Submit(hd routing.Header, req routing.Request, done func(routing.Response, error)) (cancel func())
	// Deliver hands in marshalled Raft messages of one group, from another node. It may
	// drop them, and does not block.
	Deliver(from routing.NodeID, group routing.ShardID, messages [][]byte)
	// Receive takes in the file of a raft snapshot, and then the message that announces it.
	// Write copies the bytes, whose checksums have been verified when it returns nil. When
	// Receive returns nil, the file is on disk.
	Receive(h client.SnapshotHeader, write func(io.Writer) error) error
}

// Member is what a node has once it belongs to a cluster.
type Member struct {
	ClusterID string
	Node      routing.NodeID
	Cluster   *client.Cluster
	Txns      *txn.Coordinator
}

// Config is what a server serves, and within which bounds. The zero value of every bound is
// its default.
type Config struct {
	Log     *slog.Logger
	Version string
	// Insecure: serve without TLS, on a network that is trusted. There is no other way yet,
	// and none by default (P35).
	Insecure bool

	Replicas Replicas
	// Member is the node's place in its cluster, or an error until it has one.
	Member func() (*Member, error)
	Nodes  nodev1connect.NodeServiceHandler
	// Ready says why the node cannot serve at the moment; nil: it can.
	Ready func() error
	// Collectors are shown on /metrics beside the server's own.
	Collectors []prometheus.Collector
	// Tracer makes the spans of unary calls; nil: there are none.
	Tracer trace.TracerProvider

	UnaryTimeout   time.Duration // of calls without a deadline of their own; default 30 s
	BodyTimeout    time.Duration // for a unary call's body to arrive; default 60 s
	HeaderTimeout  time.Duration // default 10 s
	IdleTimeout    time.Duration // of connections without a call; default 2 min
	HeaderMax      int           // bytes; default 64 KiB
	PublicMax      int           // bytes of a public request; default 96 MiB: 64 MiB in JSON
	UnaryMax       int           // unary calls at once; default 4,096
	LargeMax       int           // of them, those above 1 MiB; default 32
	StreamsMax     int           // streams and calls of one connection; default 1,024
	CallsMax       int           // under way on one stream; default 16,384
	ReplyBytesMax  int           // replies that wait on one stream; default 128 MiB
	ReceptionsMax  int           // raft snapshots received at once; default 4
	ReceptionPause time.Duration // for a lost sender to come back; default 30 s
}

func (c *Config) fill() error {
	if !c.Insecure {
		return errors.New("this release serves without TLS only: say so, on a network that is trusted")
	}
	if c.Replicas == nil || c.Member == nil || c.Nodes == nil {
		return errors.New("the server's configuration lacks Replicas, Member or Nodes")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Ready == nil {
		c.Ready = func() error { _, err := c.Member(); return err }
	}
	c.bound()
	return nil
}

// bound fills in the defaults of the bounds.
func (c *Config) bound() {
	durations := []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.UnaryTimeout, 30 * time.Second}, {&c.BodyTimeout, time.Minute}, {&c.HeaderTimeout, 10 * time.Second},
		{&c.IdleTimeout, 2 * time.Minute}, {&c.ReceptionPause, 30 * time.Second},
	}
	for _, d := range durations {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	sizes := []struct {
		field *int
		value int
	}{
		{&c.HeaderMax, 64 << 10}, {&c.PublicMax, 96 << 20}, {&c.UnaryMax, 4096}, {&c.LargeMax, 32},
		{&c.StreamsMax, 1024}, {&c.CallsMax, 16 << 10}, {&c.ReplyBytesMax, 128 << 20}, {&c.ReceptionsMax, 4},
	}
	for _, s := range sizes {
		if *s.field <= 0 {
			*s.field = s.value
		}
	}
}

// Bounds is the configuration with its defaults, as far as it bounds something.
func (c Config) Bounds() Config {
	c.bound()
	return c
}

// member is the node's place, or what a caller hears until there is one.
func (c *Config) member() (*Member, error) {
	m, err := c.Member()
	if err != nil {
		return nil, &routing.UnavailableError{Why: err.Error()}
	}
	return m, nil
}

// errOwnDeadline ends calls that came without a deadline of their own.
var errOwnDeadline = errors.New("the node's own deadline for a call is over")

// bounded gives a call without a deadline the node's own.
func (c *Config) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, c.UnaryTimeout, errOwnDeadline)
}
