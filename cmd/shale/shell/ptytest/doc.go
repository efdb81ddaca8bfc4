// Package ptytest drives a program through a real pseudo-terminal, as a person would.
//
//	Script ─▶ Console ──── keys ───▶ /dev/ptmx ══ /dev/pts/N ◀──▶ the program
//	             │                       │
//	             └─ Wait ◀─ Screen ◀─────┘ what it writes, and answers to what it asks
//
// A Console runs one program. A Screen is what its window would show: cells, a cursor, and the
// lines that have scrolled off. A Script is a text of keys and of what to wait for, and Record
// makes a transcript of it.
//
// A worked example:
//
//	c, err := ptytest.Start(exec.Command("shale", "demo"), 100, 30)
//	defer c.Close()
//	err = c.Record(ctx, os.Stdout, "prompt shale>\ntype SELECT 1;\nkey enter\nprompt shale>\n")
//
// # What holds
//
//   - Nobody sleeps: Wait looks again whenever the program has written something.
//   - Keys are sent when the program reads them: Ready says that a line editor has drawn its
//     line and asked nothing that is not answered. What is typed before that can be lost.
//   - The program is the leader of a session whose terminal this is: Ctrl-C is a byte while it
//     edits, and an interrupt to it and its children while it does not.
//   - A screen keeps at most 20,000 lines that have scrolled off.
//
// # What it does not do
//
// It knows the escape sequences of line editors and pagers, not those of full-screen editors:
// no scroll regions, no alternate screen, no colours. It runs on Linux only.
package ptytest
