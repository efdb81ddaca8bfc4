package node

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/shaledb/shale/shard/host"
)

// collectors show the host's counters and the log's.
func (n *Node) collectors() []prometheus.Collector {
	var list []prometheus.Collector
	counter := func(name, help string, read func(*host.Metrics) uint64) {
		list = append(list, prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "shale_" + name, Help: help},
			func() float64 {
				h := replicas{n}.running()
				if h == nil {
					return 0
				}
				return float64(read(h.Metrics()))
			}))
	}
	counter("loop_turns_total", "Turns of the loop that runs the replicas.",
		func(m *host.Metrics) uint64 { return m.Turns.Load() })
	counter("loop_events_total", "Events that the loop took.",
		func(m *host.Metrics) uint64 { return m.Events.Load() })
	counter("requests_refused_total", "Requests turned away because too many waited.",
		func(m *host.Metrics) uint64 { return m.Refused.Load() })
	counter("flushes_total", "Flushes to SQLite files.",
		func(m *host.Metrics) uint64 { return m.Flushes.Load() })
	counter("flush_microseconds_total", "Time spent in flushes.",
		func(m *host.Metrics) uint64 { return m.FlushMicros.Load() })
	counter("flushes_durable_total", "Flushes that synced.",
		func(m *host.Metrics) uint64 { return m.Durable.Load() })
	counter("checkpoints_total", "Checkpoints of SQLite's write-ahead logs.",
		func(m *host.Metrics) uint64 { return m.Checkpoints.Load() })
	counter("reads_total", "Reads answered from SQLite files.",
		func(m *host.Metrics) uint64 { return m.Reads.Load() })
	counter("reads_resubmitted_total", "Reads taken anew because no view fitted.",
		func(m *host.Metrics) uint64 { return m.Resubmitted.Load() })
	counter("lookups_total", "Look-ups in SQLite files on behalf of writes.",
		func(m *host.Metrics) uint64 { return m.Lookups.Load() })
	counter("log_batches_total", "Batches written to the Raft log, each with one sync.",
		func(m *host.Metrics) uint64 { return m.LogBatches.Load() })
	counter("log_writes_total", "Groups' writes in those batches.",
		func(m *host.Metrics) uint64 { return m.LogWrites.Load() })
	counter("raft_snapshots_sent_total", "Raft snapshots sent.",
		func(m *host.Metrics) uint64 { return m.SnapsSent.Load() })
	counter("raft_snapshots_installed_total", "Raft snapshots installed.",
		func(m *host.Metrics) uint64 { return m.SnapsTaken.Load() })
	counter("quarantines_total", "Replicas taken out of service because of damage.",
		func(m *host.Metrics) uint64 { return m.Quarantines.Load() })
	return list
}
