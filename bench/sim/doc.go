// Package sim runs a whole cluster, and the clients that use it, in one seeded event loop.
//
// The replicas, the oracle and the directory in it are the real ones (package shard), and so
// is the coordinator (package txn). What is made up is the world around them: clocks that
// run unevenly and jump, a network that delays, loses, repeats, reorders and parts, disks
// that lose what was not synced, and processes that die at any event and come back.
//
//	nemesis ── kills, cuts, pauses, jumps ──┐
//	                                        ▼
//	clients (coroutines) ─ Send ─▶ network ─▶ process: replicas ─ log, store ─▶ disk
//	    │  │                          ▲            │
//	    │  └─ Next, Find, Sleep       └────────────┘ messages, answers
//	    ▼
//	 history ──▶ checkers, a file each ──▶ "seed 17: … replay: make sim SEED=17"
//
// Time is virtual: an event has a moment and a run function, and the loop runs the earliest.
// A client's task is a coroutine (iter.Pull). Where the coordinator sends, sleeps or asks
// for a timestamp, the task parks, and an event goes on with it; where its process is
// killed, it never does. So any Send may be the last thing that a coordinator did.
//
// A worked example:
//
//	cryptotest.SetGlobalRandom(t, 17) // raft draws its election timeouts from there
//	result := sim.Run(sim.Options{Seed: 17})
//	if result.Err != nil { t.Fatal(result.Err) }
//
// # What is checked
//
//   - check_total.go: the money in every snapshot scan is what was opened with.
//   - check_order.go: who begins after an acknowledgement sees it; the oracle never goes back.
//   - check_decision.go: everybody hears the same of a transaction, then and for ever, and
//     all of its writes or none are there, at one timestamp.
//   - check_snapshot.go: every read saw exactly the versions of its timestamp, and of two
//     transactions that overlapped on a key one did not commit.
//   - check_once.go: a transfer happened once or not at all, and the ledger explains every
//     balance; in counter.go, that no update of txn.DB was lost.
//   - check_replicas.go: replicas at the same applied index hold the same rows.
//   - check_rest.go: when all is quiet no lock stands and every transaction is decided.
//
// # What holds
//
//   - The same seed gives the same trace, event by event; its hash is compared.
//   - Nothing here reads a clock, starts a goroutine that runs beside another, or lets the
//     order of a map decide anything.
//   - The simulator can fail: mutant.go plants bugs at the windows, and it must find each.
//
// What it does not do: torn and flipped bytes (shard/raftlog and mvcc/sqlite have their own
// tests), merges, moves of replicas, serializable isolation.
package sim
