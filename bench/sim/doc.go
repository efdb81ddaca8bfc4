// Package sim runs a whole cluster, and the clients that use it, in one seeded event loop.
//
// The replicas, the oracle, the deadlock detector and the directory in it are the real ones
// (package shard), and so are the coordinator and the client library (package txn) and the
// nodes' logs (package shard/raftlog). What is made up is the world around them: clocks that
// run unevenly and jump, a network that delays, loses, repeats, reorders and parts, disks
// that lose, tear, fail and flip bits, and processes that die at any event and come back.
//
//	nemesis ── kills, cuts, pauses, jumps, rots ──┐
//	                                              ▼
//	clients (coroutines) ─ Send ─▶ network ─▶ process: replicas ─┬─ raftlog ─▶ folder
//	    │  │                          ▲            │             └─ store
//	    │  └─ Next, Find, Sleep       └────────────┘ messages, answers
//	    ▼
//	chronicle ──▶ checkers ──▶ "seed 17: … replay: make sim SEED=17"
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
// # What clients do
//
// Transfers between accounts, optimistic and under claims in any order; counters by the
// client library and by the store's own additions; serializable pairs; lists; blind writes;
// claims that guard one key and write another; scans, reads of the newest and of the past;
// a few transactions of hundreds of keys; Commits sent again, asked about, rolled back, and
// sent with other content under the same id; pages of all versions at one cut, for people who
// look inside; splits and changes of leaders.
//
// # What is checked
//
//   - check_total.go: the money in every snapshot scan is what was opened with.
//   - check_order.go: who begins after an acknowledgement sees it; the oracle never goes back.
//   - check_decision.go: everybody hears the same of a transaction, then and for ever, and
//     all of its writes or none are there, at one timestamp.
//   - check_snapshot.go: every read saw exactly the versions of its timestamp, also under
//     claims; of two transactions that wrote, checked or claimed one key, one had ended when
//     the other read; a committed check was true.
//   - check_versions.go: pages of versions at one cut hold all of them, and none above.
//   - check_serializable.go: what a serializable transaction read is as it was at its commit;
//     of a pair on duty one always is (write skew).
//   - check_once.go: a transfer happened once or not at all, and the ledger explains every
//     balance. check_counters.go: no update is lost or done twice, to the last digit.
//   - check_lists.go: packages elle and bytime find no anomaly in what clients saw of lists.
//   - check_replicas.go: replicas at the same applied index hold the same rows.
//   - check_rest.go: when all is quiet no lock stands and every transaction is decided.
//   - drill.go: a deadlock is told within a second, and who is alive is not taken for dead.
//   - recover.go, rot.go: a log or store with a flipped bit is refused, or holds what it held;
//     a store never lacks what the log does not have any more, nor the reverse.
//
// # What holds
//
//   - The same seed gives the same trace, event by event; its hash is compared.
//   - Nothing here reads a clock, starts a goroutine that runs beside another, or lets the
//     order of a map decide anything.
//   - Every fault is counted where it happens; a run prints what it was made of.
//   - The simulator can fail: mutant.go plants bugs at the windows, package mutants in the
//     product's own files, and it must find each.
//
// What it does not do: SQLite (its store is mvcc/memory), gRPC, merges, moves of replicas.
// What package shard/host does between a replica and its files is done here once more, in
// keeper.go and recover.go: a mistake in host alone is not seen.
package sim
