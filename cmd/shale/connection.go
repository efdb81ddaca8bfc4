package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	"github.com/shaledb/shale/proto/shale/node/v1/nodev1connect"
	"github.com/shaledb/shale/proto/shale/v1/shalev1connect"
	"github.com/shaledb/shale/rpc/client"
)

const defaultHost = "localhost:7400"

// connectOptions say which cluster a command talks to.
type connectOptions struct {
	hosts    []string
	certsDir string
	timeout  time.Duration
}

func (o *connectOptions) register(c *cobra.Command) {
	hosts := []string{defaultHost}
	if env := os.Getenv("SHALE_HOST"); env != "" {
		hosts = strings.Split(env, ",")
	}
	f := c.Flags()
	f.StringSliceVar(&o.hosts, "host", hosts, "host:port of nodes, the first that answers serves (or SHALE_HOST)")
	f.StringVar(&o.certsDir, "certs-dir", os.Getenv("SHALE_CERTS_DIR"), "directory of certificates (no TLS yet)")
	f.DurationVar(&o.timeout, "timeout", 15*time.Second, "how long to try")
}

func (o *connectOptions) validate() error {
	if o.certsDir != "" {
		return usageError("--certs-dir: this version does not speak TLS yet")
	}
	if o.timeout <= 0 {
		return usageError("--timeout is a duration above zero, not %s", o.timeout)
	}
	for i, h := range o.hosts {
		o.hosts[i] = strings.TrimSpace(h)
		if err := hostPort("--host", o.hosts[i]); err != nil {
			return err
		}
	}
	if len(o.hosts) == 0 {
		return usageError("--host is missing: give it as HOST:PORT")
	}
	return nil
}

var errTimeout = errors.New("--timeout is over")

// connection reaches the public and the operators' services of a cluster's nodes.
type connection struct {
	hosts []string
	http  *http.Client
}

// validator are options that know what they may be.
type validator interface{ validate() error }

// open checks the options and begins a command that asks the cluster: within --timeout,
// over a connection that done closes.
func (o *connectOptions) open(ctx context.Context, others ...validator) (_ context.Context, _ *connection, done func(), err error) {
	for _, v := range append(others, o) {
		if err := v.validate(); err != nil {
			return nil, nil, nil, err
		}
	}
	conn := newConnection(o.hosts)
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, errTimeout)
	return ctx, conn, func() { cancel(); conn.http.CloseIdleConnections() }, nil
}

func newConnection(hosts []string) *connection {
	dialer := &net.Dialer{Timeout: 2 * time.Second}
	return &connection{hosts: hosts, http: &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}}}
}

func (c *connection) cluster(host string) shalev1connect.ClusterServiceClient {
	return shalev1connect.NewClusterServiceClient(c.http, "http://"+host, connect.WithReadMaxBytes(client.MessageMax))
}

func (c *connection) node(host string) nodev1connect.NodeServiceClient {
	return nodev1connect.NewNodeServiceClient(c.http, "http://"+host, connect.WithReadMaxBytes(client.MessageMax))
}

// anyHost asks the hosts in turn until one can serve the request. What a node says about
// the request itself, other than that it cannot serve now, ends the search.
func anyHost[T any](ctx context.Context, c *connection, ask func(ctx context.Context, host string) (T, error)) (T, error) {
	away := &unreachableError{}
	for _, host := range c.hosts {
		res, err := ask(ctx, host)
		if err == nil || connect.CodeOf(err) != connect.CodeUnavailable || ctx.Err() != nil {
			return res, overdue(ctx, host, err)
		}
		away.Said = append(away.Said, fmt.Errorf("%s: %s", host, plain(err)))
		away.Answered = away.Answered || connect.IsWireError(err)
	}
	var zero T
	return zero, away
}

// How long a change waits for a shard that elects its leader, or was split a moment ago.
const (
	changePatience = 5 * time.Second
	changePause    = 100 * time.Millisecond
)

// anyHostSoon is anyHost for changes that may be sent twice: it goes on for a while where
// nodes are there but cannot serve yet.
func anyHostSoon[T any](ctx context.Context, c *connection, ask func(ctx context.Context, host string) (T, error)) (T, error) {
	end := time.Now().Add(changePatience)
	for {
		res, err := anyHost(ctx, c, ask)
		var away *unreachableError
		if err == nil || !errors.As(err, &away) || !away.Answered || time.Now().After(end) {
			return res, err
		}
		select {
		case <-ctx.Done():
			return res, err
		case <-time.After(changePause):
		}
	}
}

// overdue says which host let the command's time pass.
func overdue(ctx context.Context, host string, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), errTimeout) {
		return &unreachableError{Said: []error{fmt.Errorf("%s: %w", host, errTimeout)}}
	}
	return err
}

// unreachableError: none of the hosts could serve.
type unreachableError struct {
	Said     []error
	Answered bool // one of them did answer, that it cannot serve now
}

func (e *unreachableError) Error() string {
	said := make([]string, len(e.Said))
	for i, err := range e.Said {
		said[i] = err.Error()
	}
	return "no node can serve this now: " + strings.Join(said, "; ")
}

// plain is what went wrong with a host, without the layers that each repeat its address.
func plain(err error) string {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	return message(err)
}
