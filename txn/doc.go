// Package txn is shale's client API and its transaction coordinator. A Go program links it and
// becomes a coordinator itself; a node runs the same one on behalf of clients in other
// languages.
//
// Its nouns, in the order of the story:
//
//   - DB: a cluster, as a program uses it. Update runs a closure in a transaction;
//   - Txn: one transaction: its read timestamp, which is also its name, and its buffer;
//   - Coordinator: everything that takes more than one shard: routed reads, commit,
//     resolution of others' locks. It keeps nothing of a transaction between two calls;
//   - the four windows (ports.go): Sender, Timestamps, Shards, Tasks. All that the
//     coordinator knows of the world comes through them, so that it runs over a network, in
//     the tests' world and in the simulator alike;
//   - ShardCache: which shard holds a key, as far as it was met.
//
// # One transaction
//
//	DB.Update ─▶ Begin: S = Timestamps.Next
//	             Get, Scan ─▶ buffer first, then the shards at S ──▶ a lock? resolve it
//	             Put, Delete ─▶ buffer
//	             Commit
//	               │ one shard                     │ several
//	               ▼                               ▼
//	          prewrite, OnePhase          prewrite everywhere, in parallel
//	          = THE COMMIT POINT                   │ all stand
//	               │                               ▼
//	               │                      commit the primary = THE COMMIT POINT
//	               ▼                               │
//	          acknowledged ◀───────────────────────┴──▶ commit the others, behind
//
// The first key written is the primary. What is recorded there decides; every lock names it.
//
// # A worked example
//
//	db, err := txn.Open(ctx, []string{"localhost:7400"})
//	err = db.Update(ctx, func(tx *txn.Txn) error {
//		from, err := tx.Get(ctx, "account/1")
//		if err != nil {
//			return err
//		}
//		to, err := tx.Get(ctx, "account/2")
//		if err != nil {
//			return err
//		}
//		return errors.Join(tx.Put("account/1", minus(from, 5)), tx.Put("account/2", plus(to, 5)))
//	})
//
// Both reads are of one moment. Where another transaction has written one of the accounts in
// between, Commit is refused and the closure runs again.
//
// # Invariants
//
//   - A Commit is named by S. Sent again, by anybody, at any time until its records are
//     gone, it hears the recorded outcome; with another content it is refused.
//   - The body of a transaction is run again only after a definite abort: an
//     *mvcc.WriteConflictError or *mvcc.TxnAbortedError, which are said only where no copy of
//     the Commit can get through any more.
//   - What was sent and not heard is an *mvcc.UndeterminedError; what could not commit by
//     itself (a prewrite, a read, something never sent) is not (P1).
//   - A lock is removed by its own transaction after the outcome is recorded, or by a visitor
//     who has heard the outcome from the primary's shard. Nobody else judges.
//   - A commit timestamp is told only when the oracle has issued one directly below it or
//     later: whoever begins then sees the commit (S21).
//   - No mutex is held across a window's method.
//
// # Where to look
//
//	db.go txn.go buffer.go cursor.go   the client's side
//	commit.go                          the protocol, on one screen
//	prewrite.go abort.go resolve.go    its parts
//	read.go scan.go route.go           reads, pages, the shard map
//	patience.go keeper.go              repeats and heartbeats
//	DESIGN.md                          failures, which test closes which, decisions
//
// # What it does not do
//
// It does not commit asynchronously: a transaction over several shards is acknowledged after
// two rounds of consensus. There are no claims (FOR UPDATE), savepoints, serializable
// isolation, AS OF or stale reads yet; commit.go, buffer.go and Begin's options are their
// places. It does not encode, dial or authenticate: rpc/client does.
package txn
