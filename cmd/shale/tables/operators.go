package tables

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"

	"github.com/shaledb/shale/proto/shale/node/v1/nodev1connect"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/proto/shale/v1/shalev1connect"
	"github.com/shaledb/shale/rpc/client"
)

// operators reaches the services for operators and the metrics of a cluster's nodes.
type operators struct {
	http  *http.Client
	hosts []string
}

func (o *operators) cluster(host string) shalev1connect.ClusterServiceClient {
	return shalev1connect.NewClusterServiceClient(o.http, "http://"+host, connect.WithReadMaxBytes(client.MessageMax))
}

func (o *operators) node(host string) nodev1connect.NodeServiceClient {
	return nodev1connect.NewNodeServiceClient(o.http, "http://"+host, connect.WithReadMaxBytes(client.MessageMax))
}

// anyHost asks the hosts in turn until one can serve the request.
func anyHost[T any](ctx context.Context, o *operators, ask func(ctx context.Context, host string) (T, error)) (T, error) {
	var said []error
	for _, host := range o.hosts {
		res, err := ask(ctx, host)
		if err == nil || connect.CodeOf(err) != connect.CodeUnavailable || ctx.Err() != nil {
			return res, err
		}
		said = append(said, fmt.Errorf("%s: %w", host, err))
	}
	var none T
	return none, fmt.Errorf("no node can serve this now: %w", errors.Join(said...))
}

func (o *operators) listNodes(ctx context.Context) ([]*shalev1.Node, error) {
	res, err := anyHost(ctx, o, func(ctx context.Context, host string) (*shalev1.ListNodesResponse, error) {
		return o.cluster(host).ListNodes(ctx, &shalev1.ListNodesRequest{})
	})
	return res.GetNodes(), err
}

func (o *operators) listShards(ctx context.Context) ([]*shalev1.Shard, error) {
	res, err := anyHost(ctx, o, func(ctx context.Context, host string) (*shalev1.ListShardsResponse, error) {
		return o.cluster(host).ListShards(ctx, &shalev1.ListShardsRequest{})
	})
	return res.GetShards(), err
}

// askTimeout bounds the wait for one node's word about itself.
const askTimeout = 5 * time.Second

// eachNode asks all nodes at once; ask is called with each one's index and may fill its place.
func eachNode(ctx context.Context, nodes []*shalev1.Node, ask func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	errs := make([]error, len(nodes))
	var asking sync.WaitGroup
	for i, n := range nodes {
		asking.Go(func() {
			if err := ask(ctx, i); err != nil {
				errs[i] = fmt.Errorf("node %d at %s: %w; leave it out with WHERE node = …", n.Id, n.Address, err)
			}
		})
	}
	asking.Wait()
	return errors.Join(errs...)
}

// metricsMax bounds one node's metrics.
const metricsMax = 16 << 20

// metricsText is what a node's /metrics says.
func (o *operators) metricsText(ctx context.Context, address string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		return "", err
	}
	res, err := o.http.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("its /metrics answers %s", res.Status)
	}
	var text strings.Builder
	n, err := io.Copy(&text, io.LimitReader(res.Body, metricsMax+1))
	if err == nil && n > metricsMax {
		err = fmt.Errorf("its /metrics is larger than %d bytes", metricsMax)
	}
	return text.String(), err
}
