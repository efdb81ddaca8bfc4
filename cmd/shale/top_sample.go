package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	shalev1 "github.com/shaledb/shale/proto/shale/v1"
)

// look is what the cluster says of itself at one moment.
type topLook struct {
	at       time.Time
	status   *shalev1.StatusResponse
	activity *shalev1.ActivityResponse
	metrics  map[uint64]metrics // by node
	missing  []string           // what could not be had
}

// topLimit is how many keys and waits of each shard are asked for.
const topLimit = 10

// topTimeout bounds one look: a screen that hangs tells nothing.
const topTimeout = 4 * time.Second

// lookAround asks one node about the cluster, and each node for its metrics. What does not
// answer is missing, and named; an error means that no node answers.
func lookAround(ctx context.Context, conn *connection) (*topLook, error) {
	ctx, cancel := context.WithTimeout(ctx, topTimeout)
	defer cancel()
	l := &topLook{at: time.Now(), metrics: map[uint64]metrics{}}
	var err error
	if l.status, err = status(ctx, conn); err != nil {
		return nil, err
	}
	conn.learn(l.status.Nodes)
	var mu sync.Mutex
	var asking sync.WaitGroup
	lacks := func(what string, err error) {
		mu.Lock()
		defer mu.Unlock()
		l.missing = append(l.missing, what+": "+plain(err))
	}
	asking.Go(func() {
		a, err := anyHost(ctx, conn, func(ctx context.Context, host string) (*shalev1.ActivityResponse, error) {
			return conn.cluster(host).Activity(ctx, &shalev1.ActivityRequest{Limit: topLimit})
		})
		if err != nil {
			lacks("activity", err)
		}
		l.activity = a // its getters take nil
	})
	for _, n := range l.status.Nodes {
		if !n.Alive {
			continue
		}
		asking.Go(func() {
			m, err := fetchMetrics(ctx, conn, n.Address)
			if err != nil {
				lacks(fmt.Sprintf("metrics of node %d", n.Id), err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			l.metrics[n.Id] = m
		})
	}
	asking.Wait()
	slices.Sort(l.missing)
	return l, nil
}

// learn takes the nodes' addresses in, behind the hosts that the user named: whoever watches
// goes on when those die.
func (c *connection) learn(nodes []*shalev1.Node) {
	for _, n := range nodes {
		if !slices.Contains(c.hosts, n.Address) {
			c.hosts = append(c.hosts, n.Address)
		}
	}
}

// topSample is what happened between two looks.
type topSample struct {
	Time     time.Time   `json:"time"`
	Seconds  float64     `json:"seconds"` // between the looks
	Cluster  topCluster  `json:"cluster"`
	Nodes    []topNode   `json:"nodes"`
	Shards   []topShard  `json:"shards"`
	HotKeys  []topHotKey `json:"hotKeys"`
	Waits    []topWait   `json:"waits"`
	Missing  []string    `json:"missing,omitempty"`
	Problems []string    `json:"problems,omitempty"`
}

type topCluster struct {
	ID       string  `json:"id"`
	Healthy  bool    `json:"healthy"`
	Nodes    int     `json:"nodes"`
	Alive    int     `json:"alive"`
	Shards   uint32  `json:"shards"`
	Commits  float64 `json:"commitsPerSecond"` // one for each shard that a transaction writes in
	Reads    float64 `json:"readsPerSecond"`
	Writes   float64 `json:"writesPerSecond"`
	Waiting  int     `json:"waiting"`
	LockKeys uint64  `json:"locks"`
}

type topNode struct {
	ID       uint64  `json:"id,string"`
	Address  string  `json:"address"`
	State    string  `json:"state"` // up, down, draining
	Leaders  uint32  `json:"leaders"`
	Replicas uint32  `json:"replicas"`
	CPU      float64 `json:"cpuPercent"` // 100: one core
	Requests float64 `json:"requestsPerSecond"`
	// Milliseconds; zero: there were none.
	GetP50   float64 `json:"getP50Ms"`
	GetP99   float64 `json:"getP99Ms"`
	WriteP50 float64 `json:"writeP50Ms"`
	WriteP99 float64 `json:"writeP99Ms"`
	known    bool    // there are two looks at its metrics
}

type topShard struct {
	ID      uint64  `json:"id,string"`
	Leader  uint64  `json:"leader,string"` // zero: none answers
	Reads   float64 `json:"readsPerSecond"`
	Writes  float64 `json:"writesPerSecond"`
	Locks   uint64  `json:"locks"`
	Waiting uint64  `json:"waiting"`
}

type topHotKey struct {
	Key    []byte  `json:"key"`
	Shard  uint64  `json:"shard,string"`
	Reads  float64 `json:"reads"`
	Writes float64 `json:"writes"`
	Error  float64 `json:"error"`
}

type topWait struct {
	Waiter  uint64 `json:"waiter,string"`
	Holder  uint64 `json:"holder,string"`
	Key     []byte `json:"key"`
	Request string `json:"request"`
	ForMs   uint64 `json:"forMs,string"`
	Shard   uint64 `json:"shard,string"`
}

// between makes a sample of two looks.
func between(before, after *topLook) *topSample {
	s := &topSample{Time: after.at, Seconds: max(after.at.Sub(before.at).Seconds(), 1e-3), Missing: after.missing,
		Problems: after.status.Problems}
	s.Cluster = topCluster{ID: after.status.ClusterId, Healthy: after.status.Healthy, Nodes: len(after.status.Nodes),
		Shards: after.status.Shards, Waiting: len(after.activity.GetWaits())}
	for _, n := range after.status.Nodes {
		s.node(n, before.metrics[n.Id], after.metrics[n.Id])
	}
	s.shards(before.activity, after.activity)
	for _, k := range after.activity.GetKeys() {
		s.HotKeys = append(s.HotKeys, topHotKey{k.Key, k.Shard, k.Reads, k.Writes, k.Error})
	}
	for _, w := range after.activity.GetWaits() {
		s.Waits = append(s.Waits, topWait{w.Waiter, w.Holder, w.Key, w.Request, w.ForMs, w.Shard})
	}
	return s
}

// The names under which nodes show what is looked at here.
const (
	metricCPU     = "process_cpu_seconds_total"
	metricRequest = "shale_shard_request_seconds"
	labelGet      = `kind="get"`
	labelWrite    = `kind="prewrite"`
)

func (s *topSample) node(n *shalev1.Node, before, after metrics) {
	t := topNode{ID: n.Id, Address: n.Address, State: "up", Leaders: n.Leaders, Replicas: n.Replicas}
	switch {
	case !n.Alive:
		t.State = "down"
	case n.Draining:
		t.State = "draining"
	}
	if n.Alive {
		s.Cluster.Alive++
	}
	if before != nil && after != nil {
		t.known = true
		rate := func(name string, labels ...string) float64 {
			return max(after.sum(name, labels...)-before.sum(name, labels...), 0) / s.Seconds
		}
		t.CPU = 100 * rate(metricCPU)
		t.Requests = rate(metricRequest + "_count")
		s.Cluster.Commits += rate(metricRequest+"_count", labelWrite)
		gets, writes := histogram(before, after, metricRequest, labelGet), histogram(before, after, metricRequest, labelWrite)
		t.GetP50, t.GetP99 = millis(quantile(0.5, gets)), millis(quantile(0.99, gets))
		t.WriteP50, t.WriteP99 = millis(quantile(0.5, writes)), millis(quantile(0.99, writes))
	}
	s.Nodes = append(s.Nodes, t)
}

// millis is zero for what is not known: JSON has no NaN.
func millis(seconds float64) float64 {
	if math.IsNaN(seconds) {
		return 0
	}
	return math.Round(seconds*1e6) / 1e3
}

// shards lists them, the busiest first. A leader counts since it became one: after a change
// there is no rate until the next look.
func (s *topSample) shards(before, after *shalev1.ActivityResponse) {
	last := map[uint64]*shalev1.ShardActivity{}
	for _, a := range before.GetShards() {
		last[a.Shard] = a
	}
	for _, a := range after.GetShards() {
		t := topShard{ID: a.Shard, Leader: a.Node, Locks: a.Locks, Waiting: a.Waiting}
		if b := last[a.Shard]; b != nil && b.Node == a.Node && a.Reads >= b.Reads && a.Writes >= b.Writes {
			t.Reads, t.Writes = float64(a.Reads-b.Reads)/s.Seconds, float64(a.Writes-b.Writes)/s.Seconds
		}
		s.Cluster.Reads += t.Reads
		s.Cluster.Writes += t.Writes
		s.Cluster.LockKeys += a.Locks
		s.Shards = append(s.Shards, t)
	}
	for _, id := range after.GetUnreachable() {
		if !slices.ContainsFunc(s.Shards, func(t topShard) bool { return t.ID == id }) {
			s.Shards = append(s.Shards, topShard{ID: id})
		}
	}
	slices.SortStableFunc(s.Shards, func(a, b topShard) int {
		switch x, y := a.Reads+a.Writes, b.Reads+b.Writes; {
		case (a.Leader == 0) != (b.Leader == 0): // what is broken stands first
			return map[bool]int{true: -1, false: 1}[a.Leader == 0]
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return int(a.ID) - int(b.ID)
	})
}

// sampler looks again and again.
type sampler struct {
	conn *connection
	last *topLook
}

// next is what happened since the look before. The first time it looks twice.
func (p *sampler) next(ctx context.Context, pause time.Duration) (*topSample, error) {
	if p.last == nil {
		first, err := lookAround(ctx, p.conn)
		if err != nil {
			return nil, err
		}
		p.last = first
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
	now, err := lookAround(ctx, p.conn)
	if err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			return nil, &unreachableError{Said: []error{err}}
		}
		return nil, err
	}
	s := between(p.last, now)
	p.last = now
	return s, nil
}
