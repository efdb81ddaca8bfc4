package node

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/shaledb/shale/shard/host"
)

// gauge is something that has a value at this moment.
type gauge struct {
	name, help string
	read       func(*Node, *host.Gauges) float64
}

// gauges lists them all.
func gauges() []gauge {
	of := func(read func(*host.Gauges) int) func(*Node, *host.Gauges) float64 {
		return func(_ *Node, g *host.Gauges) float64 { return float64(read(g)) }
	}
	return []gauge{
		{"shards", "Replicas on this node.", of(func(g *host.Gauges) int { return g.Replicas })},
		{"leaders", "Of them, those that lead.", of(func(g *host.Gauges) int { return g.Leaders })},
		{"leaders_without_lease", "Of the leaders, those that may serve nothing: they hear of no quorum.",
			of(func(g *host.Gauges) int { return g.Leaseless })},
		{"replicas_without_leader", "Replicas that know of no leader.", of(func(g *host.Gauges) int { return g.Leaderless })},
		{"replicas_quarantined", "Replicas out of service because of damage.", of(func(g *host.Gauges) int { return g.Quarantined })},
		{"locks", "Locks that stand, on every replica of a shard.", of(func(g *host.Gauges) int { return g.Locks })},
		{"requests_waiting", "Requests under way at the replicas.", of(func(g *host.Gauges) int { return g.Waiting })},
		{"overlay_rows", "Rows that are applied and not flushed.", of(func(g *host.Gauges) int { return g.OverlayRows })},
		{"entries_lagging", "Entries that followers lack, as the leaders here know.", of(func(g *host.Gauges) int { return g.Lagging })},
		{"inbox_events", "Events that wait for the loop.", of(func(g *host.Gauges) int { return g.Inbox })},
		{"reads_waiting", "Reads and look-ups that wait for a reader.", of(func(g *host.Gauges) int { return g.Reads })},
		{"sqlite_bytes", "SQLite files, without their write-ahead logs.",
			func(_ *Node, g *host.Gauges) float64 { return float64(g.FileBytes) }},
		{"sqlite_wal_bytes", "SQLite's write-ahead logs, as of the last flushes.",
			func(_ *Node, g *host.Gauges) float64 { return float64(g.WALBytes) }},
		{"flush_pending_seconds", "How long the oldest flush under way takes.",
			func(_ *Node, g *host.Gauges) float64 { return g.FlushAge.Seconds() }},
		{"flush_last_timestamp_seconds", "When the last flush ended.",
			func(n *Node, _ *host.Gauges) float64 { return float64(n.host.Metrics().FlushedAt.Load()) / 1e3 }},
		{"log_bytes", "Segments of the Raft log.",
			func(n *Node, _ *host.Gauges) float64 { return float64(n.host.LogStats().Bytes) }},
		{"disk_free_bytes", "Room on the disk of the node's directory.",
			func(n *Node, _ *host.Gauges) float64 { return diskFree(n.cfg.Dir) }},
		{"clock_step_seconds", "How far the wall clock was set or slewed since the process began.",
			func(n *Node, _ *host.Gauges) float64 { return n.clockStep(time.Now()).Seconds() }},
	}
}

// clockStep is the wall clock's progress less the monotonic clock's: a jump of the clock stays
// to be seen.
func (n *Node) clockStep(now time.Time) time.Duration {
	return now.Round(0).Sub(n.began.Round(0)) - now.Sub(n.began)
}

// standing shows the gauges.
type standing struct {
	n    *Node
	list []gauge
	desc []*prometheus.Desc
}

func newStanding(n *Node) *standing {
	s := &standing{n: n, list: gauges()}
	for _, g := range s.list {
		s.desc = append(s.desc, prometheus.NewDesc("shale_"+g.name, g.help, nil, nil))
	}
	return s
}

// gaugesTimeout bounds the wait for the loop: where it is stuck, the other metrics say so.
const gaugesTimeout = time.Second

// Describe implements prometheus.Collector.
func (s *standing) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range s.desc {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (s *standing) Collect(ch chan<- prometheus.Metric) {
	h := replicas{s.n}.running()
	if h == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), gaugesTimeout)
	defer cancel()
	now, ok := h.Gauges(ctx)
	if !ok {
		return
	}
	for i, g := range s.list {
		ch <- prometheus.MustNewConstMetric(s.desc[i], prometheus.GaugeValue, g.read(s.n, &now))
	}
}
