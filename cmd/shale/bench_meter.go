package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/shaledb/shale/bench"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
)

// meter reads the counters of all nodes of the cluster from their /metrics.
func meter(conn *connection) bench.Meter {
	return func(ctx context.Context) (bench.Counters, error) {
		var sum bench.Counters
		nodes, err := anyHost(ctx, conn, func(ctx context.Context, host string) (*shalev1.ListNodesResponse, error) {
			return conn.cluster(host).ListNodes(ctx, &shalev1.ListNodesRequest{})
		})
		if err != nil {
			return sum, err
		}
		for _, n := range nodes.Nodes {
			c, err := conn.counters(ctx, n.Address)
			if err != nil {
				return sum, err
			}
			sum = sum.Add(c)
		}
		return sum, nil
	}
}

func (c *connection) counters(ctx context.Context, address string) (bench.Counters, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		return bench.Counters{}, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return bench.Counters{}, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return bench.Counters{}, fmt.Errorf("%s: /metrics: %s", address, res.Status)
	}
	return bench.ReadCounters(res.Body)
}
