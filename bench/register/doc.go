// Package register checks that single keys, read and written without transactions, behave as
// registers: every operation seems to happen at one moment between its call and its answer
// (Herlihy and Wing, "Linearizability", 1990). The search for such moments is porcupine's
// (Athalye; the algorithm of Wing and Gong with Lowe's memory).
//
//	put 1   ├────────┤
//	get           ├──────┤ 1
//	cas 1→2              ├────┤ swapped
//	get                          ├──┤ 1    ✗ nothing explains it
//
// A register holds a number or nothing. Op is one operation: a put, an add (nothing counts as
// 0), a compare-and-set, a get. Keys are independent, so each is checked alone, and a
// workload that moves on to new keys keeps the search short.
//
// A worked example:
//
//	r := register.Check(ops, time.Minute)
//	r.Anomalies[0].Text:
//	  no order of these explains the last answer; key a
//	    0s to 10ns     process 1  put 1
//	    20ns to 30ns   process 2  put 2
//	  ▶ 40ns to 50ns   process 1  get: 1
//
// # What holds
//
//   - An operation of unknown outcome may take effect at any time after its call, or never;
//     an aborted one must not.
//   - What is printed is the shortest beginning of the key's history that nothing explains.
//   - A key whose search takes too long is counted as undecided, not as right.
package register
