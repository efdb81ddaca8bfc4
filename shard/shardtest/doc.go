// Package shardtest runs scripts over stepped replicas: a cluster of them in one goroutine,
// with stores and logs in memory, a network that the script holds in its hands, and a clock
// that moves when it says so.
//
//	script ──▶ Cluster ──▶ Member (replica, store, log) ──effects──▶ Cluster
//	                            ▲                                       │
//	                            └── messages, syncs, flushes, answers ──┘
//
// A script begins with "cluster" and goes on with one command a line; each command is in a
// file of its own. Everything that a replica asks for is done at once unless the script
// holds it back: "hold sync", "hold flush", "cut 1 2". A crash loses what was not synced.
//
// Invariants: the same script gives the same output. Raft draws its election timeouts from
// crypto/rand, so tests seed that, and scripts do not print what depends on them.
//
// It does not measure, and it does not explore: that is the simulator's work.
package shardtest
