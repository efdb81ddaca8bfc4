// Package bench puts work on a store, measures it, and checks what came of it.
//
// A Workload has four parts: it prepares the data, generates operations from a seeded
// source, executes one, and verifies at the end that what the store holds is what was
// acknowledged. Run runs one on many threads against a Store, the small interface that a
// *txn.DB, an etcd client (bench/peers) and a map (the tests) all fit behind.
//
//	Prepare ──▶ thread 1 ─ Generate ─▶ Execute ─┐
//	            thread 2 ─ Generate ─▶ Execute ─┼─▶ Recorder ──▶ a line a second
//	            …                               │       │
//	            Watch, Watch, … (invariants) ───┘       ▼
//	Verify  ◀──────────────────────────────────────── Report
//
// A worked example, which is all of `shale bench bank`:
//
//	db, err := txn.Open(ctx, hosts)
//	w, err := bench.New("bank", bench.Properties{"accounts": "1000"})
//	report, err := bench.Run(ctx, bench.NewStore(db), w, bench.Options{
//		Threads: 32, Duration: time.Minute}, os.Stderr)
//	report.WriteTable(os.Stdout)
//
// # The workloads
//
//	ycsb       YCSB's core workload; Preset("a") … Preset("f") are its six mixes
//	put, get   blind writes and reads of single keys, uniform
//	scan50     scans of 50 rows
//	transfer2  read and write two keys that lie in two different shards
//	bank       transfers with a ledger; the total is checked while they run
//	append     lists in transactions of every kind; the history is checked for anomalies
//	registers  puts, gets, adds and swaps of single keys; checked for linearizability
//	skew       pairs of accounts under one rule: write skew is counted, or must not be
//	contend    reads and writes of records that are as popular as a Zipf skew says
//	commit     blind writes in each of the three ways to commit
//
// append, registers and skew want the store's own transactions (Transactor); the others run
// on any Store. What judges a history knows nothing of the store that made it:
//
//	append ────▶ bench/history ──▶ bench/elle      the order in which values appear
//	                     └───────▶ bench/bytime    the timestamps
//	registers ─▶ bench/history ──▶ bench/register  a moment for each operation
//
// # What holds
//
//   - Latency is measured from an operation's intended start where a target rate is given:
//     a store that stalls is charged for all who would have come meanwhile.
//   - A failed operation is counted by its kind and never repeated here: only the store
//     knows what may be repeated. What was not heard is unknown, and stays so in the ledger.
//   - The same seed gives every thread the same operations.
//   - A broken promise (*BrokenError) ends the run and is its error.
//   - What is written down of a transaction is what its client knows: an outcome that was
//     not heard is asked for, and where nobody answers it stays unknown.
//   - A Meter reads the store's counters before and after: the report has what each
//     operation cost in consensus rounds, oracle requests, fsyncs and SQLite transactions.
//
// # What it does not do
//
// It starts no cluster and kills nobody: chaos.sh and peers/run.sh do.
package bench
