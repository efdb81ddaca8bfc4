// Package host runs the replicas of one node.
//
// A replica (package shard) is a value that is stepped; this package is the thin world
// around all of a node's replicas. It owns what they must not touch: goroutines, the
// clock, files and the way to other nodes.
//
//	Submit, Deliver                                             answers
//	      │                                                        ▲
//	      ▼            Step … Step, then Turn once a replica       │
//	 ┌─────────┐   ┌──────────────────────────────────────────┐    │
//	 │  inbox  │──▶│ loop: one goroutine, all replicas        │────┤ Reply
//	 └─────────┘   └──┬────────┬─────────┬─────────┬──────────┘    │
//	   ▲ ▲ ▲          │Append  │Flush    │Read     │Send           │
//	   │ │ │     ┌────▼───┐ ┌──▼─────┐ ┌─▼──────┐ ┌▼─────────┐     │
//	   │ │ └─────│ logger │ │ keeper │ │readers │ │transport │     │
//	   │ │Logged │ 1 sync │ │ 1/shard│ │ a pool │ │ to peers │     │
//	   │ │       └────────┘ └──┬─────┘ └─┬──┬───┘ └──────────┘     │
//	   │ └─────────────────────┘Flushed  │  └──────────────────────┘
//	   └─────────────────────────────────┘Looked
//
// Everything batches naturally: what queued while the last turn, the last sync or the last
// flush was under way is the next one. There is no timer but the replicas' own.
//
// # Files
//
// A node's directory holds log/ (one log for all groups, package raftlog) and one folder
// for each shard, shards/ID/shard.db. A new file never replaces an old one by name alone:
// whole folders are swapped, behind a marker that says how far the swap came (swap.go),
// because a WAL left beside a new file would be replayed into it (S15).
//
// # What is found at the start
//
//	the log is missing, damaged, or ends before a file that   the node does not start: votes
//	is this node's own (shards/ID/own says so)                may be lost (S17)
//	a file is missing or damaged, or ends before the log      that shard alone is in quarantine;
//	begins                                                    a copy of its folder brings it back
//	a file from elsewhere runs ahead of the log: received,    the log begins anew where it
//	or put there by hand                                      stands, its votes kept
//	an install half done                                      finished from its marker on, else
//	                                                          discarded
//	a group without a folder and without entries              its vote waits for the file
//
// # What must hold
//
//   - A replica is touched by the loop's goroutine alone.
//   - A store has one writer, its keeper; readers hold views no longer than from one flush
//     to the next, and drop them after a checkpoint (P25).
//   - A failed write or sync of the log ends the process: nothing can be promised after
//     it. A failed flush stops that replica alone.
//   - Callbacks run on the loop's or a reader's goroutine and must not block.
//
// What it does not do: decide anything. Which node holds what is package directory's
// matter, and whether a request may be served the replica's.
package host
