package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/rpc/node"
)

// demoCluster is nodes in this process.
type demoCluster struct {
	dir       string
	temporary bool
	nodes     []*node.Node
	failed    chan error
}

// demoPlan is DIR/demo.json: a cluster's nodes keep their addresses.
type demoPlan struct {
	Addresses []string `json:"addresses"`
}

// openDemoCluster starts the nodes.
func openDemoCluster(o *demoOptions, log *slog.Logger) (*demoCluster, error) {
	c := &demoCluster{dir: o.dir, failed: make(chan error, 1)}
	if c.dir == "" {
		dir, err := os.MkdirTemp("", "shale-demo-")
		if err != nil {
			return nil, err
		}
		c.dir, c.temporary = dir, true
	}
	listeners, err := c.listen(o)
	if err != nil {
		return nil, errors.Join(err, c.stop())
	}
	join := make([]string, len(listeners))
	for i, l := range listeners {
		join[i] = l.Addr().String()
	}
	for i, l := range listeners {
		n, err := node.Start(node.Config{Dir: c.nodeDir(i), Listener: l, Join: join, Insecure: true, Version: version,
			Log: log.With("node", i+1)})
		if err != nil {
			for _, l := range listeners[i:] {
				// The first error is the one that counts.
				_ = l.Close()
			}
			return nil, errors.Join(err, c.stop())
		}
		c.nodes = append(c.nodes, n)
		go c.watch(n)
	}
	return c, nil
}

func (c *demoCluster) nodeDir(i int) string { return filepath.Join(c.dir, fmt.Sprintf("node%d", i+1)) }

func (c *demoCluster) watch(n *node.Node) {
	err := <-n.Failed()
	select {
	case c.failed <- err:
	default:
	}
}

// listen opens the ports: those of the directory's plan, or new ones.
func (c *demoCluster) listen(o *demoOptions) ([]net.Listener, error) {
	path := filepath.Join(c.dir, "demo.json")
	raw, err := os.ReadFile(path)
	if err == nil {
		var plan demoPlan
		if err := json.Unmarshal(raw, &plan); err != nil || len(plan.Addresses) == 0 {
			return nil, fmt.Errorf("%s is damaged: put it back, or choose another --dir", path)
		}
		return plan.listen(o)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	listeners, err := listenAll(newAddresses(o))
	if err != nil {
		return nil, err
	}
	var plan demoPlan
	for _, l := range listeners {
		plan.Addresses = append(plan.Addresses, l.Addr().String())
	}
	if raw, err = json.Marshal(plan); err == nil {
		if err = os.MkdirAll(c.dir, 0o700); err == nil {
			err = os.WriteFile(path, raw, 0o600)
		}
	}
	if err != nil {
		closeAll(listeners)
		return nil, err
	}
	return listeners, nil
}

// listen opens the ports that the cluster has, which other flags cannot change: its nodes
// know each other by them.
func (p *demoPlan) listen(o *demoOptions) ([]net.Listener, error) {
	if o.given("nodes") && o.nodes != len(p.Addresses) {
		return nil, usageError("--nodes %d: the cluster in %s has %d; leave --nodes out", o.nodes, o.dir, len(p.Addresses))
	}
	_, first, err := net.SplitHostPort(p.Addresses[0])
	if err != nil {
		return nil, err
	}
	if o.given("port") && o.port != 0 && strconv.Itoa(o.port) != first {
		return nil, usageError("--port %d: the cluster in %s lives at port %s; leave --port out", o.port, o.dir, first)
	}
	return listenAll(p.Addresses)
}

func newAddresses(o *demoOptions) []string {
	addresses := make([]string, o.nodes)
	for i := range addresses {
		port := o.port
		if port != 0 {
			port += i
		}
		addresses[i] = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	}
	return addresses
}

func listenAll(addresses []string) ([]net.Listener, error) {
	var listeners []net.Listener
	for _, a := range addresses {
		l, err := net.Listen("tcp", a)
		if err != nil {
			closeAll(listeners)
			return nil, fmt.Errorf("%w; choose another --port, or 0 for free ones", err)
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		// It was never used: nothing is lost whatever this says.
		_ = l.Close()
	}
}

func (c *demoCluster) addresses() []string {
	out := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		out[i] = n.Address()
	}
	return out
}

// found begins the cluster where the directory holds none, and waits until all nodes serve.
func (c *demoCluster) found(ctx context.Context) error {
	if _, err := c.nodes[0].Init(ctx, &nodev1.InitRequest{}); err != nil {
		return err
	}
	for _, n := range c.nodes {
		select {
		case <-n.Joined():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// stop ends all nodes at once, and removes what was temporary.
func (c *demoCluster) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	errs := make([]error, len(c.nodes)+1)
	var stopping sync.WaitGroup
	for i, n := range c.nodes {
		stopping.Go(func() { errs[i] = n.Stop(ctx) })
	}
	stopping.Wait()
	if c.temporary {
		errs[len(c.nodes)] = os.RemoveAll(c.dir)
	}
	return errors.Join(errs...)
}
