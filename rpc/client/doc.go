// Package client carries requests from a Go program to the nodes of a cluster, and Raft's
// traffic from node to node. It makes no transaction decisions: package txn does, through the
// methods that Cluster has.
//
// Its nouns:
//
//   - Cluster: what is known of a cluster's nodes, and a link to each that is used;
//   - link: one multiplexed stream to one node. What gathers while a frame is under way goes
//     in the next one; there is no timer. It opens when needed, and after failures only when
//     a pause is over (the circuit breaker), so that a dead node costs nobody time;
//   - attempt: one call on its way to one replica. Send moves on to other replicas while the
//     call's timeout allows;
//   - Peers: one stream of Raft messages to each other node, and raft snapshots on
//     connections of their own.
//
// The way of a call:
//
//	Send ─▶ choose a replica ─▶ own node? ──────▶ Config.Local.Submit
//	  ▲        (leader hint)       │ no
//	  │                            ▼
//	  └── reply, or the next ◀── link: queue ─▶ frame ─▶ HTTP/2 stream ─▶ rpc/server
//	      replica
//
// For example:
//
//	c, err := client.Dial(ctx, []string{"localhost:7400"}, client.Config{})
//	shards, err := c.Lookup(ctx, "k")
//	call := &routing.Call{To: shards[0], Req: &mvcc.GetArgs{Keys: []mvcc.Key{"k"}}}
//	c.Send(ctx, []*routing.Call{call}, nil)
//	// call.Res is a *mvcc.GetResult, or call.Err says why not
//
// # Invariants
//
// Every call is answered exactly once. An *routing.UnavailableError without Maybe means that
// no copy of the request has reached or will reach a shard. A request that might have been
// done is sent again only when doing it twice is the same as once, which all are but an
// autocommit's. Queues, frames and calls under way are bounded; what exceeds a bound is
// refused at once.
//
// # What it does not do
//
// It resolves no locks, keeps no shard map beyond who leads, and repeats no request whose
// route is wrong: those are the coordinator's. It links neither SQLite nor Raft: Raft's
// messages pass as protobuf messages.
package client
