// Package node is one process of a cluster, wired: what `shale start` runs, what the demo
// runs three of, and what a program embeds that wants no server beside it.
//
//	            ┌──────────────────────── Node ───────────────────────┐
//	clients ───▶│ rpc/server ──▶ txn.Coordinator ──▶ rpc/client ──┐   │──▶ other nodes
//	            │     │                                           │   │
//	nodes  ────▶│     │ ShardService, PeerService        own node │   │
//	            │     ▼                                           ▼   │
//	            │            shard/host: all replicas                 │
//	            └─────────────────────────────────────────────────────┘
//
// A directory is one node's for ever: node.json says which (identity.go), and a file lock
// keeps a second process out. Nothing is decided here; this package gives every part the
// others that it needs, and starts and stops them in order.
//
// # How a cluster begins
//
// Each node starts with --join, the addresses of all. A directory that belongs to no
// cluster yet answers Hello and waits. Init, sent to one of them, asks the others who they
// are, writes the plan down and has every one take its place: replicas of the system group
// and of the first shard, in a cluster of one or three. Whatever is interrupted can be
// repeated, for the plan never changes. A node that is not in it joins: the directory gives
// it an id, and it holds nothing yet.
//
// # What runs beside the parts
//
//   - report.go: leaders tell the directory about their shards, and every node learns the
//     addresses of the others.
//   - locks whose time is over, found by a leader, are given to the coordinator to resolve.
//
// # What is seen of it
//
//	shard/host ── Timing ──┐ (slow, traced, or one of 1,024)    ┌─▶ log: slow transaction
//	txn ───────── Report ──┴──▶ observer, behind the answers ───┼─▶ ring of 1,000: Explain
//	shard/host, rpc/client: histograms ──▶ /metrics             └─▶ spans, below the caller's
//
// Whoever waits for an answer never waits for its being looked at: the loop hands timings over
// and drops them where nobody comes after (shale_timings_dropped_total). Spans of a request
// at a shard are made when it is over, of its phases, the one after the other: a phase that
// came twice is one. Neither logs nor traces have values in them, nor keys, unless TraceKeys
// asks for those. Settings lists what the node was set to. monitoring/ has a dashboard for
// Grafana and rules for Prometheus; a test holds them to the metrics that are there.
//
// # What must hold
//
//   - node.json is synced before its ids are used.
//   - A node without its log never comes back under its old id (package host refuses).
//   - The port answers from the first moment: /healthz and Hello before anything else.
package node
