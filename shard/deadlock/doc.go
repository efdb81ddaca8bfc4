// Package deadlock finds transactions that wait for each other in a circle.
//
// A Detector is a value that is told who waits for whom. It has no goroutine and no clock. One
// lives at the system group's leader, in memory alone: a new leader begins with nothing, and
// within a second everybody who waits is told of again.
//
// Its nouns:
//
//   - edge: one transaction waits for a lock of another, on a key; it lives for a few seconds
//     after it was told last;
//   - cycle: edges, each of which begins where the one before ended, and the last of which ends
//     where the first began. The first is the one that was told last: its wait is the one to be
//     ended.
//
// # A worked example
//
//	told        edges                   answer
//	A ─x─▶ B    A─▶B                    nothing
//	B ─y─▶ C    A─▶B─▶C                 nothing
//	C ─z─▶ A    A─▶B─▶C                 C waits for A (z), A for B (x), B for C (y)
//
// The edge that closed the cycle is not kept, nor is any other of C: it is about to be ended,
// and its locks with it. So no second victim is found in the same circle. If the news is lost
// on the way to C, C's wait is told again, closes the circle again, and C is the victim again.
//
// # What must hold
//
//   - The edges that are kept form no cycle. An edge told closes one if and only if a way leads
//     from its holder to its waiter over living edges: then one is answered, the shortest.
//   - What is kept is bounded. Beyond the bound the oldest edge is forgotten: it is told again.
//   - The same edges told at the same times give the same answers.
//
// # What it does not do
//
// It does not know that a wait has ended: an edge lives on for its time. A holder whose locks
// are gone has ended and waits no more, so nothing comes of that; but who gave a wait up and
// goes on may be held against another for as long. That one begins again in vain, no more.
package deadlock
