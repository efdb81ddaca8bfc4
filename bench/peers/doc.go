// Command peers runs the workloads of package bench on other stores than shale, and on
// shale beside them, so that a comparison is of stores and not of programs.
//
//	run.sh ── starts three etcd and three shale processes, and interleaves
//	   │
//	   ├─▶ peers run -store etcd  …  ─┐
//	   ├─▶ peers run -store shale …  ─┼─▶ a line of JSON each ──▶ peers table
//	   └─▶ peers splits               ─▶ where to split shale
//
// It is a module of its own, so that etcd's packages are no dependency of the product. Its
// go.mod also pins the etcd server, as a tool, so that `go build go.etcd.io/etcd/server/v3`
// makes it from the module proxy alone.
//
// # What is fair
//
//   - One client for each store, shared by all threads, as both projects' documents advise.
//   - The same keys, values, threads, durations and seeds; a warm-up before each measurement.
//   - Reads are current on both: linearizable in etcd, leased reads of the newest version
//     in shale. etcd's defaults for snapshots and compaction stand.
//   - A transaction is etcd's own form: gets in one request, then a commit conditional on
//     the revisions that were read; run again when the condition fails.
//   - Rounds are interleaved, and the table's figures are medians over rounds; the ratio is
//     the median of each round's ratio.
//
// # What it does not do
//
// It does not tune either store, and three processes on one machine measure the cost of the
// code more than that of the network.
package main
