package node

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/shaledb/shale/shard/host"
)

// counter is something that the host counts.
type counter struct {
	name, help string
	read       func(*host.Host) uint64
}

// collectors show the counters, histograms and gauges of the node. What a benchmark divides by
// committed transactions is among them: entries, syncs, SQLite's transactions, requests to the
// oracle.
func (n *Node) collectors() []prometheus.Collector {
	list := []prometheus.Collector{newMeasured(n), newStanding(n),
		ofNode("slow_transactions_total", "Commits here and requests to replicas here that took longer than --slow-transaction.", &n.slow),
		ofNode("timings_dropped_total", "Timings and traces of requests that found no room.", &n.untimed)}
	for _, c := range append(loopCounters(), diskCounters()...) {
		list = append(list, prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "shale_" + c.name, Help: c.help},
			func() float64 {
				h := replicas{n}.running()
				if h == nil {
					return 0
				}
				return float64(c.read(h))
			}))
	}
	return list
}

// ofNode shows a counter of the node's own.
func ofNode(name, help string, n *atomic.Uint64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "shale_" + name, Help: help},
		func() float64 { return float64(n.Load()) })
}

// loopCounters are of the replicas and the loop that runs them.
func loopCounters() []counter {
	return []counter{
		{"loop_turns_total", "Turns of the loop that runs the replicas.",
			func(h *host.Host) uint64 { return h.Metrics().Turns.Load() }},
		{"loop_events_total", "Events that the loop took.",
			func(h *host.Host) uint64 { return h.Metrics().Events.Load() }},
		{"requests_refused_total", "Requests turned away because too many waited.",
			func(h *host.Host) uint64 { return h.Metrics().Refused.Load() }},
		{"entries_proposed_total", "Entries proposed by leaders on this node: rounds of consensus.",
			func(h *host.Host) uint64 { return h.Metrics().Entries.Load() }},
		{"entries_applied_total", "Entries applied by the replicas here, followers' too.",
			func(h *host.Host) uint64 { return h.Metrics().Applied.Load() }},
		{"oracle_requests_total", "Requests for timestamps that the oracle on this node answered.",
			func(h *host.Host) uint64 { return h.Metrics().Draws.Load() }},
		{"oracle_timestamps_total", "Timestamps that it handed out.",
			func(h *host.Host) uint64 { return h.Metrics().Timestamps.Load() }},
		{"lock_waits_total", "Requests that began to wait in a lock's queue.",
			func(h *host.Host) uint64 { return h.Metrics().LockWaits.Load() }},
		{"deadlocks_total", "Cycles that the deadlock detector on this node found.",
			func(h *host.Host) uint64 { return h.Metrics().Deadlocks.Load() }},
		{"deadlock_victims_total", "Waits on this node that were ended because of a deadlock.",
			func(h *host.Host) uint64 { return h.Metrics().Victims.Load() }},
		{"raft_snapshots_sent_total", "Raft snapshots sent.",
			func(h *host.Host) uint64 { return h.Metrics().SnapsSent.Load() }},
		{"raft_snapshots_installed_total", "Raft snapshots installed.",
			func(h *host.Host) uint64 { return h.Metrics().SnapsTaken.Load() }},
		{"raft_snapshot_sent_bytes_total", "Bytes of raft snapshots that were begun to be sent.",
			func(h *host.Host) uint64 { return h.Metrics().SnapOut.Load() }},
		{"raft_snapshot_received_bytes_total", "Bytes of raft snapshots received.",
			func(h *host.Host) uint64 { return h.Metrics().SnapIn.Load() }},
		{"quarantines_total", "Replicas taken out of service because of damage.",
			func(h *host.Host) uint64 { return h.Metrics().Quarantines.Load() }},
	}
}

// diskCounters are of the log and the SQLite files.
func diskCounters() []counter {
	return []counter{
		{"log_syncs_total", "Syncs of the Raft log.",
			func(h *host.Host) uint64 { return uint64(h.LogStats().Syncs) }},
		{"log_batches_total", "Batches written to the Raft log, each with one sync.",
			func(h *host.Host) uint64 { return h.Metrics().LogBatches.Load() }},
		{"log_writes_total", "Groups' writes in those batches.",
			func(h *host.Host) uint64 { return h.Metrics().LogWrites.Load() }},
		{"sqlite_transactions_total", "Transactions that wrote to SQLite files.",
			func(h *host.Host) uint64 { return h.Metrics().SQLite.Load() }},
		{"flushes_total", "Flushes to SQLite files.",
			func(h *host.Host) uint64 { return h.Metrics().Flushes.Load() }},
		{"flushes_durable_total", "Flushes that synced.",
			func(h *host.Host) uint64 { return h.Metrics().Durable.Load() }},
		{"checkpoints_total", "Checkpoints of SQLite's write-ahead logs.",
			func(h *host.Host) uint64 { return h.Metrics().Checkpoints.Load() }},
		{"reads_total", "Reads answered from SQLite files.",
			func(h *host.Host) uint64 { return h.Metrics().Reads.Load() }},
		{"reads_resubmitted_total", "Reads taken anew because no view fitted.",
			func(h *host.Host) uint64 { return h.Metrics().Resubmitted.Load() }},
		{"lookups_total", "Look-ups in SQLite files on behalf of writes.",
			func(h *host.Host) uint64 { return h.Metrics().Lookups.Load() }},
	}
}
