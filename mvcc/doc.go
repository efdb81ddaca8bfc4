// Package mvcc holds the rules of versions, locks, conflicts and garbage: what a prewrite,
// a commit, a rollback and a visit mean for the rows of one shard, and what a read sees.
//
// # Versions and reads
//
// A key has versions, each written at a commit timestamp by the transaction that began at
// its start timestamp. Nothing is overwritten. A read has a timestamp, too, and sees of each
// key the newest version at or below it. Time runs to the right, keys down:
//
//	         11      21      31      41           a read at 35 sees
//	apple    red             green                apple = green   (31)
//	banana           yellow          (deleted)    banana = yellow (21): 41 is not yet
//	cherry                           dark         nothing
//	                              ▲
//	                            read at 35
//
// The same read answers the same for ever, because whoever commits later commits above it:
// a reader raises MaxRead (see Leader) before it looks, and every writer's commit timestamp
// lies above MaxRead. What is undecided meanwhile is a lock, and a lock carries a promise,
// MinCommitTS. A read below the promise goes on; a read at or above it waits (P5):
//
//	         101     106     111
//	apple    ┌ lock of T100, min commit 106
//	read       ▲ 105: old version    ▲ 110: waits until T100 is decided
//
// # A transaction in two phases
//
// A transaction is named by its start timestamp S. Prewrite lays a lock on each of its keys;
// one key, the primary, decides. Here T100 moves money from a to b, on two shards:
//
//	         100        prewrite        commit a            commit b
//	a  =10 ──────────── lock ────────── 5 at 103 + record ─────────────────
//	b  =10 ──────────── lock ──────────────────────────────  15 at 103 ────
//	                                    ▲ THE COMMIT POINT
//
// Who sees what: at 102 or below, 10 and 10. At 103 before the commit point, a lock, and so
// a wait. At 103 after it, 5 at a; at b still a lock, but one whose fate is recorded at a:
// the reader asks there (CheckTxn), turns b's lock itself and reads 15. Nobody sees 5 and 10.
//
// Where one shard has all keys, there is one phase: versions at once, no locks; the
// primary's version is the record.
//
// # Asynchronous commits
//
// The second phase need not be waited for. The primary's lock lists the other keys, and the
// transaction is committed once all locks stand, at the largest of their minimums, which
// never change. The record is written behind, and before any other lock leaves:
//
//	         100        prewrite        acknowledged: 121    record a    turn b
//	a (→ b)      ────── lock, min 101 ───────────────────── at 121 ──────────────
//	b            ────── lock, min 121 ────────────────────────────────── at 121 ─
//	                    ▲ THE COMMIT POINT: all stand
//
// So nobody may remove the primary's lock by its expiry (P2). A visitor is told the keys and
// looks at them (Fence): all stand, and the commit is recorded; or, past the expiry, what is
// missing is fenced, so that it never stands, and then the abort is recorded. Both find what
// the coordinator knows, or decide it in its place.
//
// # Claims
//
// A claim (FOR UPDATE) locks a key before there is anything to write. It keeps writers away,
// never readers, and becomes a mark; the first claimed key is the primary. T100 reads what is
// newest and moves its read timestamp above it, so that all it reads is of one state (S5):
//
//	         101          claim, read timestamp := 110     112
//	k        2 (by T99)   T100 reads 2 ─────────────────── mark, or what T100 wrote
//	j        1 (by T99)   T100 reads 1, at 110 ─────────── put
//
// An atomic operation (ADD and the like) needs no claim: it works on the newest value under
// the latch, conflicts with nothing, and waits for every lock.
//
// # Conflicts
//
// Two transactions that overlap and write the same key never both commit: the first to lock
// wins, and a version above S refuses the second. A check (CHECK_EXISTS and the like) locks
// as a write does and leaves a mark: a version for conflicts, nothing for reads. Without it
// T90 could delete what T100 has just relied on (S6):
//
//	         90         100                  200
//	parent              check ────────────── mark
//	child               put ──────────────── version
//	T90      begin                                  delete parent: conflict with the mark
//
// # Decisions are recorded, and one-way
//
//	            Prewrite                Commit at the primary
//	(nothing) ───────────▶ lock ──────────────────────────▶ Committed at C
//	    │                   │
//	    │ Rollback,         │ Rollback, or CheckTxn past expiry;
//	    ▼ CheckTxn, Fence   ▼ if asynchronous, Rollback once a key is fenced
//	  Aborted at the primary, Fenced at other keys
//
// Each record has a row of its own, by key and start (P8). Every rule looks for what is
// recorded first: so a repeat hears the first answer, a late prewrite lays no ghost lock
// (P7), and a late abort does not undo a commit. A visitor who met a lock never decides by
// itself: the primary's shard judges, by oracle time, by the primary's own expiry (P9); a
// primary that is not there yet is fenced only when the met lock's time is over (S8).
//
// The same id with another content is a caller's mistake. Locks and records carry the
// content's digest, and a decision touches only locks of its own (S7).
//
// # Evaluation
//
// A rule is a pure function: what it asks, it asks a Reader; what only the leader knows
// comes in a Leader; what it changes, it returns as Rows.
//
//	Args ──▶ Prewrite, Commit, … ──▶ Rows ──▶ log ──▶ every replica ──▶ Batch ──▶ Store
//	           │ Reader ▲                             (applied blindly)             │
//	           ▼        └────────────── Facts ◀── View ◀────────────────────────────┘
//	      *NeedError: look it up, evaluate again from the top
//
// # Invariants
//
//   - A key has at most one lock; its lock's MinCommitTS lies above S, above all reads of
//     the key so far and above its newest version and mark.
//   - A transaction has at most one commit timestamp, at or above the MinCommitTS of each of
//     its locks, and at most one decision, whoever asks and however often.
//   - A refused request changes nothing. A Commit refused by an insert or check never
//     commits later: the refusal counts as a read at S.
//   - ts ≥ safepoint is safe: garbage collection changes no such read, conflict or record
//     (P10). Below it nothing is prewritten, and a Commit whose records may be gone is
//     "expired", never "aborted" (S10).
//   - An asynchronous commit whose locks all stand is never aborted. One that has a fence is
//     never committed.
//   - What was claimed, or validated (ReadKeys), stands at the commit as it was read (S2, S6).
//   - An optimistic prewrite never waits for a lock that will commit above S in any case (S23).
//     Claims and atomic operations do: their waiting is watched for circles.
//
// # Where to look
//
//	prewrite.go onephase.go commit.go rollback.go check.go   a rule each
//	claim.go fence.go heartbeat.go outcome.go atomic.go      likewise
//	garbage.go scan.go      what may go; pages, limits and directions (P15)
//	inspect.go browse.go    what people ask who look inside, and their pages
//	reader.go store.go      the seams: who answers the rules, who keeps the rows
//	testdata/               the rules as scripts, run on every engine (package mvcctest)
//
// # What it does not do
//
// It keeps nothing, waits for nothing and knows no clock: queues, latches and leases are
// package shard's, coordination and the search for deadlocks are others'. Snapshot isolation
// permits write skew; a check, a claim, or validation of what was read closes it. Keys read in
// one phase are validated here; spans, and reads in several shards, by the shard (ValidateArgs).
package mvcc
