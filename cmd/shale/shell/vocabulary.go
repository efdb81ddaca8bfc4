package shell

import (
	"slices"
	"strings"
)

// described is a word and what it is for.
type described struct{ name, doc string }

// keyVerbs is constant: the words about keys.
var keyVerbs = []described{
	{"GET", "the values of keys"},
	{"PUT", "write a key"},
	{"DEL", "delete keys"},
	{"SCAN", "the keys of a range"},
}

// beginningWords is constant: what SQL statements begin with here.
var beginningWords = []described{
	{"SELECT", "ask"},
	{"WITH", "name a query, then ask"},
	{"EXPLAIN QUERY PLAN", "how SQLite would go about it"},
	{"EXPLAIN TXN", "where a transaction's time went"},
	{"BEGIN", "open a transaction"},
	{"COMMIT", "commit it"},
	{"ROLLBACK", "undo it"},
	{"SAVEPOINT", "a place to go back to"},
	{"RELEASE", "forget a savepoint"},
	{"INSERT INTO kv", "write a new key"},
	{"UPDATE kv SET", "change keys"},
	{"DELETE FROM kv", "delete keys"},
	{"VALUES", "rows as they stand"},
}

// keywords is constant: the words of SQL inside of a statement.
var keywords = []string{
	"ALL", "AND", "AS", "ASC", "BETWEEN", "BY", "CASE", "CAST", "COLLATE", "CROSS", "DELETE", "DESC", "DISTINCT",
	"ELSE", "END", "ESCAPE", "EXCEPT", "EXISTS", "FILTER", "FROM", "FULL", "GLOB", "GROUP", "HAVING", "IN", "INNER", "INSERT",
	"INTERSECT", "INTO", "IS", "ISNULL", "JOIN", "LEFT", "LIKE", "LIMIT", "MATERIALIZED", "NATURAL", "NOT", "NOTNULL", "NULL",
	"NULLS", "OFFSET", "ON", "OR", "ORDER", "OUTER", "OVER", "PARTITION", "RECURSIVE", "RETURNING", "RIGHT", "ROWS", "SELECT", "SET",
	"THEN", "TO", "UNION", "UPDATE", "USING", "VALUES", "WHEN", "WHERE", "WINDOW", "WITH",
}

// keyword says whether a word can be no alias.
func keyword(word string) bool {
	_, found := slices.BinarySearch(keywords, strings.ToUpper(word))
	return found
}

// sqliteFunctions is constant: those of SQLite that people use on what is here.
var sqliteFunctions = []struct{ name, args, doc string }{
	{"abs", "X", "without its sign"},
	{"avg", "X", "the mean"},
	{"coalesce", "X, Y, …", "the first that is not NULL"},
	{"count", "*", "how many rows"},
	{"date", "time, …", "the day"},
	{"datetime", "time, …", "day and time"},
	{"first_value", "X", "of the window"},
	{"format", "FORMAT, …", "as printf"},
	{"group_concat", "X [, separator]", "all texts as one"},
	{"hex", "X", "bytes in hexadecimal"},
	{"ifnull", "X, Y", "Y where X is NULL"},
	{"iif", "X, Y, Z", "Y where X holds, or else Z"},
	{"instr", "X, Y", "where Y is in X"},
	{"json", "X", "JSON, without spaces"},
	{"json_extract", "X, path, …", "a part of JSON"},
	{"json_group_array", "X", "all rows as an array"},
	{"json_group_object", "name, X", "all rows as an object"},
	{"json_object", "name, X, …", "an object"},
	{"json_type", "X [, path]", "what a part of JSON is"},
	{"json_valid", "X", "whether it is JSON"},
	{"lag", "X [, offset]", "of an earlier row of the window"},
	{"lead", "X [, offset]", "of a later row of the window"},
	{"length", "X", "characters, or bytes"},
	{"lower", "X", "in small letters"},
	{"ltrim", "X [, letters]", "without spaces at its beginning"},
	{"max", "X", "the greatest"},
	{"min", "X", "the least"},
	{"nullif", "X, Y", "NULL where they are equal"},
	{"octet_length", "X", "bytes"},
	{"printf", "FORMAT, …", "a text with values in it"},
	{"quote", "X", "as a literal of SQL"},
	{"rank", "", "in the window's order"},
	{"replace", "X, Y, Z", "Z for every Y in X"},
	{"round", "X [, digits]", "rounded"},
	{"row_number", "", "in the window's order"},
	{"rtrim", "X [, letters]", "without spaces at its end"},
	{"strftime", "format, time, …", "a time as text"},
	{"substr", "X, from [, length]", "a part of it"},
	{"sum", "X", "added up"},
	{"time", "time, …", "the time of day"},
	{"total", "X", "added up, as a float"},
	{"trim", "X [, letters]", "without spaces around it"},
	{"typeof", "X", "null, integer, real, text or blob"},
	{"unhex", "X", "bytes from hexadecimal"},
	{"unixepoch", "time, …", "seconds since 1970"},
	{"upper", "X", "in capitals"},
}
