// Command shale is the one binary: the node, the operator's tool, the inspection shell and
// the bench.
//
//	                    ┌─ start ─ demo ──────────▶ rpc/node       runs nodes
//	main ─▶ run ─▶ root ┼─ init ─ node ─ lock ─ top … ─▶ shale.v1 ClusterService
//	          │         ├─ kv ─ bench ────────────▶ txn.DB         transactions
//	          │         └─ sql ───────────────────▶ NodeService.Inspect, or a file
//	          ▼
//	     exit code, and one line on stderr
//
// Each subcommand is a file of its own with an options struct. What they share are nouns:
// connection.go (a cluster's hosts), output.go (tables, JSON, CSV), exit.go (what an
// error means to a script), keys.go (how people write keys), shell.go (the prompt).
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
// The shell reads, it never writes. With --file or --shard a statement runs on one replica's
// SQLite file as it stands, in the sandbox of package mvcc/sqlite. Without either it runs on
// a temporary file to which the rows of all the users' shards were copied (gather.go), so
// that count(*) is one number over the whole cluster. What was acknowledged before is in it.
// Its tables are of several moments, but for "latest" (snapshot.go), which one transaction
// reads. The copy is bounded by --copy-max and refused above it, never cut short.
//
// # What it does not do
//
// It serves no TLS and knows no users yet. kv reads no past: --as-of is refused. What
// changes where replicas are (node decommission, shard merge, shard move) is there by name
// alone: later.go says so and exits 1.
package main
