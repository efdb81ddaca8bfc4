// Package elle finds isolation anomalies in a history of transactions over lists, by the
// method of Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies from Experimental
// Observations" (VLDB 2020), in the terms of Adya, "Weak Consistency" (MIT, 1999).
//
// It knows nothing of the store but what its clients saw. Every value is appended once, so
// the longest list read of a key is the order of its versions, and every other list read
// must be a beginning of it. That gives, between committed transactions, what must have come
// before what:
//
//	T1 ─ww▶ T2   T2 appended right after T1's value
//	T1 ─wr▶ T2   T2 read T1's version
//	T1 ─rw▶ T2   T1 read the version that T2's followed: T1 did not see T2
//	T1 ─rt▶ T2   T1's client knew of its commit before T2's client began
//
// A cycle of these is a contradiction. Which ones are, depends on the level:
//
//	list         cycle                        its name at its smallest     si   serializable
//	G0           ww only                      write cycle                  no   no
//	G1a          -                            aborted read                 no   no
//	G1b          -                            intermediate read            no   no
//	G1c          ww, wr                       circular information         no   no
//	G-single     one rw                       read skew, lost update       no   no
//	G-nonadjacent  several rw, none adjacent  long fork                    no   no
//	G2-item      several rw                   write skew                   yes  no
//
// and each of them once more "-realtime", where rt takes part: the stale read is a
// G-single-realtime.
//
// # How it decides
//
// Under snapshot isolation a transaction has two moments, its start and its commit, and each
// dependency orders two of them. Every level then is one question, whether a graph of
// moments has a cycle (Cerone and Gotsman, "Analysing Snapshot Isolation", PODC 2016):
//
//	       si: two nodes each                          serializable: one node
//	commit(T1) ─ww,wr,rt▶ start(T2)                       T1 ─any▶ T2
//	start(T1)  ─rw▶ commit(T2)
//	start(T)   ──▶ commit(T)
//
// An append done by the store works on the list as it is at the commit, so a ww that ends in
// one ends at commit(T2). Tarjan's algorithm finds the knots in linear time, and only where
// there is one the shortest cycle of the simplest kind is looked for in it.
//
// Real time would be n² edges. Instead, whenever something begins after something has
// ended, a barrier is put in: what ended leads to it, it leads to what begins and to the
// next barrier. That is at most three edges for each transaction.
//
//	T1 ──┐                 ┌─▶ T3 ──┐            ┌─▶ T4
//	     ▼                 │        ▼            │
//	    barrier 1 ─────────┴─────▶ barrier 2 ────┘
//	     ▲
//	T2 ──┘
//
// # A worked example
//
//	G-single (read skew): a cycle of 2 transactions
//	  T1  process 0, optimistic, id 10, committed at 14
//	      read x = [1]; read y = []; appended 3 to z
//	  T2  process 1, optimistic, id 11, committed at 13
//	      read x = [1]; appended 2 to x; read y = []; appended 2 to y
//	  T1 -rw-> T2  T1 read y = [], before T2's 2
//	  T2 -wr-> T1  …
//
// # What holds
//
//   - No false alarm: each edge is true in every execution that could have been observed. A
//     transaction of unknown outcome counts as committed only if a committed one saw it.
//   - Nothing missed: where no cycle is found, there is an execution of the level that
//     gives every observation (a property test compares with trying them all).
//   - The time is linear in the history where nothing is wrong.
//
// # What it does not do
//
// It does not look at timestamps; package bytime does. Reads of whole ranges are not
// observed here, so phantoms are not its matter (G2 is G2-item).
package elle
