package client

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/shaledb/shale/shard/routing"
)

// Local submits requests to the replicas of the own process.
type Local interface {
	// Submit hands a request in. Done is called once, on any goroutine; after cancel it may
	// be left out.
	Submit(hd routing.Header, req routing.Request, done func(routing.Response, error)) (cancel func())
}

// Config is how a Cluster is reached. The zero value of every field is its default.
type Config struct {
	Log *slog.Logger

	// Local and Node: the own process is this node, and calls to it need no network.
	Local Local
	Node  routing.NodeID

	// ClusterID, Nodes and System are what is known beforehand: a node knows itself whom to
	// ask. Where System is set, Dial asks nobody.
	ClusterID string
	Nodes     map[routing.NodeID]string
	System    routing.Descriptor

	CallTimeout  time.Duration // of calls that name none; default 10 s
	DialTimeout  time.Duration // until a connection stands; default 1 s
	PingEvery    time.Duration // a silent connection is asked after this; default 1 s
	PingTimeout  time.Duration // and given up after this; default 2 s
	PauseMin     time.Duration // of the circuit breaker after a failure; default 20 ms
	PauseMax     time.Duration // it doubles up to this; default 1 s
	CallsMax     int           // under way on one link; default 16,384
	QueueMax     int           // bytes queued for one link; default 64 MiB
	FrameMax     int           // bytes after which a frame is closed; default 1 MiB
	SnapshotRate int           // bytes a second of one raft snapshot; default 64 MiB
}

// MessageMax is the largest message that is received: an answer of 64 MiB, the largest that
// a shard gives, with its framing. RequestMax is the largest that nodes take.
const (
	MessageMax = 72 << 20
	RequestMax = 16 << 20
)

func (c *Config) fill() {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	durations := []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.CallTimeout, 10 * time.Second}, {&c.DialTimeout, time.Second},
		{&c.PingEvery, time.Second}, {&c.PingTimeout, 2 * time.Second},
		{&c.PauseMin, 20 * time.Millisecond}, {&c.PauseMax, time.Second},
	}
	for _, d := range durations {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	sizes := []struct {
		field *int
		value int
	}{{&c.CallsMax, 16 << 10}, {&c.QueueMax, 64 << 20}, {&c.FrameMax, 1 << 20}, {&c.SnapshotRate, 64 << 20}}
	for _, s := range sizes {
		if *s.field <= 0 {
			*s.field = s.value
		}
	}
}

// Filled is the configuration with its defaults.
func (c Config) Filled() Config {
	c.fill()
	return c
}

// newTransport makes a transport that speaks HTTP/2 over plain TCP and nothing else: where
// HTTP/1 is enabled beside it, plain TCP takes HTTP/1, and streams in both directions never
// open (P37). There is no timeout on whole requests: streams live for days; a connection
// that has died in silence is found by pings.
func newTransport(c *Config) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	dialer := &net.Dialer{Timeout: c.DialTimeout, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Protocols: protocols,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		},
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
		IdleConnTimeout:        90 * time.Second,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout: c.PingEvery, PingTimeout: c.PingTimeout, WriteByteTimeout: c.PingTimeout,
			MaxReadFrameSize:          1 << 20,
			MaxReceiveBufferPerStream: 4 << 20, MaxReceiveBufferPerConnection: 16 << 20,
		},
	}
}
