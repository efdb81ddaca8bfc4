// Package directory is what the system group knows: the nodes, the shard map, the ids given
// away and the oracle's ceiling.
//
// It is a state machine without I/O. Its state is a set of named rows, which the system
// group's replicas carry like any shard's (mvcc.SystemRow): evaluated at the leader,
// replicated, applied blindly, kept in the table "system" of the shard's file, in JSON that
// a person can read.
//
//	row                value
//	cluster            {"id": …}
//	node/0000000003    {"id": 3, "storeId": …, "address": …, "draining": …}
//	shard/0000000002   {"id": 2, "start": …, "end": …, "bounds": 4, …}
//	next               {"node": 4, "shard": 9, "replica": 31}
//	ceiling            467…
//
// # Who knows what
//
// A shard's own group is the truth about its bounds, epochs and members. The directory
// learns them from leaders' reports, late and in any order; of two descriptors the one with
// the higher epoch wins. So the map may show, for a moment, a left shard after a split
// without its right, or both overlapping. Lookup answers with what covers the key, the
// newest first; whoever is led astray hears the right descriptor from the shard itself.
//
//	    reports         Report        Evaluate        rows        Apply
//	leaders ───────▶ system group's ───────────▶ one Raft entry ────────▶ State, everywhere
//	                    leader                 (none, where nothing changed)
//
// # A worked example
//
// Shard 2 is split at m; the leader of the right part reports before that of the left:
//
//	                         shards, as Lookup("x") sees them
//	founded                  2 [a, ∞) epoch 1
//	3 [m, ∞) epoch 2 comes   3 [m, ∞) epoch 2, 2 [a, ∞) epoch 1    the later start first
//	2 [a, m) epoch 2 comes   3 [m, ∞) epoch 2
//	2 [a, ∞) epoch 1, late   3 [m, ∞) epoch 2                      no row: not news
//
// # What must hold
//
//   - Evaluate is pure; Apply is the only change.
//   - A report that says nothing new makes no rows, so quiet clusters write nothing.
//   - Ids of nodes, shards and replicas are never given twice: the least free ones are a row.
//   - A node drains only while each of its shards has a voter on a node that does not.
//   - Joining again under the same store id gives the same node id.
//   - The ceiling never falls, whatever is applied (P11).
//
// What it does not do: decide where replicas should be. It is told.
package directory
