// Package isolation shows what each isolation level prevents and what it allows, on a real
// cluster: three nodes in one process, on real ports and files. All of it is tests.
//
// Its nouns:
//
//   - scenario: a script in testdata, named after its anomaly. It says which rows there are,
//     what the sessions T1, T2, … do, one step after the other, and what each must see;
//   - mode: how the sessions begin: optimistic, pessimistic, serializable. A scenario has a
//     column for each;
//   - placement: one, all rows in one shard; two, rows below y in one shard and the others in
//     a second; moved, the same with leaders moved where the script says move;
//   - lane: the shards of one mode and one placement. Nine of them run side by side;
//   - session: its own coordinator, as if each were another client process;
//   - verdict: whether the anomaly is allowed. An anomaly that is prevented must not be seen,
//     and one that is allowed must be: a level stronger than promised fails the test too.
//
// # A scenario
//
//	rows x=10 y=20
//	                 | optimistic | pessimistic | serializable
//	T1 begin
//	T2 begin
//	T1 get! x        | 10
//	T2 get! x        | 10         | waits, 11   | 10
//	T1 put x x+1
//	move x
//	T1 commit
//	T2 put x x+1
//	T2 commit        | aborted    | ok          | aborted
//	end              | x=11 y=20  | x=12 y=20   | x=11 y=20
//
//	anomaly T1 ok, T2 ok, T1 saw x=10, T2 saw x=10
//	verdict          | prevented
//
// A step without an expectation must end well; one column stands for all three. An
// exclamation mark is a claim (GetForUpdate) in the pessimistic column, what FOR UPDATE or an
// UPDATE would be in SQL, and nothing elsewhere. A value x+1 is computed from what the session
// last saw of x. A step that waits must be seen waiting at the leader; it ends before its
// session's next step. Several anomaly lines are alternatives. After each commit its writes are
// read again at exactly its commit timestamp. Where two outcomes are right, " / " stands
// between them.
//
//	begin [MODE|readonly]    get KEY…    get! KEY…    scan [START [END]]
//	put[!] KEY VALUE         insert[!] KEY VALUE      del[!] KEY       add KEY N
//	savepoint NAME           rollback-to NAME         rollback
//	commit [unheard|half]    unheard: done, the answer lost; half: only the primary's
//	                         shard hears of it (of one shard: nobody does)
//	db get KEY… | db put KEY VALUE | db add KEY N     without a transaction
//	move KEY    split KEY    end
//
// # Before the first read
//
// A commit timestamp is computed by the shards written: it lies above all that was read
// there, and may lie below what the oracle says now. So a commit that comes after a Begin in
// real time may still belong to that transaction's snapshot, as long as it has read
// nothing there: it sees the write, and to write the same key is no conflict, for in the order
// of timestamps the two do not overlap. Nothing is lost by that; but a scenario in which they
// are to overlap has the later one read a key of the shard first ("get w").
//
// # Where to look
//
//	testdata/*           the scenarios
//	isolation_test.go    TestIsolation, all of it in one cluster
//	matrix_test.go       scenario × mode × placement, printed with -v
//	script_test.go       scripts; session_test.go: steps; cast_test.go: a run of them
//	world_test.go        the cluster, its lanes; faults_test.go: lost messages
//	*_test.go            what no script can say: 64 clients at a counter, deadlocks, long
//	                     forks, moving leaders, AS OF, sessions that hop between nodes
//
// # What it does not do
//
// It shows schedules that somebody thought of. Those that nobody did are looked for by bench/sim
// and by bench append. Nodes do not die here.
package isolation
