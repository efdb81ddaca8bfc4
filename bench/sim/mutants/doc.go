// Command mutants plants bugs in shale and has the simulator find them.
//
// A mutant is an edit of one source file of the product: a text that stands there once, and
// what stands there instead. Nothing in the product knows of it: the edited file lies in a
// scratch folder, and the go command is told by -overlay to read it instead.
//
//	mutant ── File, Old, New ──▶ overlay.json ──▶ go test -overlay -c ./bench/sim ──▶ seeds …
//	                                          └─▶ go build -overlay ./cmd/shale (a mutant build)
//
// Each mutant says what it breaks, and which row of the pitfalls (P7) or schedules (S11) it
// makes come true. Three ranges of seeds are tried, each until one fails; how many it took is
// the measure of how well workload and checkers see that kind of bug.
//
// A worked example:
//
//	$ go run ./bench/sim/mutants -run lease
//	mutant                 closes      seeds      median  seen as
//	lease-not-checked      S11 P18     3 1 9      3       client2 reads the newest of a03 …
//
//	$ go run ./bench/sim/mutants -build blind-resolver -o bin/shale-mutant
//
// # What holds
//
//   - Every Old stands exactly once in its file, and every edited file compiles: a test, so
//     that a change of the product does not turn a mutant into nothing.
//   - A mutant that the seeds do not find is printed as such, and the command fails.
//
// The bugs at the windows between coordinator, network and disk, which are no edit of a file,
// are in package sim.
package main
