// Command shale is the one binary: the node, the operator's tool, the inspection shell and
// the bench.
//
//	                    ┌─ start ─ demo ──────────▶ rpc/node       runs nodes
//	main ─▶ run ─▶ root ┼─ init ─ node ─ shard ─ txn ─ lock ─ status ─ top ▶ ClusterService
//	          │         ├─ kv ─ bench ────────────▶ txn.DB         transactions
//	          │         └─ sql ─▶ shell ─▶ virtual ─▶ tables       SQL over all of it
//	          ▼
//	     exit code, and one line on stderr
//
// Each subcommand is a file of its own with an options struct. What they share are nouns:
// connection.go (a cluster's hosts), output.go (listings), exit.go (what an error means to a
// script), keys.go (how people write keys), looks.go (what the shell's statements run on).
// Packages of their own are the shell (shell), SQLite's engine over tables that live elsewhere
// (virtual), those tables (tables) and how results are printed (output).
//
// A worked example:
//
//	shale demo --dir d                    three nodes, data, transfers, a prompt
//	shale shard ls -o jsonl               {"id":"2","startKey":"AQ==",…} a line each
//	shale sql -e 'SELECT count(*) FROM versions'
//
// # What holds
//
//   - Data goes to stdout, everything else to stderr.
//   - An error is one line on stderr: what happened, then what to do.
//   - The exit codes are the contract's, and exitCode is the only place that knows them.
//   - JSON is the protobuf JSON of the message; jsonl has one object a line.
//   - Interrupt or SIGTERM: start and demo drain and exit 0, all others exit 130.
//
// # Operators
//
// They ask while something is broken: what does not answer is named, on stderr and by exit
// code 3, and the rest is shown. Nothing they look at is changed by looking. Two commands
// change what others rely on: lock resolve, which only ever has a transaction's own primary
// decide (txn/operator.go, P9), and node drain, whose mark is a row of the directory.
//
//	watch.go screen.go     --watch: in place on a terminal, else a block a round
//	top*.go                two looks make a sample; the screen is drawn of samples alone
//	debug*.go              one file for whoever has to find a defect, without keys or values
//
// # SQL
//
// Statements run on one of three things (looks.go): on virtual tables over a cluster, at one
// cut, where kv may be written once that is allowed; on the same tables over one node's replicas
// or directory, as they are; or inside of one SQLite file, there or on its node, in the sandbox
// of package mvcc/sqlite.
//
// # What it does not do
//
// It serves no TLS and knows no users yet. kv reads no past: --as-of is refused. What
// changes where replicas are (node decommission, shard merge, shard move) is there by name
// alone: later.go says so and exits 1.
package main
