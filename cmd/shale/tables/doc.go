// Package tables declares what the shell shows: the virtual tables, table-valued functions
// and scalar functions over a running cluster, over one node's replicas as they are, and over
// the files of a node that is dead.
//
//	OpenCluster ──▶ pages from the leaders, at one cut ──┐
//	OpenReplica ──▶ pages of SQL from a node's files ────┼─▶ source ──▶ the same Scans
//	OpenStore   ──▶ pages of SQL from DIR/shards ────────┘
//
// Its nouns:
//
//   - source: where versions, locks and records come from, in order of key;
//   - page: what is asked for at once, bounded in rows and bytes; the next one is under way
//     while this one is used, and up to two shards more;
//   - cut: the one timestamp at which a statement reads everything (virtual.StatementOf).
//
// # Keys and values in SQL
//
// A key or value is TEXT where it is valid UTF-8 of printable characters (tabs and line breaks
// too), and a BLOB otherwise. People write key = 'city/Tokyo', and SQLite holds no BLOB equal
// to any TEXT; the same rule in every table keeps joins right. Comparisons of a key with =,
// IN, <, … that reach Scan are made on bytes there, and SQLite does not repeat them
// (virtual.Column.Omit), so that X'63' finds 'c' as well and a range of binary keys does not
// lose those that happen to be text. Rows come in the order of bytes, which is the order of
// ORDER BY key but where text and binary keys mix: there SQLite alone would put all text first.
// key_text and value_text are always text, by mvcc/format.go.
//
// # A worked example
//
//	SELECT key, change, before, after FROM diff(ts('2026-11-23 10:00'), ts_now(), 'city/', 'city0')
//
// draws one timestamp for ts_now(), asks the shards of [city/, city0) for the versions between
// the two with the one below each key's oldest, page by page, and yields a row for each key
// whose value differs.
//
// # What must hold
//
//   - All versions that a statement sees are of one cut: the statement's AsOf, or one fresh
//     timestamp. at(ts), diff and history of an explicit timestamp use that one. Locks, waits,
//     records and what replicas say of themselves are of the moment they were read.
//   - A shard that cannot be read fails the statement with an *UnreadableError. Rows already
//     yielded are then worth nothing: the shell says so.
//   - A shard's answer covers what it says it covers: what a split took out of its bounds is
//     asked of whoever holds it now, from where the pages had come to.
//   - Nothing outlives a scan: its goroutines end before it returns.
//
// # Speed
//
// Measured by BenchmarkLook on two cores that were shared by twenty other processes, three
// nodes and the session in one process, 100,000 rows of 100 bytes in one shard. A page costs
// 2.0 µs a row at the leader, nearly all of it in SQLite's Go translation, 0.8 on the wire,
// and 2.3 in the session and its CSV; the sqlite3 program, in C, needs 1.6 for the same rows
// as CSV and 0.5 for an aggregate of them. By the processor's time that is a fifth of its rate
// as CSV and a ninth for an aggregate, less than the third that was wished for; the stages
// run side by side where there are cores. A point query takes 1.2-1.4 ms beside the 0.8 ms of
// a get without a transaction: it draws a timestamp, which that get does not.
//
// # What it does not do
//
// It writes nothing and runs no SQL of users. A lock in a dead node's file may be decided
// elsewhere: over files, "locked" means that this node has not heard.
package tables
