// Package mvcctest runs the history scripts of mvcc/testdata, which specify the rules, and
// the model tests beside them on any engine: memory, SQLite, a shard's overlay over either.
// Equal output is required of all of them.
//
//	script ─▶ command ─▶ rule (mvcc.Prewrite …) ─▶ Rows ─▶ Engine.Apply
//	             │           ▲ Reader                         │
//	             └─▶ get, scan, dump ◀────────────────────────┘
//
// An engine is a Reader that takes rows and can be read at a timestamp. StoreEngine makes
// one of any mvcc.Store, by doing to it what a replica's apply does, one flush per entry.
//
// Every rule is evaluated three times: on the engine, again on the engine, and on a reader
// that at first knows nothing and answers *mvcc.NeedError until it was told. All three must
// agree, for a shard evaluates again from the top whenever it had to look something up.
//
// A script reads like this; the situation is drawn on top of each:
//
//	prewrite start=100 primary=a
//	put a 1
//	----
//	locked, min commit 101
//
// Commands: leader, prewrite, claim, fence, commit, rollback, check-txn, outcome, heartbeat, get,
// scan, versions, records, gc, dump. Timestamps are small numbers; a value x*300 is 300 times x;
// a transaction's digest is named after its start, unless digest=NAME says otherwise. Reads raise
// max-read, and so does a refused insert or check, as a shard must.
//
// It does not schedule: what happens when is the script's order. Schedules over replicas
// are shardtest's.
package mvcctest
