// Package virtual puts tables that live elsewhere under SQLite's own engine.
//
//	statement ─▶ Session ─▶ SQLite (in memory) ─▶ adapter ─▶ Table.Scan(ctx, Query) ─▶ rows
//	                │                                │
//	                └ one Statement: its cut         └ what WHERE says of key, shard, time
//
// A Table declares its columns and one function that yields rows. SQLite parses, joins, groups
// and sorts; the adapter hands the comparisons it may use down to Scan as a Query, and SQLite
// checks them again unless the table says that it has.
package virtual
