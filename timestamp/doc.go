// Package timestamp is time as transactions see it: the Timestamp type, the oracle that
// hands timestamps out, and the client that asks for many at once.
//
// A timestamp is Unix milliseconds << 18 | counter. The high part is for people, and for
// durations such as a lock's lifetime; the order alone is what transactions need.
//
//	callers          Client             Source             Oracle (leader, leased)
//	  │ Next ─▶┐
//	  │ Next ─▶┤ wait
//	  │ Next ─▶┘    │── Draw(n=3) ─────────▶│── Take(wall, 3) ──▶ t, t+1, t+2
//	  │ Next ─▶┐    │                       │                       │ t+2 ≤ ceiling
//	  │ Next ─▶┤ wait  ◀── first=t, term ───┴───────────────────────┘
//	  │        └─▶ the next Draw, never the one under way
//
// # The oracle
//
// Oracle is a value that is stepped: it has no clock and does no I/O. It serves only below
// a ceiling that is persisted (through the system group's log) before the first timestamp
// under it is given away. A new term of office begins above the ceiling it finds, whatever
// its predecessor had served of it, so time never goes back:
//
//	term 4   ceiling 3000   serves …, 104, 105        stops without a word
//	term 5   finds   3000   persists 6000, serves 3001, 3002, …
//
// That the old leader stops in time is not this package's matter: the system group's
// leader asks its oracle only under a lease that was checked in the same step.
//
// A wall clock that stands still or runs back stops nothing: the oracle counts on. While it
// is ahead of the wall clock its ceiling moves in small steps, so that restarts in a row do
// not run away from the time of day. A wall clock that leaps ahead is followed by
// StepMax at most with each ceiling.
//
// # The client
//
// One request is under way at a time; all who come meanwhile share the next one. Nobody
// joins a request that is under way and nothing is kept for later: a timestamp that a
// caller gets was issued after the caller asked, which is what makes snapshot isolation
// strong. An answer of a lower term of office than one seen before is thrown away.
//
// # What must hold
//
//   - Of two timestamps, the one taken later is the greater, over all terms of office.
//   - No timestamp above the persisted ceiling is given away.
//   - Every Next that begins after another has returned is greater than it.
//
// What this package does not do: agree on anything. It takes terms, leases and persisted
// ceilings from package shard, which has them from Raft.
package timestamp
