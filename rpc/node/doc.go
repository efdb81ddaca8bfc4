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
// # What must hold
//
//   - node.json is synced before its ids are used.
//   - A node without its log never comes back under its old id (package host refuses).
//   - The port answers from the first moment: /healthz and Hello before anything else.
package node
