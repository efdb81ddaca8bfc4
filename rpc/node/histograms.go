package node

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/shaledb/shale/rpc/client"
	"github.com/shaledb/shale/shard/host"
	"github.com/shaledb/shale/shard/meter"
	"github.com/shaledb/shale/txn"
)

// histogram is something that is measured here, by one label at the most.
type histogram struct {
	name, help, label string
	read              func(*Node, func(value string, r meter.Reading))
}

// histograms lists them all. None is read before the node belongs to a cluster.
func histograms() []histogram {
	of := func(read func(*host.Metrics) meter.Reading) func(*Node, func(string, meter.Reading)) {
		return func(n *Node, emit func(string, meter.Reading)) { emit("", read(n.host.Metrics())) }
	}
	draws := func(read func(*client.Metrics) meter.Reading) func(*Node, func(string, meter.Reading)) {
		return func(n *Node, emit func(string, meter.Reading)) { emit("", read(n.cluster.Metrics())) }
	}
	return []histogram{
		{"shard_request_seconds", "Requests to replicas here, from submission to answer.", "kind",
			func(n *Node, emit func(string, meter.Reading)) { n.host.Metrics().EachRequest(emit) }},
		{"shard_phase_seconds", "Parts of those requests, where they took any time.", "phase",
			func(n *Node, emit func(string, meter.Reading)) { n.host.Metrics().EachPhase(emit) }},
		{"lock_wait_seconds", "Waits of those requests for transactions' locks.", "",
			of(func(m *host.Metrics) meter.Reading { return m.Phases[host.PhaseLock].Read() })},
		{"loop_turn_seconds", "Turns of the loop in which replicas did something.", "",
			of(func(m *host.Metrics) meter.Reading { return m.Turn.Read() })},
		{"log_sync_seconds", "Syncs of a batch of the Raft log.", "",
			of(func(m *host.Metrics) meter.Reading { return m.LogSync.Read() })},
		{"log_batch_bytes", "Bytes of a batch of the Raft log, with headers and padding.", "",
			of(func(m *host.Metrics) meter.Reading { return m.LogBytes.Read() })},
		{"log_batch_writes", "Groups' writes in a batch of the Raft log.", "",
			of(func(m *host.Metrics) meter.Reading { return m.LogBatch.Read() })},
		{"flush_seconds", "Flushes to SQLite files.", "",
			of(func(m *host.Metrics) meter.Reading { return m.Flush.Read() })},
		{"checkpoint_seconds", "Checkpoints of SQLite's write-ahead logs.", "",
			of(func(m *host.Metrics) meter.Reading { return m.Checkpoint.Read() })},
		{"raft_snapshot_send_seconds", "Raft snapshots sent, with the copy.", "",
			of(func(m *host.Metrics) meter.Reading { return m.SnapSend.Read() })},
		{"raft_snapshot_receive_seconds", "Raft snapshots received, with the check.", "",
			of(func(m *host.Metrics) meter.Reading { return m.SnapTake.Read() })},
		{"oracle_draw_seconds", "Requests of this node to the oracle.", "",
			draws(func(m *client.Metrics) meter.Reading { return m.Draw.Read() })},
		{"oracle_draw_timestamps", "Timestamps that one of those requests asks for.", "",
			draws(func(m *client.Metrics) meter.Reading { return m.Drawn.Read() })},
		{"commit_seconds", "Commits that this node coordinated, by how they came to their commit point.", "mode",
			func(n *Node, emit func(string, meter.Reading)) {
				for i := range n.commits {
					emit(txn.Mode(i).String(), n.commits[i].Read())
				}
			}},
	}
}

// measured shows the histograms.
type measured struct {
	n    *Node
	list []histogram
	desc []*prometheus.Desc
}

func newMeasured(n *Node) *measured {
	m := &measured{n: n, list: histograms()}
	for _, h := range m.list {
		var labels []string
		if h.label != "" {
			labels = []string{h.label}
		}
		m.desc = append(m.desc, prometheus.NewDesc("shale_"+h.name, h.help, labels, nil))
	}
	return m
}

// Describe implements prometheus.Collector.
func (m *measured) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range m.desc {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *measured) Collect(ch chan<- prometheus.Metric) {
	if (replicas{m.n}).running() == nil {
		return
	}
	for i, h := range m.list {
		h.read(m.n, func(value string, r meter.Reading) {
			bounds := make(map[float64]uint64, len(r.Bounds))
			for j, b := range r.Bounds {
				bounds[b] = r.Cumulative[j]
			}
			var labels []string
			if h.label != "" {
				labels = []string{value}
			}
			ch <- prometheus.MustNewConstHistogram(m.desc[i], r.Count, r.Sum, bounds, labels...)
		})
	}
}
