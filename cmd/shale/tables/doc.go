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
// Measured by BenchmarkLook on two cores that were shared by many other processes; three nodes
// and the session in one process, 100,000 rows of 100 bytes in one shard:
//
//	                         rows/s    of sqlite3    processor, µs/row
//	all rows as CSV          76,000        15 %          5.2
//	  the sqlite3 program   516,000                      1.3
//	an aggregate             98,000        16 %          3.9
//	  the sqlite3 program   621,000                      0.5
//
// On a quiet machine, with three processes (make bench-look): 130,000 rows/s, 22 to 26 % of
// the sqlite3 program's, whose 30 % were wished for. Of a row's 5 µs the leader takes 2.0,
// nearly all in SQLite's Go translation (a fifth of all in its mutexes), the wire 0.8, the
// session and its CSV 2.3; the stages run side by side where there are cores. A point query
// takes 1.2 ms (latest) to 1.4 ms (versions) beside the 0.8 ms of a get without a transaction:
// it draws a timestamp, which that get does not.
//
// # What it does not do
//
// It writes nothing and runs no SQL of users. A lock in a dead node's file may be decided
// elsewhere: over files, "locked" means that this node has not heard.
package tables
