// Package virtual puts tables that live elsewhere under SQLite's own engine.
//
//	statement ─▶ Session ─▶ SQLite (in memory) ─▶ adapter ─▶ Table.Scan(ctx, Query) ─▶ rows
//	                │                                │
//	                └ one Statement: its cut         └ what WHERE says of key, shard, time
//
// A Table declares its columns and one function that yields rows. SQLite parses, joins, groups
// and sorts; the adapter hands the comparisons it may use down to Scan as a Query, and SQLite
// checks them again unless the column says Omit.
//
//	s, err := virtual.Open(virtual.Config{Tables: tables, Begin: begin})
//	rows, err := s.Query(ctx, "SELECT key, ts_time(commit_ts) FROM versions WHERE shard = 3")
//	for rows.Next() { use(rows.Row()) }
//	err = rows.Err()
//
// # What goes down
//
//	=, IN                one scan per value            column = 'a'          Equals
//	<, <=, >, >=, LIKE   the narrowest of several      'a' < column          Lows, Highs
//	arguments            history('a') or key = 'a'     WHERE, ON             Equals
//	LIMIT, OFFSET        their sum, where SQLite filters and sorts nothing   Limit
//	ORDER BY             a prefix of Ordered is not sorted again
//
// SQLite compares by the types, affinities and collations of both sides, Scan by the column's
// type. So a comparand is made one of the column's type (9.5 < commit_ts is 9 < commit_ts), and
// one that cannot be stays with SQLite: Scan yields more, the answer is the same. TestTwin asks
// a Scan that leaves out all it may and a table of SQLite's own the same random questions.
//
// A row has no identity but what it holds. Where SQLite needs one (two scans joined by OR,
// RIGHT and FULL JOIN, rows to change), the session sees it in the plan and asks Scan for all
// columns; the row's hash is its rowid.
//
// # The driver
//
// modernc's modules have a Create and a Connect of their own each, which SQLite does not take
// for eponymous. So Open creates the virtual tables in the memory database, of one module that
// only this session's own driver has; functions are tables with hidden columns, and
// diff(a, b) calls one. What the driver does not hand through is taken from its handles
// (handle.go, step.go): the interrupt while rows stream, the place of an error, the conflict
// clause, rows without its mutex thrice a value. It copies text up to the first NUL byte; the
// adapter takes SQLite's memory and copies itself.
//
// SQLite carries an error's text alone. The session keeps the first error of a table, function
// or commit and returns it in place of SQLite's, with its type; a panic becomes a PanicError,
// since SQLite's frames hold locks that an unwinding would leave held.
//
// # Transactions
//
//	BEGIN          Config.Begin, then SQLite's own; kv takes part in SQLite's from here on
//	kv, Do         read and write through the one transaction; its read timestamp is the cut
//	SAVEPOINT      SQLite's hooks, also for each statement: a savepoint before the next write
//	COMMIT         SQLite asks kv to sync: the distributed commit. It fails: SQLite rolls back
//	any rollback   SQLite tells kv: the distributed transaction is rolled back
//
// So both are open or neither is, and each statement and COMMIT happens on both or on neither
// (TestKVTwin). Outside of BEGIN a statement that touches kv has a transaction of its own. The
// one gap: SQLite commits its memory after the distributed commit, and only the user's own
// notes are there.
//
// # Bounds
//
// One statement of 1 MiB, values of 64 MiB, 1 GiB of own tables, 2^20 rows or 64 MiB
// remembered of those that one statement changes; 5 s for a rollback after the caller has gone.
// The authorizer lets a session use its own memory; files, other modules, triggers and most
// pragmas are refused (P30). A Session belongs to one goroutine (P32).
//
// # What it does not do
//
// No UPSERT and no RETURNING of UPDATE or DELETE on kv: SQLite has none for virtual tables. An
// INSERT of a key that exists fails where the transaction says so, at the commit. A sort may
// spill into SQLite's temporary files. A BLOB finds a key of a column that says Omit; joined
// with a BLOB column of the user's own it does so only where SQLite looks the key up, so join
// with CAST(… AS TEXT). The driver keeps a closed session's empty module and
// functions for the life of the process.
package virtual
