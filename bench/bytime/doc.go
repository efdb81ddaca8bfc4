// Package bytime checks a history of transactions over lists against the timestamps that the
// store gave them: the promise taken literally, where package elle infers what it can without
// believing in any.
//
// A committed append stands in its list at its commit timestamp. So the list at any moment is
// known, and every rule is one comparison:
//
//	commits of x       5        9           14      ▶ timestamps
//	list               [1]      [1 2]       [1 2 3]
//	read at 10                  ▲ has to be [1 2], whoever reads
//	append, read at 8           ✗ must not be committed: 9 lies between 8 and 14
//
// The rules, by the name of the mistake:
//
//	wrong read         a read is not the list at its read timestamp
//	first committer    a client's append to a list that changed after it was read
//	not serializable   a list that was read has changed before the commit (serializable only)
//	timestamps         a commit at or below its own start or read timestamp
//	one timestamp      two commits of one list at one timestamp
//	real time          a transaction that began after an acknowledgement reads before it
//	aborted read       the append of an aborted transaction is seen
//	garbage            what nobody appended is seen
//	half seen          no commit timestamp explains who saw an unknown transaction and who did not
//
// A worked example:
//
//	wrong read: x = [1] at 10, but [1 2] was committed by then
//	  T1   process 0, id 10, committed at 10
//	       read x = [1]
//	  T2   process 1, id 7, committed at 9
//	       read x = [1]; appended 2 to x
//
// # What holds
//
//   - Aborted transactions' reads count too: they were promised the same state. Only where
//     claims moved the read timestamp and the transaction was aborted, they may have been
//     lost on the way, and nothing is said.
//   - A transaction of unknown outcome that was seen has some commit timestamp, and all who saw
//     it or did not must agree on one.
//   - An append by the store is right at whatever its list is at the commit.
//
// # What it does not do
//
// It finds nothing that the timestamps themselves hide: if the oracle hands out one twice, it
// is for package elle to see what came of it.
package bytime
