// Package routing holds the words that clients and shards both say: which shard has which
// keys, who leads it, and how a request on a wrong way is turned round.
//
// Its nouns:
//
//   - ShardID, NodeID, ReplicaID: names that are never used again;
//   - Epoch: a shard's two change counters, one of its bounds, one of its members;
//   - Descriptor: where a shard is: span, epoch, replicas, and a hint of who leads;
//   - Request, Response: what a shard is asked and answers; Header and Call, what goes along;
//   - the errors, each named after what its receiver does next.
//
// # A request on a wrong way
//
//	client                          node 1                        node 2
//	  │ get x: shard 2, node 1         │                             │
//	  ├───────────────────────────────▶│ follows                     │
//	  │◀── NotLeaderError{Leader: 2} ──┤                             │
//	  ├─────────────────────────────────────────────────────────────▶│ shard 2 is [a, m) now
//	  │◀────────── EpochMismatchError{Current: [2 [a,m), 3 [m,∞)]} ──┤
//	  │ learns both; asks shard 3
//
// # A worked example
//
//	var moved *routing.EpochMismatchError
//	if errors.As(err, &moved) {
//		for _, d := range moved.Current {
//			shards.Learn(d) // keeps the one of the newer epoch
//		}
//	}
//
// # What must hold
//
//   - NotLeaderError, EpochMismatchError, UnknownShardError and OverloadedError: nothing of
//     the request was done and nothing will be. UnavailableError says by Maybe whether it
//     may have been.
//   - Of two descriptors of a shard the one with the newer epoch is right; bounds count
//     before members. A leader is a hint under the same epoch.
//   - A request whose keys all lie within a shard's bounds is served, whatever epoch its
//     sender knew.
//
// It does not find shards (txn's cache and package directory do) or send anything. It is a
// leaf: clients link it without Raft and SQLite.
package routing
