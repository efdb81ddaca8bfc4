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
//	             GetForUpdate ─▶ claim the key, read its newest; S stays the name
//	             Put, Delete, Add ─▶ buffer
//	             Commit
//	               │ one shard           │ several                     │ many keys, or
//	               ▼                     ▼                             ▼ reads to validate
//	          prewrite, OnePhase    prewrite everywhere,          prewrite everywhere
//	          = THE COMMIT POINT    in parallel; all stand             │ validate at V
//	               │                = THE COMMIT POINT                 ▼
//	               │                     │                        record at the primary
//	               ▼                     ▼                        = THE COMMIT POINT
//	          acknowledged          acknowledged                       │
//	                                     │                             ▼
//	                     behind: record at the primary,           acknowledged; behind:
//	                             then turn the others             turn the others
//
// The first key claimed, else the first written, is the primary. What is recorded there
// decides; every lock names it. While nothing is recorded of an asynchronous commit, its locks
// themselves decide: the primary's lists the keys, and whoever wants to know looks at them.
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
//   - An asynchronous commit is never aborted while its primary's lock stands, unless a key of
//     it is fenced first: all of its locks may stand, and then it is committed (P2).
//   - A serializable transaction with reads to validate is never asynchronous, and commits at
//     a timestamp drawn from the oracle after its locks stood (S2).
//   - Everything that waits and may hold something is known to the deadlock detector (S23).
//   - A commit timestamp is told only when the oracle has issued one directly below it or
//     later: whoever begins then sees the commit (S21).
//   - No mutex is held across a window's method.
//
// # Where to look
//
//	db.go txn.go buffer.go cursor.go     the client's side
//	savepoint.go reads.go                what it notes on the way
//	commit.go                            the protocol, on one screen
//	prewrite.go validate.go abort.go     its parts
//	resolve.go recover.go                locks of others, and what their locks decide
//	claim.go wait.go keeper.go           FOR UPDATE, deadlocks, heartbeats
//	read.go scan.go route.go patience.go reads, pages, the shard map, repeats
//	DESIGN.md                            failures, which test closes which, decisions
//
// # What it does not do
//
// Only leaders are read, also where staleness is allowed. Claims are not released by
// RollbackTo. It does not encode, dial or authenticate: rpc/client does.
package txn
