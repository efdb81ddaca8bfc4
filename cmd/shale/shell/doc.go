// Package shell is the place to work in: it reads statements, runs them on an Engine and prints
// what they find.
//
//	a terminal ─▶ editor ─┐  (history, completion,        ┌─▶ SQL  ─▶ Engine.Query
//	              Ctrl-C  │   several lines)              │
//	a pipe ─────▶ lines ──┼─▶ Splitter ─▶ Statement ─▶ run┼─▶ keys ─▶ Transactor.Do
//	-e, -f ───────────────┘                               │
//	                                                      └─▶ .dot ─▶ Command
//	                                          rows ─▶ cmd/shale/output ─▶ Out
//	                       notes, progress, timer, errors ──────────────▶ Say
//
// An Engine runs statements; a Transactor is one that also knows keys, transactions and time. A
// Statement is one piece of what was typed: SQL, words about keys (GET, PUT, DEL, SCAN), or a
// command that begins with a dot. A Command is one of the latter; most of them are a SELECT.
//
// A worked example, typed at the prompt:
//
//	shale> .write on
//	shale> BEGIN;
//	shale*> PUT city/Basel {"population": 177000}
//	shale*> GET city/Basel;
//	key         value
//	city/Basel  {"population": 177000}
//	shale*> COMMIT;
//	committed at 467233812480000001
//
// # What holds
//
//   - What was asked for goes to Out, everything else to Say. Out has no colour unless it is a
//     terminal.
//   - A script (-e, -f, a pipe) ends at its first error; a person reads it and goes on.
//   - SQL ends with a semicolon, also many lines later; a command ends with its line; words about
//     keys end with either.
//   - Ctrl-C during a statement ends that statement, here and on the servers; while typing it
//     clears the line; twice on an empty one it leaves, as Ctrl-D does once.
//   - Nothing writes before .write on.
//   - The history file has mode 0600, at most 10,000 statements and 4 MiB, each whole, however
//     many lines it has. Shells that run at the same time all add to it.
//   - Every wait ends with the context; .watch waits 0.2 s at least, .read nests 10 deep, a
//     statement has at most 16 MiB.
//
// # What it does not do
//
// It parses no SQL: it finds where a statement ends, and completes words by what stands before
// them. The bodies of triggers, with their own semicolons, are beyond it.
package shell
