// Package sqlite keeps one replica's rows in one stock SQLite file.
//
// It is an engine under the rules of package mvcc: it stores and finds rows, checks every one
// it reads against its checksum, and knows nothing of transactions. A node's SQL text stands in
// this package and nowhere else.
//
//	                  Flush (one transaction, some hundred rows)
//	replica's keeper ─────────▶ writer ──┐
//	                                     ▼
//	                           shard.db-wal ──Checkpoint──▶ shard.db
//	                                ▲                          ▲
//	readers ── View: BEGIN … ───────┴──────────────────────────┘
//	Copy, MakeSpan: a connection each, one read transaction
//
// # The file
//
// Tables raw_versions (key, commit_ts descending), raw_locks, raw_marks and raw_txns hold the
// rows, WITHOUT ROWID in the order in which they are read. A value above 200 bytes lies in
// raw_values under an id: a lock and then its version carry the id alone, so a value is
// written once. meta says where the state stands (applied_index) and what the shard's
// bounds are, system holds the directory where the shard is the system's. For people there
// are the views versions, locks, marks, txns, and readable with keys and times as text:
//
//	$ sqlite3 shard.db "SELECT key_text, commit_time, value_text FROM readable LIMIT 1"
//	account/17|2026-11-23 10:04:11.250|120
//
// Every page ends in a checksum, which a VFS of this package (vfs.go) sets and checks where
// SQLite writes and reads; every row has one besides. Other programs may read the file, and
// fold its write-ahead log into it. Where they write rows of their own, the replica that
// owns it refuses it.
//
// # Durability
//
// The file is in WAL mode with synchronous=NORMAL: a crash may lose the last flushes, in
// order, and never the file's consistency; Raft's log has them still. A durable flush
// commits under synchronous=FULL, which syncs the write-ahead log and with it everything
// committed before. Only below such a flush may the log be cut.
//
// # What must hold
//
//   - One writer, and its transactions begin as writers.
//   - A connection and its statements belong to one goroutine at a time.
//   - A page or row that does not match its checksum is an error, never an answer.
//   - Nobody else in the process opens the file but through this package.
//
// What it does not do: see that a whole page is an older version of itself, because a disk
// said yes and wrote nothing. Only another replica knows that. DESIGN.md has the failures,
// the decisions and the figures.
package sqlite
