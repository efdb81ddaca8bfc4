// Package shard is one replica of one shard: a state machine that is stepped.
//
// A Replica has no goroutine, clock, random source, file or socket. It is stepped with what
// happened (Event) and says what is to be done (Effects); package host does it for real, and
// shardtest and the simulator do it in one goroutine. So what is tested is what runs.
//
// Its nouns, in the order of a request's way:
//
//   - Request, Command: what a client asks; each kind that is evaluated has an eval_*.go;
//   - task: a request under way. Whatever it waits for, it goes on with admit, from the top;
//   - lease: the leader's right to answer without asking the others;
//   - latch: the order of writes on one key, in memory, from evaluation to apply;
//   - lock queue: who waits for one key's lock, and whose turn it is when that goes;
//   - lock table: every lock of the shard. Standing ones are applied state, pending ones the
//     leader's knowledge of what it has proposed;
//   - recent: what was committed lately; for younger transactions absence here is proof;
//   - view: the above as the rules of package mvcc read it; what it cannot prove is looked up;
//   - proposal, entry: the rows of one evaluated write, and all of one turn on their way
//     through Raft;
//   - Overlay, generation: what is applied and not yet in the store;
//   - State: the applied state at one index as a value: overlay, and which store views fit it;
//   - Flush, Cut: generations go to the store; the log goes once the store is durable;
//   - Split: the one change of bounds.
//
// # The way of a request
//
//	Request            Step                                            Reply, Read
//	   │                                                                    ▲
//	   ▼                                                                    │
//	 admit ── route ── leads? ── serves? ── lease ──┬── read: maxRead, locks, state
//	   ▲       wrong    not the    parked   parked, │         from memory, or a Read for
//	   │       route    leader              ask a   │         the readers
//	   │                                    quorum  └── write: latches ── evaluate
//	   │                                                          NeedError │ │ rows
//	   ├── Looked ◀──────────────────────── Lookup ◀────────────────────────┘ │
//	   ├── woken: lock gone, latch free, timer, timestamp drawn               ▼
//	   │                                             pending lock, then the turn's batch
//	   │             Turn                                                     │
//	   │      LogWrite, messages ◀── raft ◀── one entry of all of the turn ◀──┘
//	   │             │ Logged, Message
//	   │             ▼
//	   └── dropped ◀─ apply ── lock table, overlay, recent, cache ── settle ─▶ Reply
//	                             │ FlushEvery
//	                             ▼
//	                           Flush ──▶ store ──▶ Flushed: overlay let go; Cut
//
// A read is served in one step: bounds, lease, maxRead, locks and state are looked at
// together, and nothing is checked again. A write is checked once, at the leader; what goes
// through Raft are rows, and apply takes them in blindly, the same on every replica.
//
// # A worked example
//
// A put of k, S = 100, whole transaction in one request; the shard is led, the lease holds.
//
//	Step(Request)   latch k; recent proves that nothing on k is newer than 100;
//	                commit timestamp 1 + max(100, maxRead 140) = 141; k is pending at 141
//	Step(Request)   get k at 150: maxRead = 150; k is pending at 141 ≤ 150: it waits
//	Turn            one entry {term 7, bounds 1, [versions k@141]} → raft → LogWrite, MsgApp
//	Step(Message)   a follower has it
//	Step(Logged)    so has this node's log: committed
//	Turn            applied: overlay k@141, pending gone; the put is answered; the get is woken,
//	                begins at the top, and reads k@141 from the overlay
//	Turn, 100 ms    Flush{generation 1}; Flushed: the overlay forgets it
//
// People who look inside (VersionsArgs and the like) are served as reads are. Locks, queues and the
// sketch of hot keys are answered in the step; versions and records are a Read.
//
// # Waiting for a lock
//
// Who may hold locks itself (claims, prewrites, reads of a transaction with claims) stays in the
// key's queue until its deadline; a plain read hears *mvcc.LockedError after LockPatience.
//
//	T1 holds k      claim T2 ─▶ queue [T2]        20 ms later: Waits [T2 for T1, k]
//	                claim T3 ─▶ queue [T2 T3]     20 ms later: Waits [T3 for T1, k]
//	T1 commits      apply: k is free; T2 has the turn, evaluates, its claim is proposed
//	                claim T4 ─▶ latched behind T2, and then behind T3: queue [T3 T4]
//	applied         T2 holds k; 20 ms later: Waits [T3 for T2, T4 for T2]
//
// Told of Waits, the node's coordinator resolves the lock, for its holder may be dead, and tells
// the deadlock detector (package deadlock, at the system group's leader). The one whose wait
// closed a cycle is ended by a VictimArgs: *mvcc.DeadlockError. What waits holds no latch.
//
// # The host's duties
//
//  1. Step with every event as it comes; after a batch of events, or at Effects.Wake, Turn;
//     then carry the Effects out and empty them. One goroutine at a time.
//  2. Append: in order; Logged when it is on disk. A failed write or sync is the node's end.
//  3. Send: may lose, delay, double. Reply: once per request, or once by way of Read.
//  4. Flush and Split: in order; Flushed when the store has it, Durable with its own fsync.
//     Split: the right store before the left's new bounds (see Split); a right replica that
//     stands already is kept.
//  5. Lookup and Read: with a view that fits the State; where there is none, Looked with an
//     error, or the Request handed in again.
//  6. Draw: a timestamp issued after it was asked for. Resolve and Waits: to the coordinator.
//  7. A raft snapshot is a copy of the store under one read transaction; its index is the
//     copy's. Installing one ends everything that was meant for the old store.
//  8. Quarantined: nothing more comes from this replica but its status. The others go on.
//
// # What must hold
//
//   - The lock is visible (pending) before the commit timestamp is known to anybody, reads
//     raise maxRead before they look at locks, and a pending lock leaves after apply (P3).
//   - A leader serves after an entry of its own term is applied, and after a timestamp drawn
//     in its term is in maxRead (P4).
//   - The lease is asked for at t0 and holds less than an election timeout from t0; it counts
//     once what was committed then is applied (S12). It ends when a transfer begins (P18). A
//     process that has just started, and a right part that has just been made, do not vote
//     for one election timeout (S11, S12). Ticks go before events (S11).
//   - An entry of another term or other bounds than it was evaluated under is dropped on
//     every replica; its proposer goes round again (P16).
//   - Apply is total. It reads the entry, the meta rows and the lock table, nothing else;
//     what it cannot explain quarantines the replica (P7).
//   - Only what this node's log has synced is applied, and so flushed (S18). The log is cut
//     below the last durable flush alone.
//   - Whoever waited believes nothing that was true before (S13). Where writers wait for a
//     key, a lock stands there or one of them has the turn.
//   - Only issued timestamps enter maxRead (S2): what a serializable commit has read is
//     validated at its read timestamp, in one phase, or at one drawn for it.
//   - A lost log, tail or vote is an error at New, never a fresh start (S17).
//   - Reads never enter the log (P24).
//
// # What it does not do
//
// It does not choose splits or leaders, resolve locks (it hands expired ones out: Effects.
// Resolve), retry on behalf of clients, merge shards, change members, collect garbage or let
// idle groups go quiet. It does not draw timestamps itself, except the system group's leader,
// whose oracle, directory and deadlock detector live here (system.go).
//
// The decisions, and which test closes which known failure, are in DESIGN.md.
package shard
