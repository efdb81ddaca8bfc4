// Package server answers a node's one port: the public services, those between nodes, and
// what operators look at. It transcodes, bounds and measures; it makes no decisions about
// transactions, which package txn does, or about shards, which package shard does.
//
// Its nouns:
//
//   - Server: the handlers and the listener's limits;
//   - Member: what a node has once it belongs to a cluster; before, most calls are refused
//     with the remedy;
//   - Replicas: the node's own replicas, which requests, Raft messages and raft snapshots
//     are handed to;
//   - a handle: all that a public transaction is between two calls; the client holds it, and
//     any node goes on with it (handle.go; its form: wire.Handle);
//   - access: the keys that a request touches, those in its handle included (spans.go);
//   - a session: one multiplexed stream of a client (shards.go);
//   - a reception: one raft snapshot that is being received, over as many connections as it
//     takes (receive.go).
//
// What is served, all on one port, over HTTP/1.1 and HTTP/2 without TLS alike:
//
//	shale.v1.TxnService ─────▶ txn.Coordinator ──▶ its Sender
//	shale.v1.ClusterService ─▶ the system group and the shards' leaders
//	shale.node.v1.ShardService.Stream ─▶ Replicas.Submit      many calls a frame
//	shale.node.v1.PeerService ─────────▶ Replicas.Deliver, Receive
//	shale.node.v1.NodeService ─────────▶ Config.Nodes
//	gRPC health and reflection, /metrics, /healthz, /readyz, /debug/pprof/ (loopback only)
//
// A public transaction, and what its handle learns on the way, at whichever node:
//
//	Begin              id, read timestamp; serializable, pessimistic or read-only
//	Get, Scan          fixed: it has read, so its read timestamp stays (S5); a serializable
//	                   Commit must say what was read
//	Get forUpdate      the primary, the claims; the read timestamp moves while not fixed
//	Heartbeat          nothing: the claims at the primary's shard live on
//	Commit, Rollback,  asked by id and primary: the first key claimed, else the first
//	Outcome            mutation's, which the client names
//
// For example:
//
//	s, err := server.New(server.Config{Insecure: true, Replicas: host, Member: member, Nodes: node})
//	go s.Serve(listener)
//	defer s.Shutdown(ctx)
//
// # Invariants
//
// Everything has a bound: messages, headers, calls under way, replies that wait for a slow
// reader, the time a body may take. No compression is taken or given (P34). No timeout runs
// on whole connections, because streams live for days; unary calls have a deadline of their
// own (P37). Every error of a public service begins with its reason and carries an
// ErrorDetail, also where the request could not be read (codec.go). An autocommit whose
// outcome is unknown says so whatever else went wrong: its ids are known here alone (S9).
// The keys that a request touches are computed in one place, which refuses what it does not
// know (P33); a handle is no proof that its claims may be touched. What is refused for what it
// says has changed nothing (the tables of the tests look).
//
// What operators ask is answered from what can be heard: a shard that does not answer within a
// bound is passed over and named (walk.go), so that one can look while something is broken. A
// draining node keeps no leadership: the gateway moves them away once, and the node itself
// gives back what an election brings it (cluster_drain.go, rpc/node/drain.go).
//
// # What it does not do
//
// It knows no identities yet: it serves without TLS, and only when told so (P35).
package server
